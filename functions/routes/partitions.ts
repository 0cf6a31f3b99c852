import { createRoute, z } from "@hono/zod-openapi";
import type { Partition, Topic } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes, originOf } from "../api-context.ts";
import type { Partition as PartitionShape } from "../api-types.ts";
import { notFound, partitionOf, topicOf } from "../find.ts";
import { collectionLinks, partitionUrl, resourceName, topicUrl } from "../kafka-links.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import { replicaShape } from "../replica-shape.ts";
import { partition, partitionList, replica, replicaList } from "../shapes/partition.ts";
import { clusterParam, idParam, jsonReply, topicParam } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Partitions (Confluent REST v3)"];
const base = "/kafka/v3/clusters/{cluster_id}/topics/{topic_name}/partitions";
const topicParams = z.object({ cluster_id: clusterParam, topic_name: topicParam });
const partitionParams = topicParams.extend({ partition_id: idParam("partition_id") });
const replicaParams = partitionParams.extend({ broker_id: idParam("broker_id") });

const listRoute = createRoute({
  method: "get",
  path: base,
  tags,
  operationId: "listKafkaPartitions",
  summary: "List a topic's partitions",
  request: { params: topicParams, query: pageQuery },
  responses: { 200: jsonReply(partitionList, "The partitions"), ...refusals("not-found") },
});

const getRoute = createRoute({
  method: "get",
  path: `${base}/{partition_id}`,
  tags,
  operationId: "getKafkaPartition",
  summary: "Get a partition",
  request: { params: partitionParams },
  responses: { 200: jsonReply(partition, "The partition"), ...refusals("not-found") },
});

const listReplicasRoute = createRoute({
  method: "get",
  path: `${base}/{partition_id}/replicas`,
  tags,
  operationId: "listKafkaReplicas",
  summary: "List a partition's replicas",
  request: { params: partitionParams },
  responses: { 200: jsonReply(replicaList, "The replicas"), ...refusals("not-found") },
});

const getReplicaRoute = createRoute({
  method: "get",
  path: `${base}/{partition_id}/replicas/{broker_id}`,
  tags,
  operationId: "getKafkaReplica",
  summary: "Get a replica",
  request: { params: replicaParams },
  responses: { 200: jsonReply(replica, "The replica"), ...refusals("not-found") },
});

export function partitionRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const { cluster_id, topic_name } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const origin = originOf(c);
    const page = pageOf(topic.partitions, query, {
      list: `partitions ${topic.topicId}`,
      keyOf: (each) => each.index,
    });
    const self = `${topicUrl(origin, cluster_id, topic_name)}/partitions`;
    return c.json(
      {
        kind: "KafkaPartitionList" as const,
        metadata: collectionLinks(self, page.nextToken, query.page_size),
        data: page.items.map((each) => partitionShape(topic, each, origin)),
      },
      200,
    );
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const { cluster_id, topic_name, partition_id } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const found = partitionOf(topic, partition_id);
    return c.json(partitionShape(topic, found, originOf(c)), 200);
  });
  addReplicas(routes, api);
  return routes;
}

function addReplicas(routes: Routes, api: ApiContext): void {
  routes.openapi(listReplicasRoute, async (c) => {
    await api.replica.readToHead();
    const { cluster_id, topic_name, partition_id } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const found = partitionOf(topic, partition_id);
    const origin = originOf(c);
    const { self } = partitionShape(topic, found, origin).metadata;
    return c.json(
      {
        kind: "KafkaReplicaList" as const,
        metadata: collectionLinks(`${self}/replicas`, null, undefined),
        data: found.replicas.map((brokerId) => replicaShape(topic, found, { brokerId, origin })),
      },
      200,
    );
  });
  routes.openapi(getReplicaRoute, async (c) => {
    await api.replica.readToHead();
    const { cluster_id, topic_name, partition_id, broker_id } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const found = partitionOf(topic, partition_id);
    if (!found.replicas.includes(broker_id)) {
      throw notFound(
        `partition ${partition_id} of ${topic.name} has no replica on broker ${broker_id}; it has them on ${found.replicas.join(", ")}`,
        "REPLICA_NOT_AVAILABLE",
        404,
      );
    }
    const origin = originOf(c);
    return c.json(replicaShape(topic, found, { brokerId: broker_id, origin }), 200);
  });
}

function partitionShape(topic: Topic, stored: Partition, origin: string): PartitionShape {
  const self = partitionUrl(topicUrl(origin, topic.clusterId, topic.name), stored.index);
  return {
    kind: "KafkaPartition",
    metadata: {
      self,
      resource_name: resourceName([
        ["kafka", topic.clusterId],
        ["topic", topic.name],
        ["partition", stored.index],
      ]),
    },
    cluster_id: topic.clusterId,
    topic_name: topic.name,
    partition_id: stored.index,
    ...(stored.leader < 0 ? {} : { leader: { related: `${self}/replicas/${stored.leader}` } }),
    replicas: { related: `${self}/replicas` },
    reassignment: { related: `${self}/reassignment` },
  };
}
