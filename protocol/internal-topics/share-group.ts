import { type Infer, recordKey, recordValue } from "../schema/message.ts";
import {
  array,
  int32,
  int64,
  int8,
  nullable,
  string,
  struct,
  tagged,
  uuid,
  withDefault,
} from "../schema/types.ts";

// Share groups (KIP-932) in __consumer_offsets.

export const shareGroupMemberMetadataKey = recordKey(10, { groupId: string, memberId: string });
export type ShareGroupMemberMetadataKey = Infer<typeof shareGroupMemberMetadataKey>;

export const shareGroupMemberMetadataValue = recordValue(
  10,
  { versions: [0, 0], flexible: 0 },
  {
    rackId: nullable(string),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
  },
);
export type ShareGroupMemberMetadataValue = Infer<typeof shareGroupMemberMetadataValue>;

export const shareGroupMetadataKey = recordKey(11, { groupId: string });
export type ShareGroupMetadataKey = Infer<typeof shareGroupMetadataKey>;

export const shareGroupMetadataValue = recordValue(
  11,
  { versions: [0, 0], flexible: 0 },
  { epoch: int32, metadataHash: int64 },
);
export type ShareGroupMetadataValue = Infer<typeof shareGroupMetadataValue>;

export const shareGroupTargetAssignmentMetadataKey = recordKey(12, { groupId: string });
export type ShareGroupTargetAssignmentMetadataKey = Infer<
  typeof shareGroupTargetAssignmentMetadataKey
>;

export const shareGroupTargetAssignmentMetadataValue = recordValue(
  12,
  { versions: [0, 0], flexible: 0 },
  {
    assignmentEpoch: int32,
    assignmentTimestamp: tagged(0, 0, withDefault(int64, 0)),
  },
);
export type ShareGroupTargetAssignmentMetadataValue = Infer<
  typeof shareGroupTargetAssignmentMetadataValue
>;

export const shareGroupTargetAssignmentMemberKey = recordKey(13, {
  groupId: string,
  memberId: string,
});
export type ShareGroupTargetAssignmentMemberKey = Infer<typeof shareGroupTargetAssignmentMemberKey>;

export const shareGroupTargetAssignmentMemberValue = recordValue(
  13,
  { versions: [0, 0], flexible: 0 },
  {
    topicPartitions: array({ topicId: uuid, partitions: array(int32) }),
  },
);
export type ShareGroupTargetAssignmentMemberValue = Infer<
  typeof shareGroupTargetAssignmentMemberValue
>;

export const shareGroupCurrentMemberAssignmentKey = recordKey(14, {
  groupId: string,
  memberId: string,
});
export type ShareGroupCurrentMemberAssignmentKey = Infer<
  typeof shareGroupCurrentMemberAssignmentKey
>;

const topicPartitions = struct({ topicId: uuid, partitions: array(int32) });

export const shareGroupCurrentMemberAssignmentValue = recordValue(
  14,
  { versions: [0, 0], flexible: 0 },
  {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(topicPartitions),
  },
);
export type ShareGroupCurrentMemberAssignmentValue = Infer<
  typeof shareGroupCurrentMemberAssignmentValue
>;

export const shareGroupStatePartitionMetadataKey = recordKey(15, { groupId: string });
export type ShareGroupStatePartitionMetadataKey = Infer<typeof shareGroupStatePartitionMetadataKey>;

const topicPartitionsInfo = struct({ topicId: uuid, topicName: string, partitions: array(int32) });

const topicInfo = struct({ topicId: uuid, topicName: string });

export const shareGroupStatePartitionMetadataValue = recordValue(
  15,
  { versions: [0, 0], flexible: 0 },
  {
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo),
  },
);
export type ShareGroupStatePartitionMetadataValue = Infer<
  typeof shareGroupStatePartitionMetadataValue
>;
