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
export const createAclsRequest = request(
  30,
  { versions: [0, 3], flexible: 2 },
  {
    creations: array({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: since(1, withDefault(int8, 3)),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
);
export type CreateAclsRequest = Infer<typeof createAclsRequest>;

export const createAclsResponse = response(
  30,
  { versions: [0, 3], flexible: 2 },
  {
    throttleTimeMs: int32,
    results: array({ errorCode: int16, errorMessage: nullable(string) }),
  },
);
export type CreateAclsResponse = Infer<typeof createAclsResponse>;
