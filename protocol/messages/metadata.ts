import { type Infer, request, response } from "../schema/message.ts";
import {
  array,
  between,
  bool,
  int16,
  int32,
  nullable,
  optional,
  since,
  string,
  uuid,
  withDefault,
} from "../schema/types.ts";

// v0: an empty list asks for all topics. v1: null does, an empty one for none. v4: the client may forbid that topics are created. v8: authorized
// operations (KIP-430), the cluster's only up to v10 (KIP-700). v9: flexible. v10: topic ids in the answer; v12: in the request (KIP-516). v13: a top-level error (KIP-1102).
export const metadataRequest = request(
  3,
  { versions: [0, 13], flexible: 9 },
  {
    topics: nullable(array({ topicId: since(10, uuid), name: nullable(string, 10) }), 1),
    allowAutoTopicCreation: since(4, withDefault(bool, true)),
    includeClusterAuthorizedOperations: between(8, 10, bool),
    includeTopicAuthorizedOperations: since(8, bool),
  },
);
export type MetadataRequest = Infer<typeof metadataRequest>;

// v1: controller, racks, internal topics. v2: cluster id (KIP-78). v3: throttle time. v5: offline replicas (KIP-112). v7: leader epochs (KIP-320).
export const metadataResponse = response(
  3,
  { versions: [0, 13], flexible: 9 },
  {
    throttleTimeMs: since(3, int32),
    brokers: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: since(1, optional(string)),
    }),
    clusterId: since(2, optional(string)),
    controllerId: since(1, withDefault(int32, -1)),
    topics: array({
      errorCode: int16,
      name: nullable(string, 12),
      topicId: since(10, uuid),
      isInternal: since(1, withDefault(bool, false)),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: since(7, withDefault(int32, -1)),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        offlineReplicas: since(5, array(int32)),
      }),
      topicAuthorizedOperations: since(8, withDefault(int32, -0x8000_0000)),
    }),
    clusterAuthorizedOperations: between(8, 10, withDefault(int32, -0x8000_0000)),
    errorCode: since(13, int16),
  },
);
export type MetadataResponse = Infer<typeof metadataResponse>;
