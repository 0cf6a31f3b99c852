import { expect, test } from "vitest";
import type { Topic, TopicList } from "../../../../functions/api-types.ts";
import { createApiFixture } from "../api-fixture.ts";

test("a created topic answers in Confluent's shape", async () => {
  const { call, cluster, registerBroker } = await createApiFixture();
  await registerBroker();
  const { id } = await cluster();
  const created = await call<Topic>(`POST /kafka/v3/clusters/${id}/topics`, {
    topic_name: "orders",
    partitions_count: 6,
    replication_factor: 1,
    configs: [{ name: "retention.ms", value: "604800000" }],
  });
  expect(created.status).toBe(201);
  const self = `http://localhost/kafka/v3/clusters/${id}/topics/orders`;
  expect(created.body).toEqual({
    kind: "KafkaTopic",
    metadata: { self, resource_name: `crn:///kafka=${id}/topic=orders` },
    cluster_id: id,
    topic_name: "orders",
    topic_id: expect.stringMatching(/^[\w-]{22}$/),
    is_internal: false,
    replication_factor: 1,
    partitions_count: 6,
    partitions: { related: `${self}/partitions` },
    configs: { related: `${self}/configs` },
    partition_reassignments: { related: `${self}/partitions/-/reassignment` },
    authorized_operations: [],
  });
  expect(created.headers.get("location")).toBe(self);
  const read = await call<Topic>(`GET /kafka/v3/clusters/${id}/topics/orders`);
  expect(read.body).toEqual(created.body);
  expect(read.headers.get("etag")).toBe(created.headers.get("etag"));
});

test("a topic needs only its name: the cluster decides the rest", async () => {
  const { call, cluster } = await createApiFixture();
  const { id } = await cluster();
  const { status, body } = await call<Topic>(`POST /kafka/v3/clusters/${id}/topics`, {
    topic_name: "orders",
  });
  expect(status).toBe(201);
  expect(body.partitions_count).toBe(1);
});

test("validate_only says what would be and creates nothing", async () => {
  const { call, refused, cluster } = await createApiFixture();
  const { id } = await cluster();
  const path = `/kafka/v3/clusters/${id}/topics`;
  const tried = await call<Topic>(`POST ${path}`, { topic_name: "t", validate_only: true });
  expect(tried).toMatchObject({ status: 200, body: { topic_name: "t", partitions_count: 1 } });
  expect((await refused(`GET ${path}/t`)).status).toBe(404);
  const wrong = { topic_name: "t", partitions_count: 0, validate_only: true };
  expect((await refused(`POST ${path}`, wrong)).status).toBe(400);
});

