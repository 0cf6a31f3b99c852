import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  bool,
  int16,
  int32,
  int64,
  int8,
  nullable,
  optional,
  since,
  string,
  struct,
  uint16,
  withDefault,
} from "../schema/types.ts";

const keyValue = struct({ key: string, value: string });

const topicInfo = struct({
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(keyValue),
});

const endpoint = struct({ host: string, port: uint16 });

const taskOffset = struct({ subtopologyId: string, partition: int32, offset: int64 });

const taskIds = struct({ subtopologyId: string, partitions: array(int32) });

// KIP-1071. v1: topology descriptions on demand (KIP-1331).
export const streamsGroupHeartbeatRequest = request(
  88,
  { versions: [0, 1], flexible: 0 },
  {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    endpointInformationEpoch: int32,
    instanceId: optional(string),
    rackId: optional(string),
    rebalanceTimeoutMs: withDefault(int32, -1),
    topology: optional(
      struct({
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
      }),
    ),
    activeTasks: optional(array(taskIds)),
    standbyTasks: optional(array(taskIds)),
    warmupTasks: optional(array(taskIds)),
    processId: optional(string),
    userEndpoint: optional(endpoint),
    clientTags: optional(array(keyValue)),
    taskOffsets: optional(array(taskOffset)),
    taskEndOffsets: optional(array(taskOffset)),
    shutdownApplication: withDefault(bool, false),
  },
);
export type StreamsGroupHeartbeatRequest = Infer<typeof streamsGroupHeartbeatRequest>;

const status = struct({ statusCode: int8, statusDetail: string });

const topicPartition = struct({ topic: string, partitions: array(int32) });

export const streamsGroupHeartbeatResponse = response(
  88,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: optional(string),
    memberId: string,
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    acceptableRecoveryLagLegacy: between(0, 0, int32),
    taskOffsetIntervalMs: int32,
    acceptableRecoveryLag: since(1, withDefault(int64, -1)),
    status: nullable(array(status)),
    activeTasks: optional(array(taskIds)),
    standbyTasks: optional(array(taskIds)),
    warmupTasks: optional(array(taskIds)),
    topologyDescriptionRequired: since(1, withDefault(bool, false)),
    endpointInformationEpoch: int32,
    partitionsByUserEndpoint: optional(
      array({
        userEndpoint: endpoint,
        activePartitions: array(topicPartition),
        standbyPartitions: array(topicPartition),
      }),
    ),
  },
);
export type StreamsGroupHeartbeatResponse = Infer<typeof streamsGroupHeartbeatResponse>;
