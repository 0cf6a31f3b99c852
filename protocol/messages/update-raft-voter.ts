import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  nullable,
  string,
  struct,
  tagged,
  uint16,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-853.
export const updateRaftVoterRequest = request(
  82,
  { versions: [0, 0], flexible: 0 },
  {
    clusterId: nullable(string),
    currentLeaderEpoch: int32,
    voterId: int32,
    voterDirectoryId: uuid,
    listeners: array({ name: string, host: string, port: uint16 }),
    kRaftVersionFeature: struct({ minSupportedVersion: int16, maxSupportedVersion: int16 }),
  },
);
export type UpdateRaftVoterRequest = Infer<typeof updateRaftVoterRequest>;

export const updateRaftVoterResponse = response(
  82,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    currentLeader: tagged(
      0,
      0,
      struct({
        leaderId: withDefault(int32, -1),
        leaderEpoch: withDefault(int32, -1),
        host: string,
        port: int32,
      }),
    ),
  },
);
export type UpdateRaftVoterResponse = Infer<typeof updateRaftVoterResponse>;
