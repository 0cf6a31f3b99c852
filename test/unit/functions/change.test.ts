import { expect, test } from "vitest";
import type { Cluster, Topic, TopicConfig } from "../../../functions/api-types.ts";
import { limits } from "../../../metadata/limits.ts";
import { createApiFixture } from "./api-fixture.ts";

const key = { "Idempotency-Key": "5d1f6c1e-2b0e-4c55-9a56-5d2f7f0a8a3b" };

test("the same key and request bring the first reply again and change nothing", async () => {
  const { call, replica } = await createApiFixture();
  const first = await call<Cluster>("POST /v1/clusters", { name: "shop", description: "a" }, key);
  const { revision } = replica.image;
  // A client that builds its body anew may order it otherwise.
  const again = await call<Cluster>("POST /v1/clusters", { description: "a", name: "shop" }, key);
  expect(first.headers.has("idempotency-replayed")).toBe(false);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(again.status).toBe(201);
  expect(again.body).toEqual(first.body);
  for (const header of ["etag", "location"]) {
    expect(again.headers.get(header)).toBe(first.headers.get(header));
  }
  expect(replica.image.revision).toBe(revision);
});

test("the first reply comes again even after what it made has changed or is gone", async () => {
  const { call, cluster } = await createApiFixture();
  const { id } = await cluster();
  const path = `/kafka/v3/clusters/${id}/topics`;
  const first = await call<Topic>(`POST ${path}`, { topic_name: "orders" }, key);
  await call(`DELETE ${path}/orders`);
  const again = await call<Topic>(`POST ${path}`, { topic_name: "orders" }, key);
  expect(again).toMatchObject({ status: 201, body: first.body });
  expect((await call(`GET ${path}/orders`)).status).toBe(404);
});

test("the same key with another body or another path is refused", async () => {
  const { call, refused, cluster } = await createApiFixture();
  const { id } = await cluster("other");
  await call("POST /v1/clusters", { name: "shop" }, key);
  for (const [request, body] of [
    ["POST /v1/clusters", { name: "store" }],
    [`POST /kafka/v3/clusters/${id}/topics`, { topic_name: "t" }],
  ] as const) {
    const answer = await refused(request, body, key);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      type: "/docs/problems/idempotency-key-reused",
      errors: [{ pointer: "#/Idempotency-Key", in: "header" }],
    });
  }
});

test("a refused request leaves its key free for the corrected one", async () => {
  const { call, refused } = await createApiFixture();
  expect((await refused("POST /v1/clusters", { name: "a b" }, key)).status).toBe(400);
  expect((await call("POST /v1/clusters", { name: "ab" }, key)).status).toBe(201);
});

test("configs:alter is made once per key", async () => {
  const { call, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  await topic(id, "orders");
  const path = `/kafka/v3/clusters/${id}/topics/orders/configs`;
  const body = { data: [{ name: "retention.ms", value: "1" }] };
  const first = await call(`POST ${path}:alter`, body, key);
  expect(first.status).toBe(204);
  await call(`PUT ${path}/retention.ms`, { value: "2" });
  const again = await call(`POST ${path}:alter`, body, key);
  expect(again.status).toBe(204);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect((await call<TopicConfig>(`GET ${path}/retention.ms`)).body.value).toBe("2");
});

test("two requests with one key at the same time make one change", async () => {
  const { call } = await createApiFixture();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => call<Cluster>("POST /v1/clusters", { name: "shop" }, key)),
  );
  expect(new Set(answers.map((each) => each.body.id)).size).toBe(1);
  expect(answers.every((each) => each.status === 201)).toBe(true);
  expect(answers.filter((each) => each.headers.has("idempotency-replayed"))).toHaveLength(4);
});

test("a key is forgotten after a day", async () => {
  const { call, refused, clock } = await createApiFixture();
  await call("POST /v1/clusters", { name: "shop" }, key);
  await clock.advance(limits.idempotencyRetentionMs + 1);
  expect((await refused("POST /v1/clusters", { name: "shop" }, key)).status).toBe(409);
});

test.each(["a b", "x".repeat(256), "é"])("the key %j is refused by name", async (bad) => {
  const { refused } = await createApiFixture();
  const answer = await refused("POST /v1/clusters", { name: "x" }, { "Idempotency-Key": bad });
  expect(answer.status).toBe(400);
  expect(answer.body.errors).toMatchObject([{ pointer: "#/Idempotency-Key", in: "header" }]);
});
