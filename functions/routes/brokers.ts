import { createRoute, z } from "@hono/zod-openapi";
import type { Broker, Cluster } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes, originOf } from "../api-context.ts";
import type { KafkaBroker } from "../api-types.ts";
import { brokerOf, clusterOf } from "../find.ts";
import { clusterUrl, collectionLinks, resourceName } from "../kafka-links.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import { kafkaBroker, kafkaBrokerList } from "../shapes/kafka-cluster.ts";
import { clusterParam, idParam, jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Brokers (Confluent REST v3)"];

const listRoute = createRoute({
  method: "get",
  path: "/kafka/v3/clusters/{cluster_id}/brokers",
  tags,
  operationId: "listKafkaBrokers",
  summary: "List the brokers that serve a cluster",
  description: "As the metadata log knows them; GET /v1/cell shows their state.",
  request: { params: z.object({ cluster_id: clusterParam }), query: pageQuery },
  responses: { 200: jsonReply(kafkaBrokerList, "The brokers"), ...refusals("not-found") },
});

const getRoute = createRoute({
  method: "get",
  path: "/kafka/v3/clusters/{cluster_id}/brokers/{broker_id}",
  tags,
  operationId: "getKafkaBroker",
  summary: "Get a broker",
  request: { params: z.object({ cluster_id: clusterParam, broker_id: idParam("broker_id") }) },
  responses: { 200: jsonReply(kafkaBroker, "The broker"), ...refusals("not-found") },
});

export function brokerRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const { image } = api.replica;
    const cluster = clusterOf(image, c.req.valid("param").cluster_id);
    const origin = originOf(c);
    const byId = [...image.brokers.values()].sort((a, b) => a.brokerId - b.brokerId);
    const page = pageOf(byId, query, { list: "brokers", keyOf: (each) => each.brokerId });
    const self = `${clusterUrl(origin, cluster.clusterId)}/brokers`;
    return c.json(
      {
        kind: "KafkaBrokerList" as const,
        metadata: collectionLinks(self, page.nextToken, query.page_size),
        data: page.items.map((each) => brokerShape(cluster, each, origin)),
      },
      200,
    );
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const { image } = api.replica;
    const params = c.req.valid("param");
    const cluster = clusterOf(image, params.cluster_id);
    const found = brokerOf(image, params.broker_id);
    return c.json(brokerShape(cluster, found, originOf(c)), 200);
  });
  return routes;
}

/** The address is the one of this cluster: every broker serves each cluster on a port of its own. */
function brokerShape(cluster: Cluster, broker: Broker, origin: string): KafkaBroker {
  const { clusterId } = cluster;
  const self = `${clusterUrl(origin, clusterId)}/brokers/${broker.brokerId}`;
  return {
    kind: "KafkaBroker",
    metadata: {
      self,
      resource_name: resourceName([
        ["kafka", clusterId],
        ["broker", broker.brokerId],
      ]),
    },
    cluster_id: clusterId,
    broker_id: broker.brokerId,
    host: broker.host,
    port: broker.port + cluster.portOffset,
    rack: broker.zone === "" ? null : broker.zone,
    configs: { related: `${self}/configs` },
    partition_replicas: { related: `${self}/partition-replicas` },
  };
}
