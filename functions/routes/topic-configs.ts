import { createRoute, z } from "@hono/zod-openapi";
import { incrementalAlterConfigs } from "../../metadata/commands/alter-configs.ts";
import type { ConfigChange } from "../../metadata/commands/alter-configs.ts";
import { onlyOutcome } from "../../metadata/commands/topic-outcome.ts";
import type { Topic } from "../../metadata/image/image.ts";
import {
  resolveTopicSettings,
  topicSettingLayers,
} from "../../metadata/settings/topic-settings.ts";
import {
  removedTopicSettings,
  topicSettingByName,
} from "../../metadata/settings/topic-setting-table.ts";
import type { ResolvedSetting, SettingSource } from "../../metadata/settings/setting.ts";
import type { ApiContext, Routes } from "../api-context.ts";
import { newRoutes, originOf } from "../api-context.ts";
import type { TopicConfig } from "../api-types.ts";
import { change, changeOnce } from "../change.ts";
import { configPath } from "../config-changes.ts";
import { etagOf } from "../etag.ts";
import { notFound, topicOf } from "../find.ts";
import { collectionLinks, resourceName, topicUrl } from "../kafka-links.ts";
import { onTopic } from "../on-topic.ts";
import type { TopicTarget } from "../on-topic.ts";
import { pageOf, pageQuery } from "../pagination.ts";
import { Problem } from "../problem.ts";
import {
  alterTopicConfigsRequest,
  setTopicConfigRequest,
  topicConfig,
  topicConfigList,
} from "../shapes/topic-config.ts";
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

const tags = ["Topic configs (Confluent REST v3)"];
const base = "/kafka/v3/clusters/{cluster_id}/topics/{topic_name}";
const topicParams = z.object({ cluster_id: clusterParam, topic_name: topicParam });
const configParams = topicParams.extend({
  name: z.string().openapi({ param: { name: "name", in: "path" }, example: "retention.ms" }),
});

