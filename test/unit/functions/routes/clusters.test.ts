import { expect, test } from "vitest";
import type { Cluster, ClusterList } from "../../../../functions/api-types.ts";
import { createApiFixture } from "../api-fixture.ts";

test("a created cluster answers with its address, its ETag and where it is", async () => {
  const { call } = await createApiFixture();
  const created = await call<Cluster>("POST /v1/clusters", {
    name: "shop",
    description: "The shop",
    defaults: { "retention.ms": "604800000" },
  });
  expect(created.status).toBe(201);
  expect(created.body).toEqual({
    id: expect.stringMatching(/^[\w-]{22}$/),
    name: "shop",
    description: "The shop",
    state: "ready",
    defaults: { "log.retention.ms": "604800000" },
    bootstrap_servers: "127.0.0.1:9092",
    http_endpoint: "http://localhost",
    created_at: "2026-11-21T09:00:00.000Z",
  });
  expect(created.headers.get("location")).toBe(`/v1/clusters/${created.body.id}`);
  const read = await call<Cluster>(`GET /v1/clusters/${created.body.id}`);
  expect(read.body).toEqual(created.body);
  expect(read.headers.get("etag")).toBe(created.headers.get("etag"));
});

test("each cluster has ports of its own on every broker", async () => {
  const { call, cluster, registerBroker } = await createApiFixture();
  await cluster("first");
  const second = await cluster("second");
  expect(second.bootstrap_servers).toBe("127.0.0.1:9192");
  await registerBroker({ host: "10.0.0.1", port: 9092 });
  await registerBroker({ host: "fd00::2", port: 9093 });
  const { body } = await call<Cluster>(`GET /v1/clusters/${second.id}`);
  expect(body.bootstrap_servers).toBe("10.0.0.1:9192,[fd00::2]:9193");
});

test("where one process serves both, the broker's own address is told as soon as it listens", async () => {
  let address: { host: string; port: number } | null = null;
  const { call, cluster, registerBroker } = await createApiFixture({
    config: {
      version: "1",
      kafka: { host: "b", port: 9092 },
      httpEndpoint: null,
      addressOf: () => address,
    },
  });
  await registerBroker({ host: "b", port: 0 });
  const { id } = await cluster();
  address = { host: "127.0.0.1", port: 40_123 };
  const { body } = await call<Cluster>(`GET /v1/clusters/${id}`);
  expect(body.bootstrap_servers).toBe("127.0.0.1:40123");
});

test("the configured HTTP endpoint is told instead of the address a request came to", async () => {
  const { cluster } = await createApiFixture({
    config: {
      version: "1",
      kafka: { host: "b", port: 9092 },
      httpEndpoint: () => "https://brokers.example",
    },
  });
  expect((await cluster()).http_endpoint).toBe("https://brokers.example");
});

test("clusters are listed by name, page by page, and found by name", async () => {
  const { call, cluster } = await createApiFixture();
  for (const name of ["c", "a", "b"]) await cluster(name);
  const first = await call<ClusterList>("GET /v1/clusters?page_size=2");
  expect(first.body.data.map((each) => each.name)).toEqual(["a", "b"]);
  const token = first.body.next_page_token;
  const second = await call<ClusterList>(`GET /v1/clusters?page_size=2&page_token=${token}`);
  expect(second.body.data.map((each) => each.name)).toEqual(["c"]);
  expect(second.body.next_page_token).toBeNull();
  const named = await call<ClusterList>("GET /v1/clusters?name=b");
  expect(named.body.data.map((each) => each.name)).toEqual(["b"]);
  expect((await call<ClusterList>("GET /v1/clusters?name=z")).body.data).toEqual([]);
});

