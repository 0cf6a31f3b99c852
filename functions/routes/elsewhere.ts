import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import { httpEndpoint } from "../cluster-endpoints.ts";
import { clusterOf } from "../find.ts";
import { Problem } from "../problem.ts";
import { clusterParam, topicParam } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

// What lives in brokers. The control plane never asks them (it has no network path to them): it says where to ask. Where one process serves both, the
// brokers' own routes stand before these and answer.

const root = "/kafka/v3/clusters/{cluster_id}";
const tags = ["Served by brokers"];
const description =
  "Lives in the brokers and is served at the cluster's http_endpoint. The control plane answers 421 with that address.";

const groupsRoute = createRoute({
  method: "get",
  path: `${root}/consumer-groups`,
  tags,
  operationId: "listKafkaConsumerGroups",
  summary: "List consumer groups",
  description,
  request: { params: z.object({ cluster_id: clusterParam }) },
  responses: refusals("ask-a-broker", "not-found"),
});

const groupRoute = createRoute({
  method: "get",
  path: `${root}/consumer-groups/{consumer_group_id}`,
  tags,
  operationId: "getKafkaConsumerGroup",
  summary: "Get a consumer group, and below it its consumers and lags",
  description,
  request: { params: z.object({ cluster_id: clusterParam, consumer_group_id: z.string() }) },
  responses: refusals("ask-a-broker", "not-found"),
});

const recordsRoute = createRoute({
  method: "post",
  path: `${root}/topics/{topic_name}/records`,
  tags,
  operationId: "produceKafkaRecords",
  summary: "Produce records",
  description,
  request: { params: z.object({ cluster_id: clusterParam, topic_name: topicParam }) },
  responses: refusals("ask-a-broker", "not-found"),
});

const metricsRoute = createRoute({
  method: "get",
  path: "/metrics",
  tags,
  operationId: "getMetrics",
  summary: "A broker's metrics, for Prometheus",
  description: "Each broker has its own. The control plane answers 421 with the address of one.",
  responses: refusals("ask-a-broker"),
});

/** `isListed`: whether the reference shows them, which it need not where the brokers' own descriptions stand. */
export function elsewhereRoutes(api: ApiContext, { isListed }: { isListed: boolean }): Routes {
  const routes = newRoutes();
  const answer = async (c: Context, clusterId: string): Promise<never> => {
    await api.replica.readToHead();
    clusterOf(api.replica.image, clusterId);
    const endpoint = httpEndpoint(api.config, c);
    throw new Problem("ask-a-broker", `this is served by the brokers: ask ${endpoint}`, {
      httpEndpoint: endpoint,
    });
  };
  routes.openapi({ ...metricsRoute, hide: !isListed }, (c) => {
    const endpoint = httpEndpoint(api.config, c);
    throw new Problem("ask-a-broker", `each broker has its own, as at ${endpoint}/metrics`, {
      httpEndpoint: endpoint,
    });
  });
  const hide = !isListed;
  routes.openapi({ ...groupsRoute, hide }, (c) => answer(c, c.req.valid("param").cluster_id));
  routes.openapi({ ...groupRoute, hide }, (c) => answer(c, c.req.valid("param").cluster_id));
  routes.openapi({ ...recordsRoute, hide }, (c) => answer(c, c.req.valid("param").cluster_id));
  // Everything below them and every other method, which the reference need not list one by one.
  for (const path of ["consumer-groups/*", "topics/:topic_name/records"]) {
    routes.all(`/kafka/v3/clusters/:cluster_id/${path}`, (c) =>
      answer(c, c.req.param("cluster_id") ?? ""),
    );
  }
  return routes;
}
