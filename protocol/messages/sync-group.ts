import { type Infer, request, response } from "../schema/message.ts";
import { array, bytes, int16, int32, optional, since, string } from "../schema/types.ts";

// v1: throttle time. v3: static membership (KIP-345). v4: flexible. v5: protocol type and name (KIP-559).
export const syncGroupRequest = request(
  14,
  { versions: [0, 5], flexible: 4 },
  {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, optional(string)),
    protocolType: since(5, optional(string)),
    protocolName: since(5, optional(string)),
    assignments: array({ memberId: string, assignment: bytes }),
  },
);
export type SyncGroupRequest = Infer<typeof syncGroupRequest>;

export const syncGroupResponse = response(
  14,
  { versions: [0, 5], flexible: 4 },
  {
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    protocolType: since(5, optional(string)),
    protocolName: since(5, optional(string)),
    assignment: bytes,
  },
);
export type SyncGroupResponse = Infer<typeof syncGroupResponse>;
