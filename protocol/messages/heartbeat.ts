import { type Infer, request, response } from "../schema/message.ts";
import { int16, int32, nullable, since, string, withDefault } from "../schema/types.ts";

// v1: throttle time. v3: group instance id, static membership (KIP-345). v4: flexible (KIP-482).
export const heartbeatRequest = request(
  12,
  { versions: [0, 4], flexible: 4 },
  {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, withDefault(nullable(string), null)),
  },
);
export type HeartbeatRequest = Infer<typeof heartbeatRequest>;

export const heartbeatResponse = response(
  12,
  { versions: [0, 4], flexible: 4 },
  { throttleTimeMs: since(1, int32), errorCode: int16 },
);
export type HeartbeatResponse = Infer<typeof heartbeatResponse>;