const listRoute = createRoute({
  method: "get",
  path: `${base}/configs`,
  tags,
  operationId: "listKafkaTopicConfigs",
  summary: "List a topic's settings, with the values in force",
  request: { params: topicParams, query: pageQuery },
  responses: {
    200: jsonReply(topicConfigList, "The settings", etagHeader),
    ...refusals("not-found"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: `${base}/configs/{name}`,
  tags,
  operationId: "getKafkaTopicConfig",
  summary: "Get one setting",
  request: { params: configParams },
  responses: {
    200: jsonReply(topicConfig, "The setting", etagHeader),
    ...refusals("not-found"),
  },
});

const setRoute = createRoute({
  method: "put",
  path: `${base}/configs/{name}`,
  tags,
  operationId: "updateKafkaTopicConfig",
  summary: "Set one setting",
  request: { params: configParams, headers: ifMatchHeaders, body: jsonBody(setTopicConfigRequest) },
  responses: {
    204: { description: "It is set.", headers: etagHeader },
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

const resetRoute = createRoute({
  method: "delete",
  path: `${base}/configs/{name}`,
  tags,
  operationId: "deleteKafkaTopicConfig",
  summary: "Put one setting back to its default",
  request: { params: configParams, headers: ifMatchHeaders },
  responses: {
    204: { description: "It is at its default.", headers: etagHeader },
    ...refusals("not-found", "refused", "precondition-failed"),
  },
});

/** Hono would take `configs:alter` for a parameter named alter; the reference names the path as clients write it. */
const alterPath = `${base}/configs:alter`;
const alterRoute = createRoute({
  method: "post",
  path: `${base}/{verb{configs:alter}}`,
  hide: true,
  request: {
    params: topicParams,
    headers: idempotencyHeaders,
    body: jsonBody(alterTopicConfigsRequest),
  },
  responses: { 204: { description: "They are set." } },
});

export function topicConfigRoutes(api: ApiContext): Routes {
  const routes = newRoutes();
  routes.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    await api.replica.readToHead();
    const { cluster_id, topic_name } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const settings = settingsOf(api, topic).sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = pageOf(settings, query, {
      list: `configs ${topic.topicId}`,
      keyOf: (each) => each.name,
    });
    const origin = originOf(c);
    const self = `${topicUrl(origin, cluster_id, topic_name)}/configs`;
    return c.json(
      {
        kind: "KafkaTopicConfigList" as const,
        metadata: collectionLinks(self, page.nextToken, query.page_size),
        data: page.items.map((each) => configShape(topic, each, origin)),
      },
      200,
      { etag: etagOf(topic) },
    );
  });
  routes.openapi(getRoute, async (c) => {
    await api.replica.readToHead();
    const { cluster_id, topic_name, name } = c.req.valid("param");
    const topic = topicOf(api.replica.image, cluster_id, topic_name);
    const found = settingsOf(api, topic).find((each) => each.name === name);
    if (found === undefined) throw unknownSetting(name);
    return c.json(configShape(topic, found, originOf(c)), 200, { etag: etagOf(topic) });
  });
  addChanges(routes, api);
  addAlter(routes, api);
  return routes;
}

function addChanges(routes: Routes, api: ApiContext): void {
  routes.openapi(setRoute, async (c) => {
    const { cluster_id: clusterId, topic_name: topicName, name } = c.req.valid("param");
    const target = { clusterId, topicName, ifMatch: c.req.valid("header")["If-Match"] };
    const { value } = c.req.valid("json");
    assertChangeable(name);
    const changed = alter(target, { changes: [{ name, operation: "SET", value }] });
    const { revision } = await change(api, changed, () => ["value"]);
    return c.body(null, 204, { etag: etagOf({ revision }) });
  });
  routes.openapi(resetRoute, async (c) => {
    const { cluster_id: clusterId, topic_name: topicName, name } = c.req.valid("param");
    const target = { clusterId, topicName, ifMatch: c.req.valid("header")["If-Match"] };
    assertChangeable(name);
    const changed = alter(target, { changes: [{ name, operation: "DELETE", value: null }] });
    const { revision } = await change(api, changed);
    return c.body(null, 204, { etag: etagOf({ revision }) });
  });
}

function addAlter(routes: Routes, api: ApiContext): void {
  routes.openAPIRegistry.registerPath({
    method: "post",
    path: alterPath,
    tags,
    operationId: "updateKafkaTopicConfigBatch",
    summary: "Set and reset several settings at once",
    description: "All of them or none.",
    request: alterRoute.request,
    responses: {
      204: { description: "They are set.", headers: etagHeader },
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
  routes.openapi(alterRoute, async (c) => {
    const { cluster_id: clusterId, topic_name: topicName } = c.req.valid("param");
    const request = c.req.valid("json");
    const changes = request.data.map(({ name, value, operation }): ConfigChange => {
      // Confluent's clients leave the operation out when they set, and null stands for its absence.
      return { name, operation: operation ?? "SET", value: value ?? null };
    });
    const isValidateOnly = request.validate_only === true;
    const { headers } = await changeOnce(api, c, {
      request,
      command: alter({ clusterId, topicName }, { changes, isValidateOnly }),
      fieldPath: configPath("data", request.data),
      reply: ({ revision }) => ({
        status: 204,
        body: null,
        headers: { etag: etagOf({ revision }) },
      }),
    });
    return c.body(null, 204, headers);
  });
}

function alter(
  target: TopicTarget,
  { changes, isValidateOnly = false }: { changes: ConfigChange[]; isValidateOnly?: boolean },
): ReturnType<typeof onTopic<{ configs: Readonly<Record<string, string>> }>> {
  return onTopic(target, (image, topic) =>
    onlyOutcome(
      incrementalAlterConfigs(image, {
        clusterId: target.clusterId,
        resources: [{ resource: { kind: "topic", name: topic.name }, changes }],
        isValidateOnly,
      }),
    ),
  );
}

function settingsOf(api: ApiContext, topic: Topic): ResolvedSetting[] {
  return resolveTopicSettings(topicSettingLayers(api.replica.image, topic));
}

/** A name in the path, which the command's rejection would look for in the body. */
function assertChangeable(name: string): void {
  if (topicSettingByName.has(name) || removedTopicSettings.has(name)) return;
  const detail = `no topic setting is named ${name.slice(0, 100)}`;
  throw new Problem("refused", detail, {
    errors: [{ pointer: "#/name", in: "path", detail }],
    kafkaErrorCode: "INVALID_CONFIG",
    errorCode: 40002,
  });
}

function unknownSetting(name: string): Error {
  return notFound(`no topic setting is named ${name.slice(0, 100)}`, "INVALID_CONFIG", 404);
}

/** Confluent's names of Kafka's sources; they differ in one. */
const sources: Record<SettingSource, TopicConfig["source"]> = {
  TOPIC_CONFIG: "DYNAMIC_TOPIC_CONFIG",
  DYNAMIC_BROKER_CONFIG: "DYNAMIC_BROKER_CONFIG",
  DYNAMIC_DEFAULT_BROKER_CONFIG: "DYNAMIC_DEFAULT_BROKER_CONFIG",
  STATIC_BROKER_CONFIG: "STATIC_BROKER_CONFIG",
  DEFAULT_CONFIG: "DEFAULT_CONFIG",
};

function configShape(topic: Topic, setting: ResolvedSetting, origin: string): TopicConfig {
  const topicSelf = topicUrl(origin, topic.clusterId, topic.name);
  return {
    kind: "KafkaTopicConfig",
    metadata: {
      self: `${topicSelf}/configs/${encodeURIComponent(setting.name)}`,
      resource_name: resourceName([
        ["kafka", topic.clusterId],
        ["topic", topic.name],
        ["config", setting.name],
      ]),
    },
    cluster_id: topic.clusterId,
    topic_name: topic.name,
    name: setting.name,
    value: setting.value,
    is_default: setting.source === "DEFAULT_CONFIG",
    is_read_only: setting.isReadOnly,
    is_sensitive: setting.isSensitive,
    source: sources[setting.source],
    synonyms: setting.synonyms.map(({ name, value, source }) => ({
      name,
      value,
      source: sources[source],
    })),
  };
}
