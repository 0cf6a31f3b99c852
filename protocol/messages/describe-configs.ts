import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  bool,
  int16,
  int32,
  int8,
  nullable,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// v1: synonyms, and the source in place of isDefault (KIP-226). v3: types and documentation (KIP-569). v4: flexible.
export const describeConfigsRequest = request(
  32,
  { versions: [0, 4], flexible: 4 },
  {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configurationKeys: nullable(array(string)),
    }),
    includeSynonyms: since(1, withDefault(bool, false)),
    includeDocumentation: since(3, withDefault(bool, false)),
  },
);
export type DescribeConfigsRequest = Infer<typeof describeConfigsRequest>;

export const describeConfigsResponse = response(
  32,
  { versions: [0, 4], flexible: 4 },
  {
    throttleTimeMs: int32,
    results: array({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        value: nullable(string),
        readOnly: bool,
        isDefault: between(0, 0, bool),
        configSource: since(1, withDefault(int8, -1)),
        isSensitive: bool,
        synonyms: since(1, array({ name: string, value: nullable(string), source: int8 })),
        configType: since(3, withDefault(int8, 0)),
        documentation: since(3, nullable(string)),
      }),
    }),
  },
);
export type DescribeConfigsResponse = Infer<typeof describeConfigsResponse>;
