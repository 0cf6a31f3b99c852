import { createRoute, z } from "@hono/zod-openapi";
import { createPartitions } from "../../metadata/commands/create-partitions.ts";
import { createTopic } from "../../metadata/commands/create-topics.ts";
import type { NewTopic } from "../../metadata/commands/create-topics.ts";
import { deleteTopic } from "../../metadata/commands/delete-topics.ts";
import { onlyOutcome } from "../../metadata/commands/topic-outcome.ts";
import { topicsOfCluster } from "../../metadata/image/image.ts";
import { replicationFactorOf } from "../../metadata/settings/topic-settings.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes, originOf } from "../api-context.ts";
import { change, changeOnce } from "../change.ts";
import { configPath, namedValues } from "../config-changes.ts";
import { etagOf } from "../etag.ts";
import { clusterOf, topicOf } from "../find.ts";
import { clusterUrl, collectionLinks, topicUrl } from "../kafka-links.ts";
import { clusterMissing, onTopic } from "../on-topic.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import {
  createTopicRequest,
  topic as topicSchema,
  topicList,
  updateTopicRequest,
} from "../shapes/topic.ts";
import { factsOf, topicShape } from "../topic-shape.ts";
import {
  clusterParam,
  etagHeader,
  idempotencyHeaders,
  ifMatchHeaders,
  jsonBody,
  jsonReply,
  topicParam,
} from "./openapi.ts";
import { refusals } from "./problem-responses.ts";

const tags = ["Topics (Confluent REST v3)"];
const clusterParams = z.object({ cluster_id: clusterParam });
const topicParams = clusterParams.extend({ topic_name: topicParam });
const listPath = "/kafka/v3/clusters/{cluster_id}/topics";

const listRoute = createRoute({
  method: "get",
  path: listPath,
  tags,
  operationId: "listKafkaTopics",
  summary: "List topics",
  description: "In the order of their names.",
  request: { params: clusterParams, query: pageQuery },
  responses: { 200: jsonReply(topicList, "The topics"), ...refusals("not-found") },
});

const createTopicRoute = createRoute({
  method: "post",
  path: listPath,
  tags,
  operationId: "createKafkaTopic",
  summary: "Create a topic",
  description:
    "It is there for the next Kafka call of any client. A name that is taken answers 400 with error_code 40002, as Confluent's API does.",
  request: {
    params: clusterParams,
    headers: idempotencyHeaders,
    body: jsonBody(createTopicRequest),
  },
  responses: {
    201: jsonReply(topicSchema, "The new topic", etagHeader),
    200: jsonReply(topicSchema, "validate_only: what would have been created"),
    ...refusals(
      "not-found",
      "refused",
      "invalid-fields",
      "unsupported-media-type",
      "body-too-large",
      "idempotency-key-reused",
    ),
  },
});

const getRoute = createRoute({
  method: "get",
  path: `${listPath}/{topic_name}`,
  tags,
  operationId: "getKafkaTopic",
  summary: "Get a topic",
  request: { params: topicParams },
  responses: { 200: jsonReply(topicSchema, "The topic", etagHeader), ...refusals("not-found") },
});

