import { type Infer, request, response } from "../schema/message.ts";
import { bytes, int16, int32, int64 } from "../schema/types.ts";

// KIP-48. v2: flexible.
export const expireDelegationTokenRequest = request(
  40,
  { versions: [0, 2], flexible: 2 },
  { hmac: bytes, expiryTimePeriodMs: int64 },
);
export type ExpireDelegationTokenRequest = Infer<typeof expireDelegationTokenRequest>;

export const expireDelegationTokenResponse = response(
  40,
  { versions: [0, 2], flexible: 2 },
  {
    errorCode: int16,
    expiryTimestampMs: int64,
    throttleTimeMs: int32,
  },
);
export type ExpireDelegationTokenResponse = Infer<typeof expireDelegationTokenResponse>;
