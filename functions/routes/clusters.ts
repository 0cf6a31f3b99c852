import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Cluster as StoredCluster } from "../../metadata/image/image.ts";
import {
  createCluster,
  deleteCluster,
  updateCluster,
} from "../../metadata/commands/cluster-commands.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes } from "../api-context.ts";
import type { Cluster } from "../api-types.ts";
import { change, changeOnce } from "../change.ts";
import { bootstrapServers, httpEndpoint } from "../cluster-endpoints.ts";
import { etagOf, expectedRevision } from "../etag.ts";
import { clusterOf } from "../find.ts";
import { given } from "../given.ts";
import { isoTime } from "../iso-time.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import {
  cluster,
  clusterList,
  createClusterRequest,
  updateClusterRequest,
} from "../shapes/cluster.ts";
import { etagHeader, idempotencyHeaders, ifMatchHeaders, jsonBody, jsonReply } from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Clusters"];
const idParam = z.object({
  id: z.string().openapi({ param: { name: "id", in: "path" }, example: "8f2cXq1tQ0mJb0b3o1d2Vw" }),
});

const listRoute = createRoute({
  method: "get",
  path: "/v1/clusters",
  tags,
  operationId: "listClusters",
  summary: "List clusters",
  description: "In the order of their names.",
  request: {
    query: pageQuery.extend({
      name: z
        .string()
        .optional()
        .openapi({
          param: { name: "name", in: "query" },
          description: "Only the cluster of exactly this name: how a name becomes an id.",
        }),
    }),
  },
  responses: { 200: jsonReply(clusterList, "The clusters"), ...refusals() },
});

const createClusterRoute = createRoute({
  method: "post",
  path: "/v1/clusters",
  tags,
  operationId: "createCluster",
  summary: "Create a cluster",
  description:
    "A logical Kafka cluster with its own topic names, groups and port. Takes milliseconds: it is an entry in the metadata log.",
  request: { headers: idempotencyHeaders, body: jsonBody(createClusterRequest) },
  responses: {
    201: jsonReply(cluster, "The new cluster", etagHeader),
    ...refusals(
      "invalid-fields",
      "conflict",
      "unsupported-media-type",
      "body-too-large",
      "idempotency-key-reused",
    ),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/clusters/{id}",
  tags,
  operationId: "getCluster",
  summary: "Get a cluster",
  request: { params: idParam },
  responses: { 200: jsonReply(cluster, "The cluster", etagHeader), ...refusals("not-found") },
});

const updateRoute = createRoute({
  method: "patch",
  path: "/v1/clusters/{id}",
  tags,
  operationId: "updateCluster",
  summary: "Change a cluster's name, description or defaults",
  request: { params: idParam, headers: ifMatchHeaders, body: jsonBody(updateClusterRequest) },
  responses: {
    200: jsonReply(cluster, "The cluster after the change", etagHeader),
    ...refusals(
      "invalid-fields",
      "not-found",
      "conflict",
      "precondition-failed",
      "unsupported-media-type",
      "body-too-large",
    ),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/v1/clusters/{id}",
  tags,
  operationId: "deleteCluster",
  summary: "Delete a cluster",
  request: {
    params: idParam,
    headers: ifMatchHeaders,
    query: z.object({
      force: z
        .enum(["true", "false"])
        .optional()
        .openapi({
          param: { name: "force", in: "query" },
          description:
            "true: its topics and their data too. Without it a cluster that has topics stays.",
        }),
    }),
  },
  responses: {
    204: { description: "It is gone." },
    ...refusals("not-found", "conflict", "precondition-failed"),
  },
});

export function clusterRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const page = pageOf(clustersNamed(api, query.name), query, {
      list: "clusters",
      keyOf: (each) => each.name,
    });
    const data = page.items.map((each) => clusterShape(api, each, c));
    return c.json({ data, next_page_token: page.nextToken }, 200);
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const found = clusterOf(api.replica.image, c.req.valid("param").id);
    return c.json(clusterShape(api, found, c), 200, { etag: etagOf(found) });
  });
  routes.openapi(createClusterRoute, async (c) => {
    const request = c.req.valid("json");
    const { body, headers } = await changeOnce(api, c, {
      request,
      command: (image, context) => createCluster(image, given(request), context),
      reply: (created) => ({
        status: 201,
        body: clusterShape(api, created, c),
        headers: { etag: etagOf(created), location: `/v1/clusters/${created.clusterId}` },
      }),
    });
    return c.json(body, 201, headers);
  });
  addChanges(routes, api);
  return routes;
}

function addChanges(routes: Routes, api: ApiContext): void {
  routes.openapi(updateRoute, async (c) => {
    const { id: clusterId } = c.req.valid("param");
    const ifMatch = c.req.valid("header")["If-Match"];
    const wanted = given(c.req.valid("json"));
    const updated = await change(api, (image, context) => {
      const ifRevision = expectedRevision(ifMatch, image.clusters.get(clusterId)?.revision);
      return updateCluster(image, { clusterId, ...wanted, ...given({ ifRevision }) }, context);
    });
    return c.json(clusterShape(api, updated, c), 200, { etag: etagOf(updated) });
  });
  routes.openapi(deleteRoute, async (c) => {
    const { id: clusterId } = c.req.valid("param");
    const ifMatch = c.req.valid("header")["If-Match"];
    const force = c.req.valid("query").force === "true";
    await change(api, (image, context) => {
      const ifRevision = expectedRevision(ifMatch, image.clusters.get(clusterId)?.revision);
      return deleteCluster(image, { clusterId, force, ...given({ ifRevision }) }, context);
    });
    return c.body(null, 204);
  });
}

function clustersNamed(api: ApiContext, name: string | undefined): StoredCluster[] {
  const { clusters, clustersByName } = api.replica.image;
  if (name !== undefined) {
    const found = clustersByName.get(name);
    return found === undefined ? [] : [found];
  }
  return [...clusters.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function clusterShape(api: ApiContext, stored: StoredCluster, c: Context): Cluster {
  const { image } = api.replica;
  return {
    id: stored.clusterId,
    name: stored.name,
    description: stored.description,
    state: stored.state,
    defaults: { ...stored.defaults },
    bootstrap_servers: bootstrapServers(image, stored, api.config),
    http_endpoint: httpEndpoint(api.config, c),
    created_at: isoTime(stored.createdAtMs),
  };
}
