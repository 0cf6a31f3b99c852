import { type Infer, request, response } from "../schema/message.ts";
import { bool, bytes, int16, int32, int8, uuid } from "../schema/types.ts";

// KIP-714.
export const pushTelemetryRequest = request(
  72,
  { versions: [0, 0], flexible: 0 },
  {
    clientInstanceId: uuid,
    subscriptionId: int32,
    terminating: bool,
    compressionType: int8,
    metrics: bytes,
  },
);
export type PushTelemetryRequest = Infer<typeof pushTelemetryRequest>;

export const pushTelemetryResponse = response(
  72,
  { versions: [0, 0], flexible: 0 },
  { throttleTimeMs: int32, errorCode: int16 },
);
export type PushTelemetryResponse = Infer<typeof pushTelemetryResponse>;
