import { type Infer, request, response } from "../schema/message.ts";
import { int16, int32, nullable, string } from "../schema/types.ts";

// KIP-631.
export const unregisterBrokerRequest = request(
  64,
  { versions: [0, 0], flexible: 0 },
  { brokerId: int32 },
);
export type UnregisterBrokerRequest = Infer<typeof unregisterBrokerRequest>;

export const unregisterBrokerResponse = response(
  64,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  },
);
export type UnregisterBrokerResponse = Infer<typeof unregisterBrokerResponse>;
