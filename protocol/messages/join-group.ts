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

// v1: rebalance timeout apart from the session's (KIP-62); before, the session timeout serves for both. v4: a member without id is sent away with one
// (KIP-394). v5: static membership (KIP-345). v6: flexible. v8: reason (KIP-800).
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
    protocols: array({ name: string, metadata: bytes }),
    reason: since(8, optional(string)),
  },
);
export type JoinGroupRequest = Infer<typeof joinGroupRequest>;

// v2: throttle time. v7: protocol type, and null protocol names (KIP-559). v9: the leader may be told to skip the assignment (KIP-814).
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
