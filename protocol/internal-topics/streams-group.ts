import { type Infer, recordKey, recordValue } from "../schema/message.ts";
import {
  array,
  int16,
  int32,
  int64,
  int8,
  nullable,
  optional,
  string,
  struct,
  tagged,
  uint16,
  withDefault,
} from "../schema/types.ts";

// Streams groups (KIP-1071) in __consumer_offsets.

export const streamsGroupMetadataKey = recordKey(17, { groupId: string });
export type StreamsGroupMetadataKey = Infer<typeof streamsGroupMetadataKey>;

const lastAssignmentConfig = struct({ key: string, value: string });

export const streamsGroupMetadataValue = recordValue(
  17,
  { versions: [0, 0], flexible: 0 },
  {
    epoch: int32,
    metadataHash: int64,
    validatedTopologyEpoch: tagged(0, 0, withDefault(int32, -1)),
    lastAssignmentConfigs: tagged(1, 0, optional(array(lastAssignmentConfig))),
    storedDescriptionTopologyEpoch: tagged(2, 0, withDefault(int32, -1)),
    failedDescriptionTopologyEpoch: tagged(3, 0, withDefault(int32, -1)),
  },
);
export type StreamsGroupMetadataValue = Infer<typeof streamsGroupMetadataValue>;

export const streamsGroupMemberMetadataKey = recordKey(19, { groupId: string, memberId: string });
export type StreamsGroupMemberMetadataKey = Infer<typeof streamsGroupMemberMetadataKey>;

const endpoint = struct({ host: string, port: uint16 });

const keyValue = struct({ key: string, value: string });

export const streamsGroupMemberMetadataValue = recordValue(
  19,
  { versions: [0, 0], flexible: 0 },
  {
    instanceId: nullable(string),
    rackId: nullable(string),
    clientId: string,
    clientHost: string,
    rebalanceTimeoutMs: withDefault(int32, -1),
    topologyEpoch: int32,
    processId: string,
    userEndpoint: optional(endpoint),
    clientTags: array(keyValue),
  },
);
export type StreamsGroupMemberMetadataValue = Infer<typeof streamsGroupMemberMetadataValue>;

export const streamsGroupTargetAssignmentMetadataKey = recordKey(20, { groupId: string });
export type StreamsGroupTargetAssignmentMetadataKey = Infer<
  typeof streamsGroupTargetAssignmentMetadataKey
>;

export const streamsGroupTargetAssignmentMetadataValue = recordValue(
  20,
  { versions: [0, 0], flexible: 0 },
  {
    assignmentEpoch: int32,
    assignmentTimestamp: tagged(0, 0, withDefault(int64, 0)),
  },
);
export type StreamsGroupTargetAssignmentMetadataValue = Infer<
  typeof streamsGroupTargetAssignmentMetadataValue
>;

export const streamsGroupTargetAssignmentMemberKey = recordKey(21, {
  groupId: string,
  memberId: string,
});
export type StreamsGroupTargetAssignmentMemberKey = Infer<
  typeof streamsGroupTargetAssignmentMemberKey
>;

const taskIds = struct({ subtopologyId: string, partitions: array(int32) });

export const streamsGroupTargetAssignmentMemberValue = recordValue(
  21,
  { versions: [0, 0], flexible: 0 },
  {
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  },
);
export type StreamsGroupTargetAssignmentMemberValue = Infer<
  typeof streamsGroupTargetAssignmentMemberValue
>;

export const streamsGroupCurrentMemberAssignmentKey = recordKey(22, {
  groupId: string,
  memberId: string,
});
export type StreamsGroupCurrentMemberAssignmentKey = Infer<
  typeof streamsGroupCurrentMemberAssignmentKey
>;

const taskIdsWithEpochs = struct({
  subtopologyId: string,
  partitions: array(int32),
  assignmentEpochs: tagged(0, 0, optional(array(int32))),
});

export const streamsGroupCurrentMemberAssignmentValue = recordValue(
  22,
  { versions: [0, 0], flexible: 0 },
  {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    activeTasks: array(taskIdsWithEpochs),
    standbyTasks: array(taskIdsWithEpochs),
    warmupTasks: array(taskIdsWithEpochs),
    activeTasksPendingRevocation: array(taskIdsWithEpochs),
    standbyTasksPendingRevocation: array(taskIdsWithEpochs),
    warmupTasksPendingRevocation: array(taskIdsWithEpochs),
  },
);
export type StreamsGroupCurrentMemberAssignmentValue = Infer<
  typeof streamsGroupCurrentMemberAssignmentValue
>;

export const streamsGroupTopologyKey = recordKey(23, { groupId: string });
export type StreamsGroupTopologyKey = Infer<typeof streamsGroupTopologyKey>;

const topicConfig = struct({ key: string, value: string });

const topicInfo = struct({
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(topicConfig),
});

export const streamsGroupTopologyValue = recordValue(
  23,
  { versions: [0, 0], flexible: 0 },
  {
    epoch: int32,
    subtopologies: array({
      subtopologyId: string,
      sourceTopics: array(string),
      sourceTopicRegex: array(string),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16),
        sourceTopicRegex: array(int16),
        repartitionSourceTopics: array(int16),
      }),
    }),
  },
);
export type StreamsGroupTopologyValue = Infer<typeof streamsGroupTopologyValue>;
