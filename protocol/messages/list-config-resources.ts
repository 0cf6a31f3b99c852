import { type Infer, request, response } from "../schema/message.ts";
import { array, int16, int32, int8, since, string, withDefault } from "../schema/types.ts";

// v0 lists client metrics resources only (KIP-1000). v1: resources by type (KIP-1142).
export const listConfigResourcesRequest = request(
  74,
  { versions: [0, 1], flexible: 0 },
  { resourceTypes: since(1, array(int8)) },
);
export type ListConfigResourcesRequest = Infer<typeof listConfigResourcesRequest>;

export const listConfigResourcesResponse = response(
  74,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    configResources: array({
      resourceName: string,
      resourceType: since(1, withDefault(int8, 16)),
    }),
  },
);
export type ListConfigResourcesResponse = Infer<typeof listConfigResourcesResponse>;
