import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  nullable,
  since,
  string,
  withDefault,
} from "../schema/types.ts";

// KIP-113. v2: flexible. v3: top-level error (KIP-784). v4: size of the volume (KIP-827). v5: cordoned directories (KIP-1066).
export const describeLogDirsRequest = request(
  35,
  { versions: [0, 5], flexible: 2 },
  {
    topics: nullable(array({ topic: string, partitions: array(int32) })),
  },
);
export type DescribeLogDirsRequest = Infer<typeof describeLogDirsRequest>;

export const describeLogDirsResponse = response(
  35,
  { versions: [0, 5], flexible: 2 },
  {
    throttleTimeMs: int32,
    errorCode: since(3, int16),
    results: array({
      errorCode: int16,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          partitionSize: int64,
          offsetLag: int64,
          isFutureKey: bool,
        }),
      }),
      totalBytes: since(4, withDefault(int64, -1)),
      usableBytes: since(4, withDefault(int64, -1)),
      isCordoned: since(5, withDefault(bool, false)),
    }),
  },
);
export type DescribeLogDirsResponse = Infer<typeof describeLogDirsResponse>;
