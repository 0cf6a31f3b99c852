import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, string } from "../schema/types.ts";

export const saslHandshakeRequest = request(
  17,
  { versions: [0, 1], flexible: null },
  {
    mechanism: string,
  },
);
export type SaslHandshakeRequest = Infer<typeof saslHandshakeRequest>;

export const saslHandshakeResponse = response(
  17,
  { versions: [0, 1], flexible: null },
  {
    errorCode: int16,
    mechanisms: array(string),
  },
);
export type SaslHandshakeResponse = Infer<typeof saslHandshakeResponse>;
