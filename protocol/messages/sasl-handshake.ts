import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, string } from "../schema/types.ts";

// v1: the exchange that follows is wrapped in SaslAuthenticate (KIP-152). Never flexible: clients could not agree on a version before it.
export const saslHandshakeRequest = request(
  17,
  { versions: [0, 1], flexible: null },
  { mechanism: string },
);
export type SaslHandshakeRequest = Infer<typeof saslHandshakeRequest>;

export const saslHandshakeResponse = response(
  17,
  { versions: [0, 1], flexible: null },
  { errorCode: int16, mechanisms: array(string) },
);
export type SaslHandshakeResponse = Infer<typeof saslHandshakeResponse>;