test.each([
  [{}, 422, "#/name", "name is missing; it must be a string"],
  [{ name: 5 }, 422, "#/name", "name is 5; it must be a string"],
  [{ name: "x", nmae: 1 }, 422, "#/nmae", "nmae is not a field of this request"],
  [{ name: "x", description: [] }, 422, "#/description", "description is an array"],
  [{ name: "x", defaults: { a: 1 } }, 422, "#/defaults/a", "defaults.a is 1; it must be a string"],
  [[], 422, "#", "the body is an array; it must be an object"],
  ["{", 400, "#", "the body is not JSON"],
  [{ name: "" }, 400, "#/name", "1 to 63"],
  [{ name: "a b" }, 400, "#/name", "letters, digits"],
  [{ name: "x".repeat(64) }, 400, "#/name", "64 characters"],
  [{ name: "x", description: "y".repeat(1001) }, 400, "#/description", "the limit is 1000"],
  [{ name: "x", defaults: { nope: "1" } }, 400, "#/defaults/nope", "nope"],
  [
    { name: "x", defaults: { "retention.ms": "soon" } },
    400,
    "#/defaults/retention.ms",
    "Not a number",
  ],
])(
  "creating a cluster with %j is refused with %i, naming %s",
  async (body, status, pointer, detail) => {
    const { refused } = await createApiFixture();
    const answer = await refused("POST /v1/clusters", body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    const wrong = answer.body.errors?.[0];
    expect(wrong).toMatchObject({ pointer, in: "body" });
    expect(wrong?.detail).toContain(detail);
  },
);

test("a default named __proto__ is refused like any other that is no setting", async () => {
  const { refused, cluster } = await createApiFixture();
  const { id } = await cluster();
  const defaults = '"defaults":{"__proto__":"1"}';
  for (const answer of [
    await refused("POST /v1/clusters", `{"name":"x",${defaults}}`),
    await refused(`PATCH /v1/clusters/${id}`, `{${defaults}}`),
  ]) {
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toMatchObject([{ pointer: "#/defaults/__proto__", in: "body" }]);
  }
});

test("a change to what it is already leaves a cluster's ETag", async () => {
  const { call, cluster } = await createApiFixture();
  const { id } = await cluster("shop");
  const before = (await call(`GET /v1/clusters/${id}`)).headers.get("etag");
  for (const same of [{}, { name: "shop" }, { defaults: {} }]) {
    expect((await call(`PATCH /v1/clusters/${id}`, same)).headers.get("etag")).toBe(before);
  }
});

test("a name that is taken is a conflict", async () => {
  const { refused, cluster } = await createApiFixture();
  await cluster("shop");
  const answer = await refused("POST /v1/clusters", { name: "shop" });
  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({
    kafka_error_code: "CLUSTER_ALREADY_EXISTS",
    errors: [{ pointer: "#/name" }],
  });
  expect(answer.body).not.toHaveProperty("error_code");
});

test("a cluster is changed field by field, and only if its ETag still holds", async () => {
  const { call, refused, cluster } = await createApiFixture();
  const { id } = await cluster("shop");
  const before = (await call(`GET /v1/clusters/${id}`)).headers.get("etag") ?? "";
  const renamed = await call<Cluster>(
    `PATCH /v1/clusters/${id}`,
    { name: "store" },
    { "If-Match": before },
  );
  expect(renamed.status).toBe(200);
  expect(renamed.body).toMatchObject({ name: "store", description: "" });
  expect(renamed.headers.get("etag")).not.toBe(before);
  const late = await refused(`PATCH /v1/clusters/${id}`, { name: "x" }, { "If-Match": before });
  expect(late.status).toBe(412);
  expect(late.body.errors).toMatchObject([{ pointer: "#/If-Match", in: "header" }]);
  const any = await call(`PATCH /v1/clusters/${id}`, { description: "y" }, { "If-Match": "*" });
  expect(any.status).toBe(200);
});

test("a cluster that has topics is deleted only by force, and then with them", async () => {
  const { call, refused, cluster, topic } = await createApiFixture();
  const { id } = await cluster("shop");
  await topic(id, "orders");
  const kept = await refused(`DELETE /v1/clusters/${id}`);
  expect(kept).toMatchObject({ status: 409, body: { kafka_error_code: "CLUSTER_NOT_EMPTY" } });
  expect((await call(`DELETE /v1/clusters/${id}?force=true`)).status).toBe(204);
  expect((await refused(`GET /v1/clusters/${id}`)).status).toBe(404);
  expect((await refused(`GET /kafka/v3/clusters/${id}/topics/orders`)).status).toBe(404);
});

test("what does not exist is not found, whatever is asked of it", async () => {
  const { refused } = await createApiFixture();
  for (const request of ["GET", "PATCH", "DELETE"]) {
    const answer = await refused(
      `${request} /v1/clusters/nope`,
      request === "PATCH" ? {} : undefined,
    );
    expect(answer).toMatchObject({ status: 404, body: { kafka_error_code: "CLUSTER_NOT_FOUND" } });
  }
});

test("a delete with a stale ETag deletes nothing", async () => {
  const { call, refused, cluster } = await createApiFixture();
  const { id } = await cluster("shop");
  const answer = await refused(`DELETE /v1/clusters/${id}`, undefined, { "If-Match": '"999"' });
  expect(answer.status).toBe(412);
  expect((await call(`GET /v1/clusters/${id}`)).status).toBe(200);
});

test("force that is neither true nor false is refused by name", async () => {
  const { refused, cluster } = await createApiFixture();
  const { id } = await cluster("shop");
  const answer = await refused(`DELETE /v1/clusters/${id}?force=yes`);
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toMatchObject([{ pointer: "#/force", in: "query" }]);
});
