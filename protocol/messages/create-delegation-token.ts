import { type Infer, request, response } from "../schema/message.ts";
import { array, bytes, int16, int32, int64, nullable, since, string } from "../schema/types.ts";

// KIP-48. v2: flexible. v3: tokens for others (KIP-373).
export const createDelegationTokenRequest = request(
  38,
  { versions: [0, 3], flexible: 2 },
  {
    ownerPrincipalType: since(3, nullable(string)),
    ownerPrincipalName: since(3, nullable(string)),
    renewers: array({ principalType: string, principalName: string }),
    maxLifetimeMs: int64,
  },
);
export type CreateDelegationTokenRequest = Infer<typeof createDelegationTokenRequest>;

export const createDelegationTokenResponse = response(
  38,
  { versions: [0, 3], flexible: 2 },
  {
    errorCode: int16,
    principalType: string,
    principalName: string,
    tokenRequesterPrincipalType: since(3, string),
    tokenRequesterPrincipalName: since(3, string),
    issueTimestampMs: int64,
    expiryTimestampMs: int64,
    maxTimestampMs: int64,
    tokenId: string,
    hmac: bytes,
    throttleTimeMs: int32,
  },
);
export type CreateDelegationTokenResponse = Infer<typeof createDelegationTokenResponse>;
