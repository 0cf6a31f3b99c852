import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { isMoving } from "../../metadata/commands/replica-moves.ts";
import type { Partition, Topic } from "../../metadata/image/image.ts";
import { topicsOfCluster } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes, originOf } from "../api-context.ts";
import type { Reassignment, ReassignmentList } from "../api-types.ts";
import { clusterOf, notFound, partitionOf, topicOf } from "../find.ts";
import {
  clusterUrl,
  collectionLinks,
  partitionUrl,
  resourceName,
  topicUrl,
} from "../kafka-links.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import type { PageQuery } from "../pagination.ts";
import { partitionKey } from "../partition-key.ts";
import { reassignment, reassignmentList } from "../shapes/reassignment.ts";
import { clusterParam, idParam, jsonReply, topicParam } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Reassignments (Confluent REST v3)"];
const base = "/kafka/v3/clusters/{cluster_id}/topics";
const clusterParams = z.object({ cluster_id: clusterParam });
const topicParams = clusterParams.extend({ topic_name: topicParam });
const partitionParams = topicParams.extend({ partition_id: idParam("partition_id") });
const description =
  "Whoever began them: POST /v1/cell/moves, a Kafka client, or the cell itself. How far each is, GET /v1/cell/operations says.";

const listAllRoute = createRoute({
  method: "get",
  path: `${base}/-/partitions/-/reassignment`,
  tags,
  operationId: "listKafkaReassignments",
  summary: "List the partitions of a cluster whose replicas are being moved",
  description,
  request: { params: clusterParams, query: pageQuery },
  responses: { 200: jsonReply(reassignmentList, "The moves"), ...refusals("not-found") },
});

const listRoute = createRoute({
  method: "get",
  path: `${base}/{topic_name}/partitions/-/reassignment`,
  tags,
  operationId: "listKafkaTopicReassignments",
  summary: "List the partitions of a topic whose replicas are being moved",
  description,
  request: { params: topicParams, query: pageQuery },
  responses: { 200: jsonReply(reassignmentList, "The moves"), ...refusals("not-found") },
});

const getRoute = createRoute({
  method: "get",
  path: `${base}/{topic_name}/partitions/{partition_id}/reassignment`,
  tags,
  operationId: "getKafkaReassignment",
  summary: "Get the move of a partition's replicas",
  description: "404 while none of them moves, as Confluent's does.",
  request: { params: partitionParams },
  responses: { 200: jsonReply(reassignment, "The move"), ...refusals("not-found") },
});

export function reassignmentRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listAllRoute, async (c) => {
    await api.replica.readToHead();
    const { clusterId } = clusterOf(api.replica.image, c.req.valid("param").cluster_id);
    const self = `${clusterUrl(originOf(c), clusterId)}/topics/-/partitions/-/reassignment`;
    const topics = topicsOfCluster(api.replica.image, clusterId);
    const list = { name: `reassignments ${clusterId}`, topics, self };
    return c.json(listShape(c, list, c.req.valid("query")), 200);
  });
  routes.openapi(listRoute, async (c) => {
    await api.replica.readToHead();
    const { cluster_id, topic_name } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const topicSelf = topicUrl(originOf(c), cluster_id, topic.name);
    const self = `${topicSelf}/partitions/-/reassignment`;
    const list = { name: `reassignments ${topic.topicId}`, topics: [topic], self };
    return c.json(listShape(c, list, c.req.valid("query")), 200);
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const { cluster_id, topic_name, partition_id } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const found = partitionOf(topic, partition_id);
    if (!isMoving(found)) {
      const detail = `no replica of partition ${partition_id} of ${topic.name} is being moved`;
      throw notFound(detail, "NO_REASSIGNMENT_IN_PROGRESS", 404);
    }
    return c.json(reassignmentShape(topic, found, originOf(c)), 200);
  });
  return routes;
}

type MovesOf = { name: string; topics: readonly Topic[]; self: string };

function listShape(
  c: Context,
  { name, topics, self }: MovesOf,
  query: PageQuery,
): ReassignmentList {
  const moving = topics.flatMap((topic) =>
    topic.partitions.filter(isMoving).map((partition) => ({ topic, partition })),
  );
  const page = pageOf(moving, query, {
    list: name,
    keyOf: partitionKey,
  });
  const origin = originOf(c);
  return {
    kind: "KafkaReassignmentList",
    metadata: collectionLinks(self, page.nextToken, query.page_size),
    data: page.items.map(({ topic, partition }) => reassignmentShape(topic, partition, origin)),
  };
}

function reassignmentShape(topic: Topic, stored: Partition, origin: string): Reassignment {
  const self = partitionUrl(topicUrl(origin, topic.clusterId, topic.name), stored.index);
  const partitionName = resourceName([
    ["kafka", topic.clusterId],
    ["topic", topic.name],
    ["partition", stored.index],
  ]);
  return {
    kind: "KafkaReassignment",
    metadata: { self: `${self}/reassignment`, resource_name: `${partitionName}/reassignment` },
    cluster_id: topic.clusterId,
    topic_name: topic.name,
    partition_id: stored.index,
    adding_replicas: [...stored.adding],
    removing_replicas: [...stored.removing],
    replicas: { related: `${self}/replicas` },
  };
}
