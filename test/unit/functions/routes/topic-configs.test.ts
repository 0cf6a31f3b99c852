import { expect, test } from "vitest";
import type { TopicConfig, TopicConfigList } from "../../../../functions/api-types.ts";
import { topicSettingTable } from "../../../../metadata/settings/topic-setting-table.ts";
import { createApiFixture } from "../api-fixture.ts";
import type { ApiFixture } from "../api-fixture.ts";

async function withTopic(): Promise<{ path: string; id: string } & ApiFixture> {
  const fixture = await createApiFixture();
  const { id } = await fixture.cluster();
  await fixture.topic(id, "orders");
  return { ...fixture, id, path: `/kafka/v3/clusters/${id}/topics/orders/configs` };
}

test("all settings are listed by name with values, sources and synonyms", async () => {
  const { call, path, id } = await withTopic();
  const { body } = await call<TopicConfigList>(`GET ${path}`);
  expect(body.data.map((each) => each.name)).toEqual(
    topicSettingTable.map((each) => each.name).sort(),
  );
  const retention = body.data.find((each) => each.name === "retention.ms");
  expect(retention).toEqual({
    kind: "KafkaTopicConfig",
    metadata: {
      self: `http://localhost${path}/retention.ms`,
      resource_name: `crn:///kafka=${id}/topic=orders/config=retention.ms`,
    },
    cluster_id: id,
    topic_name: "orders",
    name: "retention.ms",
    value: "604800000",
    is_default: true,
    is_read_only: false,
    is_sensitive: false,
    source: "DEFAULT_CONFIG",
    synonyms: [{ name: "log.retention.ms", value: "604800000", source: "DEFAULT_CONFIG" }],
  });
});

test("a setting is set, read back with its source, and reset", async () => {
  const { call, path } = await withTopic();
  expect((await call(`PUT ${path}/retention.ms`, { value: "1000" })).status).toBe(204);
  const set = await call<TopicConfig>(`GET ${path}/retention.ms`);
  expect(set.body).toMatchObject({
    value: "1000",
    is_default: false,
    source: "DYNAMIC_TOPIC_CONFIG",
    synonyms: [
      { name: "retention.ms", value: "1000", source: "DYNAMIC_TOPIC_CONFIG" },
      { name: "log.retention.ms", value: "604800000", source: "DEFAULT_CONFIG" },
    ],
  });
  expect((await call(`DELETE ${path}/retention.ms`)).status).toBe(204);
  const reset = await call<TopicConfig>(`GET ${path}/retention.ms`);
  expect(reset.body).toMatchObject({ value: "604800000", is_default: true });
});

test("a cluster's default shows through, and is not called the topic's own", async () => {
  const { call, path, id } = await withTopic();
  await call(`PATCH /v1/clusters/${id}`, { defaults: { "retention.ms": "5" } });
  const { body } = await call<TopicConfig>(`GET ${path}/retention.ms`);
  expect(body).toMatchObject({
    value: "5",
    is_default: false,
    source: "DYNAMIC_DEFAULT_BROKER_CONFIG",
  });
});

test("configs:alter sets and resets several at once", async () => {
  const { call, path } = await withTopic();
  await call(`PUT ${path}/retention.bytes`, { value: "7" });
  const altered = await call(`POST ${path}:alter`, {
    data: [
      { name: "retention.ms", value: "1000" },
      { name: "max.message.bytes", value: "2000", operation: "SET" },
      { name: "retention.bytes", operation: "DELETE" },
    ],
  });
  expect(altered.status).toBe(204);
  const values = new Map(
    (await call<TopicConfigList>(`GET ${path}`)).body.data.map((each) => [each.name, each]),
  );
  expect(values.get("retention.ms")?.value).toBe("1000");
  expect(values.get("max.message.bytes")?.value).toBe("2000");
  expect(values.get("retention.bytes")?.is_default).toBe(true);
});

test("configs:alter changes all or nothing, and names what is wrong by its place", async () => {
  const { call, refused, path } = await withTopic();
  const answer = await refused(`POST ${path}:alter`, {
    data: [
      { name: "retention.ms", value: "1000" },
      { name: "max.message.bytes", value: "lots" },
    ],
  });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    kafka_error_code: "INVALID_CONFIG",
    error_code: 40002,
    errors: [{ pointer: "#/data/1/value", in: "body" }],
  });
  const { body } = await call<TopicConfig>(`GET ${path}/retention.ms`);
  expect(body.is_default).toBe(true);
});

