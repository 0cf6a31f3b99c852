import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  nullable,
  since,
  string,
  uint16,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-853. v1: answer before the change is committed.
export const addRaftVoterRequest = request(
  80,
  { versions: [0, 1], flexible: 0 },
  {
    clusterId: nullable(string),
    timeoutMs: int32,
    voterId: int32,
    voterDirectoryId: uuid,
    listeners: array({ name: string, host: string, port: uint16 }),
    ackWhenCommitted: since(1, withDefault(bool, true)),
  },
);
export type AddRaftVoterRequest = Infer<typeof addRaftVoterRequest>;

export const addRaftVoterResponse = response(
  80,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  },
);
export type AddRaftVoterResponse = Infer<typeof addRaftVoterResponse>;
