import type { BrokerServices } from "../services.ts";
import { alterConfigs } from "./alter-configs.ts";
import { alterPartition } from "./alter-partition.ts";
import { alterPartitionReassignments } from "./alter-partition-reassignments.ts";
import { apiVersions } from "./api-versions.ts";
import { brokerHeartbeat } from "./broker-heartbeat.ts";
import { createAcls } from "./create-acls.ts";
import { createPartitions } from "./create-partitions.ts";
import { createTopics } from "./create-topics.ts";
import { deleteAcls } from "./delete-acls.ts";
import { deleteGroups } from "./delete-groups.ts";
import { deleteRecords } from "./delete-records.ts";
import { deleteTopics } from "./delete-topics.ts";
import { describeAcls } from "./describe-acls.ts";
import { describeCluster } from "./describe-cluster.ts";
import { describeConfigs } from "./describe-configs.ts";
import { describeGroups } from "./describe-groups.ts";
import { describeLogDirs } from "./describe-log-dirs.ts";
import { describeProducers } from "./describe-producers.ts";
import { describeQuorum } from "./describe-quorum.ts";
import { describeTopicPartitions } from "./describe-topic-partitions.ts";
import { electLeaders } from "./elect-leaders.ts";
import { fetch } from "./fetch.ts";
import { findCoordinator } from "./find-coordinator.ts";
import { heartbeat } from "./heartbeat.ts";
import { incrementalAlterConfigs } from "./incremental-alter-configs.ts";
import { initProducerId } from "./init-producer-id.ts";
import { joinGroup } from "./join-group.ts";
import type { KafkaApi } from "./kafka-api.ts";
import { leaveGroup } from "./leave-group.ts";
import { listGroups } from "./list-groups.ts";
import { listOffsets } from "./list-offsets.ts";
import { listPartitionReassignments } from "./list-partition-reassignments.ts";
import { metadata } from "./metadata.ts";
import { offsetCommit } from "./offset-commit.ts";
import { offsetDelete } from "./offset-delete.ts";
import { offsetFetch } from "./offset-fetch.ts";
import { offsetForLeaderEpoch } from "./offset-for-leader-epoch.ts";
import { produce } from "./produce.ts";
import { syncGroup } from "./sync-group.ts";
import { unregisterBroker } from "./unregister-broker.ts";
import { vote } from "./vote.ts";

// Every Kafka API this broker serves, by key. The router, ApiVersions, docs/compatibility.md and the fuzz test read this list; to add an API, write
// its handler and a line here.

const apis: readonly KafkaApi<BrokerServices>[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  describeLogDirs,
  createPartitions,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  alterPartitionReassignments,
  listPartitionReassignments,
  offsetDelete,
  describeQuorum,
  describeCluster,
  describeProducers,
  unregisterBroker,
  describeTopicPartitions,
];

/** What brokers ask each other. ApiVersions does not show it, as Kafka's brokers do not. */
export const betweenBrokers: readonly KafkaApi<BrokerServices>[] = [
  alterPartition,
  brokerHeartbeat,
  vote,
];

export const kafkaApis: readonly KafkaApi<BrokerServices>[] = [
  ...apis,
  ...betweenBrokers,
  apiVersions(apis),
];
