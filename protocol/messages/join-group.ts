import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  bytes,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

export const joinGroupRequest = request(
  11,
  { versions: [0, 9], flexible: 6 },
  {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: since(1, withDefault(int32, -1)),
    memberId: string,
    groupInstanceId: since(5, optional(string)),
    protocolType: string,
    protocols: array({
      name: string,
      metadata: bytes,
    }),
    reason: since(8, optional(string)),
  },
);
export type JoinGroupRequest = Infer<typeof joinGroupRequest>;

export const joinGroupResponse = response(
  11,
  { versions: [0, 9], flexible: 6 },
  {
    throttleTimeMs: since(2, int32),
    errorCode: int16,
    generationId: withDefault(int32, -1),
    protocolType: since(7, optional(string)),
    protocolName: nullable(string, 7),
    leader: string,
    skipAssignment: since(9, withDefault(bool, false)),
    memberId: string,
    members: array({
      memberId: string,
      groupInstanceId: since(5, optional(string)),
      metadata: bytes,
    }),
  },
);
export type JoinGroupResponse = Infer<typeof joinGroupResponse>;