test("configs:alter with validate_only changes nothing", async () => {
  const { call, path } = await withTopic();
  const data = [{ name: "retention.ms", value: "1000" }];
  expect((await call(`POST ${path}:alter`, { data, validate_only: true })).status).toBe(204);
  expect((await call<TopicConfig>(`GET ${path}/retention.ms`)).body.is_default).toBe(true);
});

test.each([
  [{ data: [] }, 422, "#/data"],
  [{ data: [{ value: "1" }] }, 422, "#/data/0/name"],
  [{ data: [{ name: "retention.ms", operation: "APPEND" }] }, 422, "#/data/0/operation"],
  [{ data: [{ name: "retention.ms" }], force: true }, 422, "#/force"],
  [{ data: [{ name: "retention.ms" }] }, 400, "#/data/0/value"],
  [{ data: [{ name: "no.such", value: "1" }] }, 400, "#/data/0/name"],
  [
    {
      data: [
        { name: "retention.ms", value: "1" },
        { name: "retention.ms", operation: "DELETE" },
      ],
    },
    400,
    "#/data/1/value",
  ],
])("configs:alter with %j is refused with %i, naming %s", async (body, status, pointer) => {
  const { refused, path } = await withTopic();
  const answer = await refused(`POST ${path}:alter`, body);
  expect(answer.status).toBe(status);
  expect(answer.body.errors?.[0]).toMatchObject({ pointer });
});

test.each([
  [{ value: "soon" }, 400],
  [{ value: null }, 400],
  [{}, 422],
  [{ value: 1000 }, 422],
])("setting retention.ms with %j is refused with %i, naming the value", async (body, status) => {
  const { refused, path } = await withTopic();
  const answer = await refused(`PUT ${path}/retention.ms`, body);
  expect(answer.status).toBe(status);
  expect(answer.body.errors).toMatchObject([{ pointer: "#/value", in: "body" }]);
});

test("a setting nobody knows is not found to read, and refused to change", async () => {
  const { refused, path } = await withTopic();
  expect((await refused(`GET ${path}/no.such`)).status).toBe(404);
  for (const answer of [
    await refused(`PUT ${path}/no.such`, { value: "1" }),
    await refused(`DELETE ${path}/no.such`),
  ]) {
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ pointer: "#/name", in: "path" }]);
  }
});

test("only the verb alter follows the colon", async () => {
  const { refused, path } = await withTopic();
  const body = { data: [{ name: "retention.ms", value: "1" }] };
  expect((await refused(`POST ${path}:alters`, body)).status).toBe(404);
  expect((await refused(`POST ${path}xalter`, body)).status).toBe(404);
  const wrongMethod = await refused(`GET ${path}:alter`);
  expect(wrongMethod.status).toBe(405);
  expect(wrongMethod.headers.get("allow")).toBe("POST");
});

test("two who read the same ETag cannot both change the settings", async () => {
  const { call, refused, path } = await withTopic();
  const etag = (await call(`GET ${path}`)).headers.get("etag") ?? "";
  const first = await call(`PUT ${path}/retention.ms`, { value: "1" }, { "If-Match": etag });
  expect(first.status).toBe(204);
  const second = await refused(`PUT ${path}/retention.ms`, { value: "2" }, { "If-Match": etag });
  expect(second.status).toBe(412);
  const third = await refused(`DELETE ${path}/retention.ms`, undefined, { "If-Match": etag });
  expect(third.status).toBe(412);
  const fresh = first.headers.get("etag") ?? "";
  const fourth = await call(`DELETE ${path}/retention.ms`, undefined, { "If-Match": fresh });
  expect(fourth.status).toBe(204);
});

test("setting what is set already changes nothing, not even the ETag", async () => {
  const { call, path } = await withTopic();
  const first = await call(`PUT ${path}/retention.ms`, { value: "1" });
  const again = await call(`PUT ${path}/retention.ms`, { value: "1" });
  expect(again.headers.get("etag")).toBe(first.headers.get("etag"));
});
