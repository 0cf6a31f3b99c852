import { type Infer, request, response } from "../schema/message.ts";
import { bytes, int16, int64, nullable, since, string, withDefault } from "../schema/types.ts";

// v1: lifetime of the session, for reauthentication (KIP-368). v2: flexible.
export const saslAuthenticateRequest = request(
  36,
  { versions: [0, 2], flexible: 2 },
  { authBytes: bytes },
);
export type SaslAuthenticateRequest = Infer<typeof saslAuthenticateRequest>;

export const saslAuthenticateResponse = response(
  36,
  { versions: [0, 2], flexible: 2 },
  {
    errorCode: int16,
    errorMessage: nullable(string),
    authBytes: bytes,
    sessionLifetimeMs: since(1, withDefault(int64, 0)),
  },
);
export type SaslAuthenticateResponse = Infer<typeof saslAuthenticateResponse>;
