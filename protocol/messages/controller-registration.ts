import { type Infer, request, response } from "../schema/message.ts";
import { array, bool, int16, int32, nullable, string, uint16, uuid } from "../schema/types.ts";

// KIP-919.
export const controllerRegistrationRequest = request(
  70,
  { versions: [0, 0], flexible: 0 },
  {
    controllerId: int32,
    incarnationId: uuid,
    zkMigrationReady: bool,
    listeners: array({
      name: string,
      host: string,
      port: uint16,
      securityProtocol: int16,
    }),
    features: array({
      name: string,
      minSupportedVersion: int16,
      maxSupportedVersion: int16,
    }),
  },
);
export type ControllerRegistrationRequest = Infer<typeof controllerRegistrationRequest>;

export const controllerRegistrationResponse = response(
  70,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
  },
);
export type ControllerRegistrationResponse = Infer<typeof controllerRegistrationResponse>;
