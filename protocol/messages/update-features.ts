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

// KIP-584. v1: upgrade types and dry runs (KIP-778). v2: one error for all.
export const updateFeaturesRequest = request(
  57,
  { versions: [0, 2], flexible: 0 },
  {
    timeoutMs: withDefault(int32, 60000),
    featureUpdates: array({
      feature: string,
      maxVersionLevel: int16,
      allowDowngrade: between(0, 0, bool),
      upgradeType: since(1, withDefault(int8, 1)),
    }),
    validateOnly: since(1, withDefault(bool, false)),
  },
);
export type UpdateFeaturesRequest = Infer<typeof updateFeaturesRequest>;

export const updateFeaturesResponse = response(
  57,
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullable(string),
    results: between(
      0,
      1,
      array({
        feature: string,
        errorCode: int16,
        errorMessage: nullable(string),
      }),
    ),
  },
);
export type UpdateFeaturesResponse = Infer<typeof updateFeaturesResponse>;
