// The types of the HTTP API for those who call it: import them as types, so that no schema or server code comes along.
import type { z } from "@hono/zod-openapi";
import type {
  brokerLoss,
  cellBroker,
  cellBrokerList,
  declareLostRequest,
} from "./shapes/cell-broker.ts";
import type { cell, health, limits } from "./shapes/cell.ts";
import type {
  cluster,
  clusterList,
  createClusterRequest,
  updateClusterRequest,
} from "./shapes/cluster.ts";
import type {
  kafkaBroker,
  kafkaBrokerList,
  kafkaCluster,
  kafkaClusterList,
} from "./shapes/kafka-cluster.ts";
import type { moveReplicasRequest, operation, operationList } from "./shapes/operation.ts";
import type { partition, partitionList, replica, replicaList } from "./shapes/partition.ts";
import type { problemDetails, wrongField } from "./shapes/problem.ts";
import type { reassignment, reassignmentList } from "./shapes/reassignment.ts";
import type { createTopicRequest, topic, topicList, updateTopicRequest } from "./shapes/topic.ts";
import type {
  alterTopicConfigsRequest,
  setTopicConfigRequest,
  topicConfig,
  topicConfigList,
} from "./shapes/topic-config.ts";

export type Cluster = z.infer<typeof cluster>;
export type ClusterList = z.infer<typeof clusterList>;
export type CreateClusterRequest = z.input<typeof createClusterRequest>;
export type UpdateClusterRequest = z.input<typeof updateClusterRequest>;

export type KafkaCluster = z.infer<typeof kafkaCluster>;
export type KafkaClusterList = z.infer<typeof kafkaClusterList>;
export type KafkaBroker = z.infer<typeof kafkaBroker>;
export type KafkaBrokerList = z.infer<typeof kafkaBrokerList>;

export type Topic = z.infer<typeof topic>;
export type TopicList = z.infer<typeof topicList>;
export type CreateTopicRequest = z.input<typeof createTopicRequest>;
export type UpdateTopicRequest = z.input<typeof updateTopicRequest>;

export type TopicConfig = z.infer<typeof topicConfig>;
export type TopicConfigList = z.infer<typeof topicConfigList>;
export type SetTopicConfigRequest = z.input<typeof setTopicConfigRequest>;
export type AlterTopicConfigsRequest = z.input<typeof alterTopicConfigsRequest>;

export type Partition = z.infer<typeof partition>;
export type PartitionList = z.infer<typeof partitionList>;
export type Replica = z.infer<typeof replica>;
export type ReplicaList = z.infer<typeof replicaList>;

export type Reassignment = z.infer<typeof reassignment>;
export type ReassignmentList = z.infer<typeof reassignmentList>;

export type Cell = z.infer<typeof cell>;
export type CellBroker = z.infer<typeof cellBroker>;
export type CellBrokerList = z.infer<typeof cellBrokerList>;
export type DeclareLostRequest = z.input<typeof declareLostRequest>;
export type BrokerLoss = z.infer<typeof brokerLoss>;
export type Operation = z.infer<typeof operation>;
export type OperationList = z.infer<typeof operationList>;
export type MoveReplicasRequest = z.input<typeof moveReplicasRequest>;
export type Limits = z.infer<typeof limits>;
export type Health = z.infer<typeof health>;

export type ProblemDetails = z.infer<typeof problemDetails>;
export type WrongField = z.infer<typeof wrongField>;
