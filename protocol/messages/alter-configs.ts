import { type Infer, request, response } from "../schema/message.ts";
import { array, bool, int16, int32, int8, nullable, string } from "../schema/types.ts";

// Replaces all settings of a resource, which is why clients moved to IncrementalAlterConfigs. v2: flexible.
export const alterConfigsRequest = request(
  33,
  { versions: [0, 2], flexible: 2 },
  {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, value: nullable(string) }),
    }),
    validateOnly: bool,
  },
);
export type AlterConfigsRequest = Infer<typeof alterConfigsRequest>;

export const alterConfigsResponse = response(
  33,
  { versions: [0, 2], flexible: 2 },
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
export type AlterConfigsResponse = Infer<typeof alterConfigsResponse>;
