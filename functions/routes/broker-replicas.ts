import { createRoute, z } from "@hono/zod-openapi";
import { topicsOfCluster } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes, originOf } from "../api-context.ts";
import { brokerOf, clusterOf } from "../find.ts";
import { clusterUrl, collectionLinks } from "../kafka-links.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import { partitionKey } from "../partition-key.ts";
import { replicaShape } from "../replica-shape.ts";
import { replicaList } from "../shapes/partition.ts";
import { clusterParam, idParam, jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const listRoute = createRoute({
  method: "get",
  path: "/kafka/v3/clusters/{cluster_id}/brokers/{broker_id}/partition-replicas",
  tags: ["Brokers (Confluent REST v3)"],
  operationId: "listKafkaBrokerReplicas",
  summary: "List the replicas of a cluster's partitions that a broker holds",
  request: {
    params: z.object({ cluster_id: clusterParam, broker_id: idParam("broker_id") }),
    query: pageQuery,
  },
  responses: { 200: jsonReply(replicaList, "The replicas"), ...refusals("not-found") },
});

export function brokerReplicaRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const { image } = api.replica;
    const params = c.req.valid("param");
    const { clusterId } = clusterOf(image, params.cluster_id);
    const { brokerId } = brokerOf(image, params.broker_id);
    const held = topicsOfCluster(image, clusterId).flatMap((topic) =>
      topic.partitions
        .filter(({ replicas }) => replicas.includes(brokerId))
        .map((partition) => ({ topic, partition })),
    );
    const page = pageOf(held, query, {
      list: `replicas ${clusterId} ${brokerId}`,
      keyOf: partitionKey,
    });
    const origin = originOf(c);
    const self = `${clusterUrl(origin, clusterId)}/brokers/${brokerId}/partition-replicas`;
    return c.json(
      {
        kind: "KafkaReplicaList" as const,
        metadata: collectionLinks(self, page.nextToken, query.page_size),
        data: page.items.map(({ topic, partition }) =>
          replicaShape(topic, partition, { brokerId, origin }),
        ),
      },
      200,
    );
  });
  return routes;
}
