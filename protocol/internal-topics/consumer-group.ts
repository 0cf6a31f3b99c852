import { type Infer, recordKey, recordValue } from "../schema/message.ts";
import {
  array,
  bytes,
  int32,
  int64,
  int8,
  nullable,
  optional,
  string,
  struct,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// Groups of the consumer protocol (KIP-848) in __consumer_offsets. Epochs are kept apart from members, and target from current assignments.

export const consumerGroupMetadataKey = recordKey(3, { groupId: string });
export type ConsumerGroupMetadataKey = Infer<typeof consumerGroupMetadataKey>;

export const consumerGroupMetadataValue = recordValue(
  3,
  { versions: [0, 0], flexible: 0 },
  {
    epoch: int32,
    metadataHash: tagged(0, 0, withDefault(int64, 0)),
  },
);
export type ConsumerGroupMetadataValue = Infer<typeof consumerGroupMetadataValue>;

export const consumerGroupPartitionMetadataKey = recordKey(4, { groupId: string });
export type ConsumerGroupPartitionMetadataKey = Infer<typeof consumerGroupPartitionMetadataKey>;

export const consumerGroupPartitionMetadataValue = recordValue(
  4,
  { versions: [0, 0], flexible: 0 },
  {
    topics: array({
      topicId: uuid,
      topicName: string,
      numPartitions: int32,
      partitionMetadata: array({ partition: int32, racks: array(string) }),
    }),
  },
);
export type ConsumerGroupPartitionMetadataValue = Infer<typeof consumerGroupPartitionMetadataValue>;

export const consumerGroupMemberMetadataKey = recordKey(5, { groupId: string, memberId: string });
export type ConsumerGroupMemberMetadataKey = Infer<typeof consumerGroupMemberMetadataKey>;

export const consumerGroupMemberMetadataValue = recordValue(
  5,
  { versions: [0, 0], flexible: 0 },
  {
    instanceId: nullable(string),
    rackId: nullable(string),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
    subscribedTopicRegex: nullable(string),
    rebalanceTimeoutMs: withDefault(int32, -1),
    serverAssignor: nullable(string),
    classicMemberMetadata: tagged(
      0,
      0,
      optional(
        struct({
          sessionTimeoutMs: int32,
          supportedProtocols: array({ name: string, metadata: bytes }),
        }),
      ),
    ),
  },
);
export type ConsumerGroupMemberMetadataValue = Infer<typeof consumerGroupMemberMetadataValue>;

export const consumerGroupTargetAssignmentMetadataKey = recordKey(6, { groupId: string });
export type ConsumerGroupTargetAssignmentMetadataKey = Infer<
  typeof consumerGroupTargetAssignmentMetadataKey
>;

export const consumerGroupTargetAssignmentMetadataValue = recordValue(
  6,
  { versions: [0, 0], flexible: 0 },
  {
    assignmentEpoch: int32,
    assignmentTimestamp: tagged(0, 0, withDefault(int64, 0)),
  },
);
export type ConsumerGroupTargetAssignmentMetadataValue = Infer<
  typeof consumerGroupTargetAssignmentMetadataValue
>;

export const consumerGroupTargetAssignmentMemberKey = recordKey(7, {
  groupId: string,
  memberId: string,
});
export type ConsumerGroupTargetAssignmentMemberKey = Infer<
  typeof consumerGroupTargetAssignmentMemberKey
>;

export const consumerGroupTargetAssignmentMemberValue = recordValue(
  7,
  { versions: [0, 0], flexible: 0 },
  {
    topicPartitions: array({ topicId: uuid, partitions: array(int32) }),
  },
);
export type ConsumerGroupTargetAssignmentMemberValue = Infer<
  typeof consumerGroupTargetAssignmentMemberValue
>;

export const consumerGroupCurrentMemberAssignmentKey = recordKey(8, {
  groupId: string,
  memberId: string,
});
export type ConsumerGroupCurrentMemberAssignmentKey = Infer<
  typeof consumerGroupCurrentMemberAssignmentKey
>;

const topicPartitions = struct({
  topicId: uuid,
  partitions: array(int32),
  assignmentEpochs: tagged(0, 0, optional(array(int32))),
});

export const consumerGroupCurrentMemberAssignmentValue = recordValue(
  8,
  { versions: [0, 0], flexible: 0 },
  {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  },
);
export type ConsumerGroupCurrentMemberAssignmentValue = Infer<
  typeof consumerGroupCurrentMemberAssignmentValue
>;

export const consumerGroupRegularExpressionKey = recordKey(16, {
  groupId: string,
  regularExpression: string,
});
export type ConsumerGroupRegularExpressionKey = Infer<typeof consumerGroupRegularExpressionKey>;

export const consumerGroupRegularExpressionValue = recordValue(
  16,
  { versions: [0, 0], flexible: 0 },
  { topics: array(string), version: int64, timestamp: int64 },
);
export type ConsumerGroupRegularExpressionValue = Infer<typeof consumerGroupRegularExpressionValue>;
