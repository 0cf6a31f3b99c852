import { createRoute } from "@hono/zod-openapi";
import { limits as metadataLimits } from "../../metadata/limits.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { Limits } from "../api-types.ts";
import { maxPageSize } from "../pagination.ts";
import { maxBodyBytes } from "../request-gate.ts";
import { health, limits } from "../shapes/cell.ts";
import { jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Service"];

const healthRoute = createRoute({
  method: "get",
  path: "/healthz",
  tags,
  operationId: "getHealth",
  summary: "Is this process alive?",
  description: "Asks nothing else. For whether it can do its work, see /readyz.",
  responses: { 200: jsonReply(health, "It is") },
});

const readyRoute = createRoute({
  method: "get",
  path: "/readyz",
  tags,
  operationId: "getReadiness",
  summary: "Can this process read the metadata log?",
  responses: { 200: jsonReply(health, "It can"), ...refusals() },
});

const limitsRoute = createRoute({
  method: "get",
  path: "/v1/limits",
  tags,
  operationId: "getLimits",
  summary: "What this cell takes, and no more",
  description: "Each of these is named in the message of the refusal it causes.",
  responses: { 200: jsonReply(limits, "The limits") },
});

export function healthRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  const ok = { status: "ok" as const, version: api.config.version };
  routes.openapi(healthRoute, (c) => c.json(ok, 200));
  routes.openapi(readyRoute, async (c) => {
    await api.replica.readToHead();
    return c.json(ok, 200);
  });
  routes.openapi(limitsRoute, (c) => c.json({ data: limitTable }, 200));
  return routes;
}

const limitTable: Limits["data"] = [
  limit("clusters_per_cell", metadataLimits.clusters, "clusters", "Clusters in the cell."),
  limit("cluster_name_length", metadataLimits.clusterNameLength, "characters", "A cluster's name."),
  limit(
    "topics_per_cluster",
    metadataLimits.topicsPerCluster,
    "topics",
    "Topics in one cluster, as its tenants count them.",
  ),
  limit(
    "topic_name_length",
    metadataLimits.topicNameLength,
    "characters",
    "A topic's name; Kafka's own limit.",
  ),
  limit(
    "partitions_per_topic",
    metadataLimits.partitionsPerTopic,
    "partitions",
    "Partitions of one topic, replicas not counted.",
  ),
  limit(
    "new_partitions_per_request",
    metadataLimits.newPartitionsPerRequest,
    "partitions",
    "Partitions that one request may create, replicas not counted.",
  ),
  limit(
    "partitions_per_cell",
    metadataLimits.partitionsPerCell,
    "partitions",
    "Partitions of all clusters together, replicas not counted.",
  ),
  limit(
    "replication_factor",
    metadataLimits.replicationFactor,
    "replicas",
    "Replicas of a partition.",
  ),
  limit(
    "config_value_length",
    metadataLimits.configValueLength,
    "characters",
    "The value of one setting.",
  ),
  limit("request_body_size", maxBodyBytes, "bytes", "The body of an HTTP request."),
  limit("page_size", maxPageSize, "entries", "One page of a list."),
  limit(
    "idempotency_keys",
    metadataLimits.idempotencyKeys,
    "keys",
    "Idempotency-Keys kept at a time; the oldest are dropped first.",
  ),
  limit(
    "idempotency_retention",
    metadataLimits.idempotencyRetentionMs,
    "milliseconds",
    "How long an Idempotency-Key is kept at most.",
  ),
];

function limit(
  name: string,
  value: number,
  unit: string,
  description: string,
): Limits["data"][number] {
  return { name, value, unit, description };
}
