import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  nullable,
  optional,
  since,
  string,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-932. v1: lag (KIP-1226).
export const describeShareGroupOffsetsRequest = request(
  90,
  { versions: [0, 1], flexible: 0 },
  {
    groups: array({
      groupId: string,
      topics: nullable(array({ topicName: string, partitions: array(int32) })),
    }),
  },
);
export type DescribeShareGroupOffsetsRequest = Infer<typeof describeShareGroupOffsetsRequest>;

export const describeShareGroupOffsetsResponse = response(
  90,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    groups: array({
      groupId: string,
      topics: array({
        topicName: string,
        topicId: uuid,
        partitions: array({
          partitionIndex: int32,
          startOffset: int64,
          leaderEpoch: int32,
          lag: since(1, withDefault(int64, -1)),
          errorCode: int16,
          errorMessage: optional(string),
        }),
      }),
      errorCode: int16,
      errorMessage: optional(string),
    }),
  },
);
export type DescribeShareGroupOffsetsResponse = Infer<typeof describeShareGroupOffsetsResponse>;
