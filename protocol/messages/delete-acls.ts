import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int8,
  nullable,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// v1: pattern types (KIP-290). v2: flexible. v3: user resources (KIP-373).
export const deleteAclsRequest = request(
  31,
  { versions: [0, 3], flexible: 2 },
  {
    filters: array({
      resourceTypeFilter: int8,
      resourceNameFilter: nullable(string),
      patternTypeFilter: since(1, withDefault(int8, 3)),
      principalFilter: nullable(string),
      hostFilter: nullable(string),
      operation: int8,
      permissionType: int8,
    }),
  },
);
export type DeleteAclsRequest = Infer<typeof deleteAclsRequest>;

export const deleteAclsResponse = response(
  31,
  { versions: [0, 3], flexible: 2 },
  {
    throttleTimeMs: int32,
    filterResults: array({
      errorCode: int16,
      errorMessage: nullable(string),
      matchingAcls: array({
        errorCode: int16,
        errorMessage: nullable(string),
        resourceType: int8,
        resourceName: string,
        patternType: since(1, withDefault(int8, 3)),
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    }),
  },
);
export type DeleteAclsResponse = Infer<typeof deleteAclsResponse>;
