import { createRoute } from "@hono/zod-openapi";
import type { Image } from "../../metadata/image/image.ts";
import { systemClusterId } from "../../metadata/image/image.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { Cell } from "../api-types.ts";
import { isoTime } from "../iso-time.ts";
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
  const brokers = [...image.brokers.values()].sort((a, b) => a.brokerId - b.brokerId);
  const { topics, offline, underReplicated } = countPartitions(image);
  return {
    id: image.cellId,
    version,
    state: brokers.some((each) => each.state === "active") ? "ready" : "waiting_for_brokers",
    metadata_revision: image.revision,
    metadata_level: image.level,
    controller_broker_id: image.controller.brokerId,
    clusters_count: image.clusters.size,
    topics_count: topics,
    partitions_count: image.partitionCount,
    offline_partitions_count: offline,
    under_replicated_partitions_count: underReplicated,
    brokers: brokers.map((each) => ({
      id: each.brokerId,
      state: each.state,
      host: each.host,
      port: each.port,
      zone: each.zone,
      registered_at: isoTime(each.registeredAtMs),
    })),
  };
}

/** Tenants' topics; partitions of the internal ones count too, for their loss stops groups. */
function countPartitions(image: Image): {
  topics: number;
  offline: number;
  underReplicated: number;
} {
  let topics = 0;
  let offline = 0;
  let underReplicated = 0;
  for (const topic of image.topics.values()) {
    if (topic.clusterId !== systemClusterId) topics++;
    for (const partition of topic.partitions) {
      if (partition.leader < 0) offline++;
      if (partition.isr.length < partition.replicas.length) underReplicated++;
    }
  }
  return { topics, offline, underReplicated };
}