const updateRoute = createRoute({
  method: "patch",
  path: `${listPath}/{topic_name}`,
  tags,
  operationId: "updatePartitionCountKafkaTopic",
  summary: "Raise a topic's partition count",
  description: "Keyed records of old and new partitions are no longer in one order: Kafka's rule.",
  request: { params: topicParams, headers: ifMatchHeaders, body: jsonBody(updateTopicRequest) },
  responses: {
    200: jsonReply(topicSchema, "The topic after the change", etagHeader),
    ...refusals(
      "not-found",
      "refused",
      "invalid-fields",
      "precondition-failed",
      "unsupported-media-type",
      "body-too-large",
    ),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: `${listPath}/{topic_name}`,
  tags,
  operationId: "deleteKafkaTopic",
  summary: "Delete a topic and its data",
  request: { params: topicParams, headers: ifMatchHeaders },
  responses: {
    204: { description: "It is gone." },
    ...refusals("not-found", "precondition-failed"),
  },
});

export function topicRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const { clusterId } = clusterOf(api.replica.image, c.req.valid("param").cluster_id);
    const origin = originOf(c);
    const page = pageOf(topicsOfCluster(api.replica.image, clusterId), query, {
      list: `topics ${clusterId}`,
      keyOf: (each) => each.name,
    });
    const self = `${clusterUrl(origin, clusterId)}/topics`;
    return c.json(
      {
        kind: "KafkaTopicList" as const,
        metadata: collectionLinks(self, page.nextToken, query.page_size),
        data: page.items.map((each) => topicShape(factsOf(each), origin)),
      },
      200,
    );
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const { cluster_id, topic_name } = c.req.valid("param");
    const found = topicOf(api.replica.image, cluster_id, topic_name);
    return c.json(topicShape(factsOf(found), originOf(c)), 200, { etag: etagOf(found) });
  });
  addCreation(routes, api);
  addChanges(routes, api);
  return routes;
}

function addCreation(routes: Routes, api: ApiContext): void {
  routes.openapi(createTopicRoute, async (c) => {
    const { cluster_id: clusterId } = c.req.valid("param");
    const request = c.req.valid("json");
    const isValidateOnly = request.validate_only === true;
    const origin = originOf(c);
    const topic = newTopic(request);
    const { status, body, headers } = await changeOnce(api, c, {
      request,
      command(image, context) {
        if (!image.clusters.has(clusterId)) return clusterMissing(clusterId);
        return createTopic(image, { clusterId, topic, isValidateOnly }, context);
      },
      fieldPath: configPath("configs", request.configs),
      reply: (created, { revision }) => ({
        status: isValidateOnly ? 200 : 201,
        body: topicShape({ ...created, clusterId }, origin),
        headers: isValidateOnly
          ? {}
          : { etag: etagOf({ revision }), location: topicUrl(origin, clusterId, created.name) },
      }),
    });
    return status === 200 ? c.json(body, 200) : c.json(body, 201, headers);
  });
}

function newTopic(body: z.infer<typeof createTopicRequest>): NewTopic {
  const { topic_name, partitions_count, replication_factor, replicas_assignments } = body;
  return {
    name: topic_name,
    configs: namedValues(body.configs),
    ...(partitions_count === undefined ? {} : { partitionCount: partitions_count }),
    ...(replication_factor === undefined ? {} : { replicationFactor: replication_factor }),
    ...(replicas_assignments === undefined
      ? {}
      : {
          assignments: replicas_assignments.map((each) => ({
            index: each.partition_id,
            brokerIds: each.broker_ids,
          })),
        }),
  };
}

function addChanges(routes: Routes, api: ApiContext): void {
  routes.openapi(updateRoute, async (c) => {
    const { cluster_id: clusterId, topic_name: topicName } = c.req.valid("param");
    const ifMatch = c.req.valid("header")["If-Match"];
    const partitionCount = c.req.valid("json").partitions_count;
    const { result, topic, revision } = await change(
      api,
      onTopic({ clusterId, topicName, ifMatch }, (image) =>
        onlyOutcome(
          createPartitions(image, { clusterId, topics: [{ name: topicName, partitionCount }] }),
        ),
      ),
    );
    const facts = { ...result, clusterId, replicationFactor: replicationFactorOf(topic) };
    return c.json(topicShape(facts, originOf(c)), 200, { etag: etagOf({ revision }) });
  });
  routes.openapi(deleteRoute, async (c) => {
    const { cluster_id: clusterId, topic_name: topicName } = c.req.valid("param");
    const ifMatch = c.req.valid("header")["If-Match"];
    await change(
      api,
      onTopic({ clusterId, topicName, ifMatch }, (image, topic, context) =>
        deleteTopic(image, { clusterId, topic: { topicId: topic.topicId } }, context),
      ),
    );
    return c.body(null, 204);
  });
}
