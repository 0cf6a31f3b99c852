import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
} from "../schema/types.ts";

// v1: throttle time. v3: many members at once, by instance id too (KIP-345). v4: flexible. v5: reason (KIP-800).
export const leaveGroupRequest = request(
  13,
  { versions: [0, 5], flexible: 4 },
  {
    groupId: string,
    memberId: between(0, 2, string),
    members: since(
      3,
      array({
        memberId: string,
        groupInstanceId: optional(string),
        reason: since(5, optional(string)),
      }),
    ),
  },
);
export type LeaveGroupRequest = Infer<typeof leaveGroupRequest>;

export const leaveGroupResponse = response(
  13,
  { versions: [0, 5], flexible: 4 },
  {
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    members: since(
      3,
      array({
        memberId: string,
        groupInstanceId: nullable(string),
        errorCode: int16,
      }),
    ),
  },
);
export type LeaveGroupResponse = Infer<typeof leaveGroupResponse>;
