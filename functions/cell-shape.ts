import type { Image } from "../metadata/image/image.ts";
import type { Cell } from "./api-types.ts";
import { brokersById, cellBrokerShape } from "./cell-broker-shape.ts";
import { clusterNameOf } from "./find.ts";
import { awaitedBrokers, partitionsHealth } from "../metadata/health/partition-health.ts";
import type { UnhealthyPartition } from "../metadata/health/partition-health.ts";

export function cellShape(image: Image, version: string): Cell {
  const brokers = brokersById(image);
  const health = partitionsHealth(image);
  const { counts } = health;
  return {
    id: image.cellId,
    version,
    state: stateOf(image),
    metadata_revision: image.revision,
    metadata_level: image.level,
    controller_broker_id: image.controller.brokerId,
    controller_epoch: image.controller.epoch,
    clusters_count: image.clusters.size,
    topics_count: health.topicCount,
    partitions_count: image.partitionCount,
    offline_partitions_count: counts.offline,
    under_min_isr_partitions_count: counts.under_min_isr,
    under_replicated_partitions_count: counts.under_replicated,
    moving_partitions_count: health.movingCount,
    unhealthy_partitions: health.examples.map((each) => unhealthyShape(image, each)),
    brokers: brokers.map((each) => cellBrokerShape(image, each, health)),
  };
}

function stateOf({ sleep, brokers }: Image): Cell["state"] {
  switch (sleep.state) {
    case "fallingAsleep":
      return "falling_asleep";
    case "asleep":
      return "asleep";
    case "awake": {
      const isAnyActive = [...brokers.values()].some((each) => each.state === "active");
      return isAnyActive ? "ready" : "waiting_for_brokers";
    }
  }
}

function unhealthyShape(
  image: Image,
  { problem, topic, partition }: UnhealthyPartition,
): Cell["unhealthy_partitions"][number] {
  return {
    cluster_id: topic.clusterId,
    cluster_name: clusterNameOf(image, topic.clusterId),
    topic_name: topic.name,
    partition_id: partition.index,
    problem,
    leader: partition.leader < 0 ? null : partition.leader,
    replicas: [...partition.replicas],
    in_sync_replicas: [...partition.isr],
    waits_for: awaitedBrokers(image, partition),
  };
}
