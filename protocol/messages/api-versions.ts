import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  optional,
  since,
  string,
  tagged,
  withDefault,
} from "../schema/types.ts";

// v3: flexible, client name and version (KIP-511). v4: features may begin at level 0 (KAFKA-17011). v5: which cluster and node the client means to
// reach (KIP-1242).
export const apiVersionsRequest = request(
  18,
  { versions: [0, 5], flexible: 3 },
  {
    clientSoftwareName: since(3, string),
    clientSoftwareVersion: since(3, string),
    clusterId: since(5, optional(string)),
    nodeId: since(5, withDefault(int32, -1)),
  },
);
export type ApiVersionsRequest = Infer<typeof apiVersionsRequest>;

// v1: throttle time. v3: features (KIP-584). Its header is always version 0: see api-frame.ts.
export const apiVersionsResponse = response(
  18,
  { versions: [0, 5], flexible: 3 },
  {
    errorCode: int16,
    apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
    throttleTimeMs: since(1, int32),
    supportedFeatures: tagged(0, 3, array({ name: string, minVersion: int16, maxVersion: int16 })),
    finalizedFeaturesEpoch: tagged(1, 3, withDefault(int64, -1)),
    finalizedFeatures: tagged(
      2,
      3,
      array({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }),
    ),
    zkMigrationReady: tagged(3, 3, withDefault(bool, false)),
  },
);
export type ApiVersionsResponse = Infer<typeof apiVersionsResponse>;
