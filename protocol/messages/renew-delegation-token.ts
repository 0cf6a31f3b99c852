import { type Infer, request, response } from "../schema/message.ts";
import { bytes, int16, int32, int64 } from "../schema/types.ts";

// KIP-48. v2: flexible.
export const renewDelegationTokenRequest = request(
  39,
  { versions: [0, 2], flexible: 2 },
  { hmac: bytes, renewPeriodMs: int64 },
);
export type RenewDelegationTokenRequest = Infer<typeof renewDelegationTokenRequest>;

export const renewDelegationTokenResponse = response(
  39,
  { versions: [0, 2], flexible: 2 },
  {
    errorCode: int16,
    expiryTimestampMs: int64,
    throttleTimeMs: int32,
  },
);
export type RenewDelegationTokenResponse = Infer<typeof renewDelegationTokenResponse>;
