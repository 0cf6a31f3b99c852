import { createRoute, z } from "@hono/zod-openapi";
import type { Cluster, Image } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes, originOf } from "../api-context.ts";
import type { KafkaCluster } from "../api-types.ts";
import { clusterOf } from "../find.ts";
import { clusterUrl, collectionLinks, resourceName } from "../kafka-links.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import { kafkaCluster, kafkaClusterList } from "../shapes/kafka-cluster.ts";
import { clusterParam, jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Kafka clusters (Confluent REST v3)"];

const listRoute = createRoute({
  method: "get",
  path: "/kafka/v3/clusters",
  tags,
  operationId: "listKafkaClusters",
  summary: "List clusters",
  request: { query: pageQuery },
  responses: { 200: jsonReply(kafkaClusterList, "The clusters"), ...refusals() },
});

const getRoute = createRoute({
  method: "get",
  path: "/kafka/v3/clusters/{cluster_id}",
  tags,
  operationId: "getKafkaCluster",
  summary: "Get a cluster",
  request: { params: z.object({ cluster_id: clusterParam }) },
  responses: { 200: jsonReply(kafkaCluster, "The cluster"), ...refusals("not-found") },
});

export function kafkaClusterRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const { image } = api.replica;
    const origin = originOf(c);
    const byId = [...image.clusters.values()].sort((a, b) => (a.clusterId < b.clusterId ? -1 : 1));
    const page = pageOf(byId, query, { list: "kafka-clusters", keyOf: (each) => each.clusterId });
    const self = `${origin}/kafka/v3/clusters`;
    return c.json(
      {
        kind: "KafkaClusterList" as const,
        metadata: collectionLinks(self, page.nextToken, query.page_size),
        data: page.items.map((each) => kafkaClusterShape(image, each, origin)),
      },
      200,
    );
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const { image } = api.replica;
    const found = clusterOf(image, c.req.valid("param").cluster_id);
    return c.json(kafkaClusterShape(image, found, originOf(c)), 200);
  });
  return routes;
}

function kafkaClusterShape(image: Image, cluster: Cluster, origin: string): KafkaCluster {
  const { clusterId } = cluster;
  const self = clusterUrl(origin, clusterId);
  const controllerId = image.controller.brokerId;
  return {
    kind: "KafkaCluster",
    metadata: { self, resource_name: resourceName([["kafka", clusterId]]) },
    cluster_id: clusterId,
    ...(controllerId === null
      ? {}
      : { controller: { related: `${self}/brokers/${controllerId}` } }),
    acls: { related: `${self}/acls` },
    brokers: { related: `${self}/brokers` },
    broker_configs: { related: `${self}/broker-configs` },
    consumer_groups: { related: `${self}/consumer-groups` },
    topics: { related: `${self}/topics` },
    partition_reassignments: { related: `${self}/topics/-/partitions/-/reassignment` },
  };
}
