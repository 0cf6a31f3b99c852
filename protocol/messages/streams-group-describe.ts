import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  optional,
  since,
  string,
  struct,
  uint16,
  withDefault,
} from "../schema/types.ts";

// KIP-1071. v1: topology descriptions (KIP-1331), the assignor's name (KIP-1357).
export const streamsGroupDescribeRequest = request(
  89,
  { versions: [0, 1], flexible: 0 },
  {
    groupIds: array(string),
    includeAuthorizedOperations: bool,
    includeTopologyDescription: since(1, withDefault(bool, false)),
  },
);
export type StreamsGroupDescribeRequest = Infer<typeof streamsGroupDescribeRequest>;

const endpoint = struct({ host: string, port: uint16 });

const taskOffset = struct({ subtopologyId: string, partition: int32, offset: int64 });

const taskIds = struct({ subtopologyId: string, partitions: array(int32) });

const assignment = struct({
  activeTasks: array(taskIds),
  standbyTasks: array(taskIds),
  warmupTasks: array(taskIds),
});

const keyValue = struct({ key: string, value: string });

const topicInfo = struct({
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(keyValue),
});

const topologyDescriptionNode = struct({
  name: since(1, string),
  nodeType: since(1, int8),
  sourceTopics: since(1, array(string)),
  sinkTopic: since(1, optional(string)),
  stores: since(1, array(string)),
  successors: since(1, array(string)),
});

const topologyDescriptionSubtopology = struct({
  subtopologyId: since(1, string),
  nodes: since(1, array(topologyDescriptionNode)),
});

const topologyDescriptionGlobalStore = struct({
  source: since(1, topologyDescriptionNode),
  processor: since(1, topologyDescriptionNode),
});

const topologyDescription = struct({
  subtopologies: since(1, array(topologyDescriptionSubtopology)),
  globalStores: since(1, array(topologyDescriptionGlobalStore)),
});

export const streamsGroupDescribeResponse = response(
  89,
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: optional(string),
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      topology: optional(
        struct({
          epoch: int32,
          subtopologies: optional(
            array({
              subtopologyId: string,
              sourceTopics: array(string),
              repartitionSinkTopics: array(string),
              stateChangelogTopics: array(topicInfo),
              repartitionSourceTopics: array(topicInfo),
            }),
          ),
        }),
      ),
      members: array({
        memberId: string,
        memberEpoch: int32,
        instanceId: optional(string),
        rackId: optional(string),
        clientId: string,
        clientHost: string,
        topologyEpoch: int32,
        processId: string,
        userEndpoint: optional(endpoint),
        clientTags: array(keyValue),
        taskOffsets: array(taskOffset),
        taskEndOffsets: array(taskOffset),
        assignment: assignment,
        targetAssignment: assignment,
        isClassic: bool,
      }),
      authorizedOperations: withDefault(int32, -0x8000_0000),
      topologyDescription: since(1, optional(topologyDescription)),
      topologyDescriptionStatus: since(1, withDefault(int8, 0)),
      assignorName: since(1, optional(string)),
    }),
  },
);
export type StreamsGroupDescribeResponse = Infer<typeof streamsGroupDescribeResponse>;
