import { createRoute } from "@hono/zod-openapi";
import type { Image } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { Cell } from "../api-types.ts";
import { brokersById, cellBrokerShape } from "../cell-broker-shape.ts";
import { clusterNameOf } from "../find.ts";
import { awaitedBrokers, partitionsHealth } from "../../metadata/health/partition-health.ts";
import type { UnhealthyPartition } from "../../metadata/health/partition-health.ts";
import { cell } from "../shapes/cell.ts";
import { jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const cellRoute = createRoute({
  method: "get",
  path: "/v1/cell",
  tags: ["Cell"],
  operationId: "getCell",
  summary: "The fleet behind the clusters, as the metadata log knows it",
  responses: { 200: jsonReply(cell, "The cell"), ...refusals() },
});

export function cellRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(cellRoute, async (c) => {
    await api.replica.readToHead();
    return c.json(cellShape(api.replica.image, api.config.version), 200);
  });
  return routes;
}

function cellShape(image: Image, version: string): Cell {
  const brokers = brokersById(image);
  const health = partitionsHealth(image);
  const { counts } = health;
  return {
    id: image.cellId,
    version,
    state: brokers.some((each) => each.state === "active") ? "ready" : "waiting_for_brokers",
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
