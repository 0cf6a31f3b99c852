import { type Infer, request, response } from "../schema/message.ts";
import { int16, int32, optional, since, string } from "../schema/types.ts";

// v1: throttle time. v3: static membership (KIP-345). v4: flexible.
export const heartbeatRequest = request(
  12,
  { versions: [0, 4], flexible: 4 },
  {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, optional(string)),
  },
);
export type HeartbeatRequest = Infer<typeof heartbeatRequest>;

export const heartbeatResponse = response(
  12,
  { versions: [0, 4], flexible: 4 },
  { throttleTimeMs: since(1, int32), errorCode: int16 },
);
export type HeartbeatResponse = Infer<typeof heartbeatResponse>;