test("topics are listed by name, and next leads through all of them", async () => {
  const { call, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  for (const name of ["e", "b", "d", "a", "c"]) await topic(id, name);
  const names: string[] = [];
  let next: string | null = `http://localhost/kafka/v3/clusters/${id}/topics?page_size=2`;
  let pages = 0;
  while (next !== null) {
    const { pathname, search } = new URL(next);
    const page: { body: TopicList } = await call<TopicList>(`GET ${pathname}${search}`);
    expect(page.body.kind).toBe("KafkaTopicList");
    names.push(...page.body.data.map((each) => each.topic_name));
    next = page.body.metadata.next;
    pages++;
  }
  expect(names).toEqual(["a", "b", "c", "d", "e"]);
  expect(pages).toBe(3);
});

test("topics that come and go between two pages move nothing", async () => {
  const { call, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  for (const name of ["b", "d", "f"]) await topic(id, name);
  const path = `/kafka/v3/clusters/${id}/topics`;
  const first = await call<TopicList>(`GET ${path}?page_size=2`);
  await call(`DELETE ${path}/d`);
  await topic(id, "a");
  await topic(id, "e");
  const { search } = new URL(first.body.metadata.next ?? "");
  const second = await call<TopicList>(`GET ${path}${search}`);
  expect(second.body.data.map((each) => each.topic_name)).toEqual(["e", "f"]);
});

test("a page token of another list is refused", async () => {
  const { call, refused, cluster, topic } = await createApiFixture();
  const one = await cluster("one");
  const other = await cluster("other");
  for (const name of ["a", "b"]) await topic(one.id, name);
  const page = await call<TopicList>(`GET /kafka/v3/clusters/${one.id}/topics?page_size=1`);
  const { search } = new URL(page.body.metadata.next ?? "");
  for (const query of [search, "?page_token=x", "?page_token=W10"]) {
    const answer = await refused(`GET /kafka/v3/clusters/${other.id}/topics${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ pointer: "#/page_token", in: "query" }]);
  }
});

test.each(["0", "1001", "-1", "1.5", "x", ""])("page_size %j is refused", async (size) => {
  const { refused, cluster } = await createApiFixture();
  const { id } = await cluster();
  const answer = await refused(`GET /kafka/v3/clusters/${id}/topics?page_size=${size}`);
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toMatchObject([{ pointer: "#/page_size", in: "query" }]);
});

const refusedTopics: [body: unknown, status: number, pointer: string, detail: string][] = [
  [{}, 422, "#/topic_name", "topic_name is missing; it must be a string"],
  [{ topic_name: null }, 422, "#/topic_name", "topic_name is null; it must be a string"],
  [{ topic_name: "t", partitions: 3 }, 422, "#/partitions", "not a field"],
  [{ topic_name: "t", partitions_count: "3" }, 422, "#/partitions_count", 'is "3"; it must be'],
  [{ topic_name: "t", partitions_count: 1.5 }, 422, "#/partitions_count", "1.5"],
  [{ topic_name: "t", configs: [{ value: "1" }] }, 422, "#/configs/0/name", "configs[0].name"],
  [
    {
      topic_name: "t",
      configs: [
        { name: "retention.ms", value: "1" },
        { name: "retention.ms", value: "2" },
      ],
    },
    422,
    "#/configs/1/name",
    "twice",
  ],
  [{ topic_name: "" }, 400, "#/topic_name", "empty"],
  [{ topic_name: "a/b" }, 400, "#/topic_name", "ASCII"],
  [{ topic_name: "__consumer_offsets" }, 400, "#/topic_name", "cell"],
  [{ topic_name: "x".repeat(250) }, 400, "#/topic_name", "the limit is 249"],
  [{ topic_name: "t", partitions_count: 0 }, 400, "#/partitions_count", "at least 1"],
  [
    { topic_name: "t", partitions_count: 20000 },
    400,
    "#/partitions_count",
    "partitions_count is 20000; the limit for a topic is 10000",
  ],
  [{ topic_name: "t", replication_factor: 9 }, 400, "#/replication_factor", "is 9; the cell has"],
  [
    {
      topic_name: "t",
      configs: [
        { name: "cleanup.policy", value: "delete" },
        { name: "retention.ms", value: "soon" },
      ],
    },
    400,
    "#/configs/1/value",
    "retention.ms",
  ],
  [
    { topic_name: "t", configs: [{ name: "no.such", value: "1" }] },
    400,
    "#/configs/0/name",
    "no.such",
  ],
  [
    { topic_name: "t", replicas_assignments: [{ partition_id: 0, broker_ids: [77] }] },
    400,
    "#/replicas_assignments",
    "77",
  ],
];

test.each(refusedTopics)(
  "creating a topic with %j is refused with %i, naming %s",
  async (body, status, pointer, detail) => {
    const { refused, cluster, registerBroker } = await createApiFixture();
    await registerBroker();
    const { id } = await cluster();
    const answer = await refused(`POST /kafka/v3/clusters/${id}/topics`, body);
    expect(answer.status).toBe(status);
    const wrong = answer.body.errors?.[0];
    expect(wrong).toMatchObject({ pointer, in: "body" });
    expect(wrong?.detail).toContain(detail);
    expect(answer.body.message).toBe(answer.body.detail);
    expect(answer.body.error_code).toBe(status === 422 ? 422 : 40002);
  },
);

test("a name that is taken answers as Confluent does: 400 and 40002", async () => {
  const { refused, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  await topic(id, "orders");
  const answer = await refused(`POST /kafka/v3/clusters/${id}/topics`, { topic_name: "orders" });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    error_code: 40002,
    message: "topic orders already exists",
    kafka_error_code: "TOPIC_ALREADY_EXISTS",
  });
});

test("two clusters have topics of the same name and do not see each other's", async () => {
  const { call, cluster, topic } = await createApiFixture();
  const one = await cluster("one");
  const other = await cluster("other");
  await topic(one.id, "orders", 3);
  await topic(other.id, "orders", 5);
  const read = await call<Topic>(`GET /kafka/v3/clusters/${one.id}/topics/orders`);
  expect(read.body.partitions_count).toBe(3);
});

test("a topic grows, never shrinks, and only if its ETag still holds", async () => {
  const { call, refused, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  await topic(id, "orders", 2);
  const path = `/kafka/v3/clusters/${id}/topics/orders`;
  const etag = (await call(`GET ${path}`)).headers.get("etag") ?? "";
  const grown = await call<Topic>(`PATCH ${path}`, { partitions_count: 4 }, { "If-Match": etag });
  expect(grown).toMatchObject({ status: 200, body: { partitions_count: 4 } });
  expect((await call(`GET ${path}`)).headers.get("etag")).toBe(grown.headers.get("etag"));
  const late = await refused(`PATCH ${path}`, { partitions_count: 8 }, { "If-Match": etag });
  expect(late).toMatchObject({ status: 412, body: { error_code: 412 } });
  const shrunk = await refused(`PATCH ${path}`, { partitions_count: 3 });
  expect(shrunk.status).toBe(400);
  expect(shrunk.body).toMatchObject({
    kafka_error_code: "INVALID_PARTITIONS",
    errors: [{ pointer: "#/partitions_count" }],
  });
  const empty = await refused(`PATCH ${path}`, {});
  expect(empty).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: "#/partitions_count" }] },
  });
});

test("a deleted topic is gone, and may be created anew with another id", async () => {
  const { call, refused, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  const first = await topic(id, "orders");
  const path = `/kafka/v3/clusters/${id}/topics/orders`;
  expect((await call(`DELETE ${path}`)).status).toBe(204);
  expect((await refused(`DELETE ${path}`)).body).toMatchObject({ status: 404, error_code: 40403 });
  const second = await topic(id, "orders");
  expect(second.topic_id).not.toBe(first.topic_id);
});

test("unknown clusters and topics are told apart", async () => {
  const { refused, cluster } = await createApiFixture();
  const { id } = await cluster();
  expect((await refused("GET /kafka/v3/clusters/nope/topics")).body).toMatchObject({
    kafka_error_code: "CLUSTER_NOT_FOUND",
    error_code: 404,
  });
  const create = await refused("POST /kafka/v3/clusters/nope/topics", { topic_name: "t" });
  expect(create).toMatchObject({ status: 404, body: { kafka_error_code: "CLUSTER_NOT_FOUND" } });
  const patch = await refused("PATCH /kafka/v3/clusters/nope/topics/t", { partitions_count: 2 });
  expect(patch).toMatchObject({ status: 404, body: { kafka_error_code: "CLUSTER_NOT_FOUND" } });
  expect((await refused(`GET /kafka/v3/clusters/${id}/topics/nope`)).body).toMatchObject({
    kafka_error_code: "UNKNOWN_TOPIC_OR_PARTITION",
    error_code: 40403,
  });
});

test("the cell's own topics are out of a tenant's reach", async () => {
  const { refused } = await createApiFixture();
  for (const request of ["GET /kafka/v3/clusters/_system/topics", "GET /v1/clusters/_system"]) {
    expect((await refused(request)).status).toBe(404);
  }
  const answer = await refused("POST /kafka/v3/clusters/_system/topics", { topic_name: "t" });
  expect(answer.status).toBe(404);
});
