import { type Infer, request, response } from "../schema/message.ts";
import { array, bytes, int16, int32, int8, nullable, string } from "../schema/types.ts";

// KIP-554.
export const alterUserScramCredentialsRequest = request(
  51,
  { versions: [0, 0], flexible: 0 },
  {
    deletions: array({ name: string, mechanism: int8 }),
    upsertions: array({
      name: string,
      mechanism: int8,
      iterations: int32,
      salt: bytes,
      saltedPassword: bytes,
    }),
  },
);
export type AlterUserScramCredentialsRequest = Infer<typeof alterUserScramCredentialsRequest>;

export const alterUserScramCredentialsResponse = response(
  51,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    results: array({ user: string, errorCode: int16, errorMessage: nullable(string) }),
  },
);
export type AlterUserScramCredentialsResponse = Infer<typeof alterUserScramCredentialsResponse>;
