import { type Infer, request, response } from "../schema/message.ts";
import { array, bool, float64, int16, int32, int8, nullable, string } from "../schema/types.ts";

// KIP-546. v1: flexible.
export const describeClientQuotasRequest = request(
  48,
  { versions: [0, 1], flexible: 1 },
  {
    components: array({ entityType: string, matchType: int8, match: nullable(string) }),
    strict: bool,
  },
);
export type DescribeClientQuotasRequest = Infer<typeof describeClientQuotasRequest>;

export const describeClientQuotasResponse = response(
  48,
  { versions: [0, 1], flexible: 1 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    entries: nullable(
      array({
        entity: array({ entityType: string, entityName: nullable(string) }),
        values: array({ key: string, value: float64 }),
      }),
    ),
  },
);
export type DescribeClientQuotasResponse = Infer<typeof describeClientQuotasResponse>;
