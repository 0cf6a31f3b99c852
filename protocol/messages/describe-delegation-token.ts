import { type Infer, request, response } from "../schema/message.ts";
import { array, bytes, int16, int32, int64, nullable, since, string } from "../schema/types.ts";

// KIP-48. v2: flexible. v3: who asked for the token (KIP-373).
export const describeDelegationTokenRequest = request(
  41,
  { versions: [0, 3], flexible: 2 },
  {
    owners: nullable(array({ principalType: string, principalName: string })),
  },
);
export type DescribeDelegationTokenRequest = Infer<typeof describeDelegationTokenRequest>;

export const describeDelegationTokenResponse = response(
  41,
  { versions: [0, 3], flexible: 2 },
  {
    errorCode: int16,
    tokens: array({
      principalType: string,
      principalName: string,
      tokenRequesterPrincipalType: since(3, string),
      tokenRequesterPrincipalName: since(3, string),
      issueTimestamp: int64,
      expiryTimestamp: int64,
      maxTimestamp: int64,
      tokenId: string,
      hmac: bytes,
      renewers: array({ principalType: string, principalName: string }),
    }),
    throttleTimeMs: int32,
  },
);
export type DescribeDelegationTokenResponse = Infer<typeof describeDelegationTokenResponse>;
