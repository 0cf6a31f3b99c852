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
export const describeAclsRequest = request(
  29,
  { versions: [0, 3], flexible: 2 },
  {
    resourceTypeFilter: int8,
    resourceNameFilter: nullable(string),
    patternTypeFilter: since(1, withDefault(int8, 3)),
    principalFilter: nullable(string),
    hostFilter: nullable(string),
    operation: int8,
    permissionType: int8,
  },
);
export type DescribeAclsRequest = Infer<typeof describeAclsRequest>;

export const describeAclsResponse = response(
  29,
  { versions: [0, 3], flexible: 2 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    resources: array({
      resourceType: int8,
      resourceName: string,
      patternType: since(1, withDefault(int8, 3)),
      acls: array({
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    }),
  },
);
export type DescribeAclsResponse = Infer<typeof describeAclsResponse>;
