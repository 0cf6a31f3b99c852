import { type Infer, request, response } from "../schema/message.ts";
import { int16, int32, nullable, string } from "../schema/types.ts";

// KIP-1312: forgets a controller that has left for good.
export const unregisterControllerRequest = request(
  94,
  { versions: [0, 0], flexible: 0 },
  { controllerId: int32 },
);
export type UnregisterControllerRequest = Infer<typeof unregisterControllerRequest>;

export const unregisterControllerResponse = response(
  94,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  },
);
export type UnregisterControllerResponse = Infer<typeof unregisterControllerResponse>;
