import { type Infer, request, response } from "../schema/message.ts";
import { array, bool, int16, int32, int8, string, uuid } from "../schema/types.ts";

// KIP-714.
export const getTelemetrySubscriptionsRequest = request(
  71,
  { versions: [0, 0], flexible: 0 },
  { clientInstanceId: uuid },
);
export type GetTelemetrySubscriptionsRequest = Infer<typeof getTelemetrySubscriptionsRequest>;

export const getTelemetrySubscriptionsResponse = response(
  71,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    clientInstanceId: uuid,
    subscriptionId: int32,
    acceptedCompressionTypes: array(int8),
    pushIntervalMs: int32,
    telemetryMaxBytes: int32,
    deltaTemporality: bool,
    requestedMetrics: array(string),
  },
);
export type GetTelemetrySubscriptionsResponse = Infer<typeof getTelemetrySubscriptionsResponse>;
