import { data, type Infer, request, response } from "../schema/message.ts";
import { bool, bytes, int16, nullable, optional, string } from "../schema/types.ts";

// KIP-590: a client's request, forwarded with who sent it.
export const envelopeRequest = request(
  58,
  { versions: [0, 0], flexible: 0 },
  {
    requestData: bytes,
    requestPrincipal: nullable(bytes),
    clientHostAddress: bytes,
  },
);
export type EnvelopeRequest = Infer<typeof envelopeRequest>;

export const envelopeResponse = response(
  58,
  { versions: [0, 0], flexible: 0 },
  { responseData: optional(bytes), errorCode: int16 },
);
export type EnvelopeResponse = Infer<typeof envelopeResponse>;

// Who sent an enveloped request.
export const defaultPrincipalData = data(
  { versions: [0, 0], flexible: 0 },
  { type: string, name: string, tokenAuthenticated: bool },
);
export type DefaultPrincipalData = Infer<typeof defaultPrincipalData>;
