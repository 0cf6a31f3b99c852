import { type Infer, request, response } from "../schema/message.ts";
import { array, bool, int16, int32, int8, nullable, string } from "../schema/types.ts";

// KIP-339: set, delete, append and subtract, one setting at a time. v1: flexible.
export const incrementalAlterConfigsRequest = request(
  44,
  { versions: [0, 1], flexible: 1 },
  {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, configOperation: int8, value: nullable(string) }),
    }),
    validateOnly: bool,
  },
);
export type IncrementalAlterConfigsRequest = Infer<typeof incrementalAlterConfigsRequest>;

export const incrementalAlterConfigsResponse = response(
  44,
  { versions: [0, 1], flexible: 1 },
  {
    throttleTimeMs: int32,
    responses: array({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
    }),
  },
);
export type IncrementalAlterConfigsResponse = Infer<typeof incrementalAlterConfigsResponse>;
