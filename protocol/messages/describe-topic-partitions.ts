import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  nullable,
  optional,
  string,
  struct,
  uuid,
  withDefault,
} from "../schema/types.ts";

// KIP-966: topics with eligible leader replicas, page by page.
export const describeTopicPartitionsRequest = request(
  75,
  { versions: [0, 0], flexible: 0 },
  {
    topics: array({ name: string }),
    responsePartitionLimit: withDefault(int32, 2000),
    cursor: optional(struct({ topicName: string, partitionIndex: int32 })),
  },
);
export type DescribeTopicPartitionsRequest = Infer<typeof describeTopicPartitionsRequest>;

export const describeTopicPartitionsResponse = response(
  75,
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32,
    topics: array({
      errorCode: int16,
      name: nullable(string),
      topicId: uuid,
      isInternal: withDefault(bool, false),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: withDefault(int32, -1),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        eligibleLeaderReplicas: optional(array(int32)),
        lastKnownElr: optional(array(int32)),
        offlineReplicas: array(int32),
      }),
      topicAuthorizedOperations: withDefault(int32, -0x8000_0000),
    }),
    nextCursor: optional(struct({ topicName: string, partitionIndex: int32 })),
  },
);
export type DescribeTopicPartitionsResponse = Infer<typeof describeTopicPartitionsResponse>;
