import { type Infer, request, response } from "../schema/message.ts";
import { array, bool, float64, int16, int32, nullable, string } from "../schema/types.ts";

// KIP-546. v1: flexible.
export const alterClientQuotasRequest = request(
  49,
  { versions: [0, 1], flexible: 1 },
  {
    entries: array({
      entity: array({ entityType: string, entityName: nullable(string) }),
      ops: array({ key: string, value: float64, remove: bool }),
    }),
    validateOnly: bool,
  },
);
export type AlterClientQuotasRequest = Infer<typeof alterClientQuotasRequest>;

export const alterClientQuotasResponse = response(
  49,
  { versions: [0, 1], flexible: 1 },
  {
    throttleTimeMs: int32,
    entries: array({
      errorCode: int16,
      errorMessage: nullable(string),
      entity: array({ entityType: string, entityName: nullable(string) }),
    }),
  },
);
export type AlterClientQuotasResponse = Infer<typeof alterClientQuotasResponse>;
