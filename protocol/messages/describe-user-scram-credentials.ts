import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int8, nullable, string } from "../schema/types.ts";

// KIP-554.
export const describeUserScramCredentialsRequest = request(
  50,
  { versions: [0, 0], flexible: 0 },
  {
    users: nullable(array({ name: string })),
  },
);
export type DescribeUserScramCredentialsRequest = Infer<typeof describeUserScramCredentialsRequest>;

export const describeUserScramCredentialsResponse = response(
  50,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    results: array({
      user: string,
      errorCode: int16,
      errorMessage: nullable(string),
      credentialInfos: array({ mechanism: int8, iterations: int32 }),
    }),
  },
);
export type DescribeUserScramCredentialsResponse = Infer<
  typeof describeUserScramCredentialsResponse
>;
