import { OpenAPIHono } from "@hono/zod-openapi";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { MetadataDecodeError } from "../../../metadata/records/field-types.ts";
import { MetadataLogError } from "../../../ports/metadata-log.ts";
import type { Log } from "../../../functions/api-context.ts";
import type { Cluster, ClusterList, ProblemDetails } from "../../../functions/api-types.ts";
import { maxBodyBytes } from "../../../functions/request-gate.ts";
import { createApiFixture } from "./api-fixture.ts";

type Line = { level: string; message: string; fields: Record<string, unknown> };

function capturedLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void lines.push({ level, message, fields });
  return {
    lines,
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
  };
}

test("a problem says what RFC 9457 asks for, and where the kind is explained", async () => {
  const { refused, call } = await createApiFixture();
  const answer = await refused("GET /v1/clusters/nope");
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.body).toEqual({
    type: "/docs/problems/not-found",
    title: "There is nothing here",
    status: 404,
    detail: "no cluster has the id nope",
    instance: "/v1/clusters/nope",
    request_id: answer.headers.get("x-request-id"),
    kafka_error_code: "CLUSTER_NOT_FOUND",
  });
  const page = await call(`GET ${answer.body.type}`);
  expect(page.status).toBe(200);
  expect(page.body).toContain("There is nothing here");
});

test("a request id is echoed if it is fit for a header and a log line, else made", async () => {
  const { call } = await createApiFixture();
  const echoed = await call("GET /healthz", undefined, { "X-Request-Id": "abc-123" });
  expect(echoed.headers.get("x-request-id")).toBe("abc-123");
  for (const unfit of ["a b", "x".repeat(129), ""]) {
    const made = await call("GET /healthz", undefined, { "X-Request-Id": unfit });
    expect(made.headers.get("x-request-id")).toMatch(/^[\w-]{16}$/);
  }
});

test("every request is logged with its id, also refused ones", async () => {
  const { lines, log } = capturedLog();
  const { call } = await createApiFixture({ log });
  await call("GET /nope", undefined, { "X-Request-Id": "r1" });
  expect(lines).toMatchObject([
    { level: "debug", fields: { requestId: "r1", method: "GET", path: "/nope", status: 404 } },
  ]);
});

test("a path nobody serves is 404, also below known ones", async () => {
  const { refused } = await createApiFixture();
  for (const path of ["/", "/v2/clusters", "/v1/clusters/x/y", "/kafka/v3", "/docs/nope.js"]) {
    const answer = await refused(`GET ${path}`);
    expect(answer.status).toBe(404);
    expect(answer.body.instance).toBe(path);
  }
});

test("what a path names is no field of the body", async () => {
  const { refused, cluster } = await createApiFixture();
  const { id } = await cluster();
  const data = [{ name: "retention.ms", value: "1" }];
  const answer = await refused(`POST /kafka/v3/clusters/${id}/topics/nope/configs:alter`, { data });
  expect(answer.status).toBe(404);
  expect(answer.body).not.toHaveProperty("errors");
});

test("a problem's instance is a URI, whatever was asked for", async () => {
  const { refused } = await createApiFixture();
  const answer = await refused("GET /v1/clusters/%C3%BC%22");
  expect(answer.body.instance).toBe("/v1/clusters/%C3%BC%22");
});

test("a number in the query is judged by its value", async () => {
  const { refused } = await createApiFixture();
  const answer = await refused("GET /v1/clusters?page_size=1001");
  expect(answer.body.detail).toBe('page_size is "1001"; the limit is 1000');
});

test("a method that is not served names those that are", async () => {
  const { refused } = await createApiFixture();
  const answer = await refused("PUT /v1/clusters", {});
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET, POST, HEAD");
  expect(answer.body.detail).toContain("GET, POST");
  const options = await refused("OPTIONS /kafka/v3/clusters/x/topics/t");
  expect(options.status).toBe(405);
  expect(options.headers.get("allow")).toBe("GET, PATCH, DELETE, HEAD");
});

test("a body that is not JSON, or says it is not, is refused before it is looked at", async () => {
  const { refused } = await createApiFixture();
  const broken = await refused("POST /v1/clusters", '{"name":');
  expect(broken).toMatchObject({ status: 400, body: { errors: [{ pointer: "#", in: "body" }] } });
  for (const type of ["text/plain", "application/xml", "multipart/form-data; boundary=x"]) {
    const answer = await refused("POST /v1/clusters", '{"name":"x"}', { "content-type": type });
    expect(answer.status).toBe(415);
  }
  const empty = await refused("POST /v1/clusters");
  expect(empty).toMatchObject({ status: 422, body: { errors: [{ pointer: "#/name" }] } });
});

test("a body over the limit is refused, whether its length is told or not", async () => {
  const { app, refused } = await createApiFixture();
  const body = JSON.stringify({ name: "x".repeat(maxBodyBytes) });
  const told = await refused("POST /v1/clusters", body, { "content-length": String(body.length) });
  expect(told.status).toBe(413);
  expect(told.body.detail).toContain(String(maxBodyBytes));
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(32));
    },
  });
  const response = await app.request("/v1/clusters", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: endless,
    duplex: "half",
  });
  expect(response.status).toBe(413);
  expect(sent).toBeLessThan(2 * maxBodyBytes);
});

test("a metadata log that does not answer is 503 with a time to come back", async () => {
  const { lines, log } = capturedLog();
  const { call, refused, store } = await createApiFixture({ log });
  for (const path of ["/readyz", "/v1/clusters", "/v1/cell", "/kafka/v3/clusters"]) {
    store.failNext("read", { takesEffect: false });
    const answer = await refused(`GET ${path}`, undefined, { "X-Request-Id": path });
    expect(answer).toMatchObject({ status: 503, body: { kafka_error_code: "REQUEST_TIMED_OUT" } });
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(lines.findLast((each) => each.level === "warn")?.fields["requestId"]).toBe(path);
    expect((await call(`GET ${path}`)).status).toBe(200);
  }
  store.failNext("read", { takesEffect: false });
  expect((await refused("POST /v1/clusters", { name: "x" })).status).toBe(503);
  expect((await call("GET /healthz")).status).toBe(200);
});

test("an append that failed but took effect is made once, and answered as made", async () => {
  const { call, store } = await createApiFixture();
  store.failNext("append", { takesEffect: true });
  const created = await call<Cluster>("POST /v1/clusters", { name: "shop" });
  expect(created.status).toBe(201);
  const { body } = await call<ClusterList>("GET /v1/clusters");
  expect(body.data).toEqual([created.body]);
});

test("a replica that is closed is 503", async () => {
  const { refused, replica } = await createApiFixture();
  await replica.close();
  expect((await refused("GET /v1/clusters")).status).toBe(503);
  expect((await refused("POST /v1/clusters", { name: "x" })).status).toBe(503);
});

test("a process that has stopped for good asks for more patience", async () => {
  const { replica } = await createApiFixture();
  const cause = new MetadataDecodeError("unknown", "record 99");
  const stopped = () =>
    Promise.reject(new MetadataLogError("unavailable", "this process has stopped", { cause }));
  const { refused } = await createApiFixture({
    replica: { image: replica.image, readToHead: stopped, submit: stopped },
  });
  const answer = await refused("GET /v1/clusters");
  expect(answer.headers.get("retry-after")).toBe("30");
  expect(answer.body.kafka_error_code).toBe("UNSUPPORTED_VERSION");
});

test("a bug is 500, tells the caller nothing of the inside, and the log everything", async () => {
  const { lines, log } = capturedLog();
  const { replica } = await createApiFixture();
  const { refused } = await createApiFixture({
    log,
    replica: {
      image: replica.image,
      readToHead: () => Promise.reject(new Error("secret", { cause: new Error("deeper") })),
      submit: () => Promise.reject(new Error("secret")),
    },
  });
  const answer = await refused("GET /v1/clusters", undefined, { "X-Request-Id": "r1" });
  expect(answer.status).toBe(500);
  expect(JSON.stringify(answer.body)).not.toContain("secret");
  const logged = lines.find((each) => each.level === "error");
  expect(logged?.fields).toMatchObject({ requestId: "r1" });
  expect(logged?.fields["error"]).toContain("secret");
  expect(logged?.fields["error"]).toContain("deeper");
});

test("every read follows what another process appended", async () => {
  const { replica, cluster } = await createApiFixture();
  let reads = 0;
  const other = await createApiFixture({
    replica: {
      ...replica,
      readToHead() {
        reads++;
        return replica.readToHead();
      },
    },
  });
  const { id } = await cluster("shop");
  for (const path of [
    "/v1/clusters",
    `/v1/clusters/${id}`,
    "/v1/cell",
    "/kafka/v3/clusters",
    `/kafka/v3/clusters/${id}`,
    `/kafka/v3/clusters/${id}/brokers`,
    `/kafka/v3/clusters/${id}/topics`,
  ]) {
    reads = 0;
    expect((await other.call(`GET ${path}`)).status).toBe(200);
    expect(reads).toBe(1);
  }
});

test("what lives in brokers is told to be at the cluster's http_endpoint", async () => {
  const { refused, cluster } = await createApiFixture({
    config: {
      version: "1",
      kafka: { host: "b", port: 9092 },
      httpEndpoint: () => "https://brokers.example",
    },
  });
  const { id } = await cluster();
  for (const request of [
    `GET /kafka/v3/clusters/${id}/consumer-groups`,
    `GET /kafka/v3/clusters/${id}/consumer-groups/billing`,
    `GET /kafka/v3/clusters/${id}/consumer-groups/billing/lags`,
    `DELETE /kafka/v3/clusters/${id}/consumer-groups/billing`,
    `POST /kafka/v3/clusters/${id}/topics/orders/records`,
    `GET /kafka/v3/clusters/${id}/topics/orders/records`,
    "GET /metrics",
  ]) {
    const answer = await refused(request);
    expect(answer.status).toBe(421);
    expect(answer.body.http_endpoint).toBe("https://brokers.example");
  }
  const missing = await refused("GET /kafka/v3/clusters/nope/consumer-groups");
  expect(missing.status).toBe(404);
});

test("brokers' routes answer before that, with request ids and problems like the rest", async () => {
  const brokers = new Hono()
    .get("/metrics", (c) => c.text("up 1\n"))
    .get("/kafka/v3/clusters/:cluster/consumer-groups", (c) => c.json({ data: [] }))
    .post("/kafka/v3/clusters/:cluster/topics/:topic/records", async (c) =>
      c.json({ length: (await c.req.text()).length }),
    )
    .get("/broken", () => {
      throw new Error("inside");
    });
  const { call, refused, cluster } = await createApiFixture({ brokerRoutes: brokers });
  const { id } = await cluster();
  const metrics = await call("GET /metrics");
  expect(metrics).toMatchObject({ status: 200, body: "up 1\n" });
  expect(metrics.headers.has("x-request-id")).toBe(true);
  const groups = await call(`GET /kafka/v3/clusters/${id}/consumer-groups`);
  expect(groups).toMatchObject({ status: 200, body: { data: [] } });
  const records = `POST /kafka/v3/clusters/${id}/topics/orders/records`;
  expect((await call(records, "x".repeat(2 * maxBodyBytes))).status).toBe(200);
  expect(await refused("GET /broken")).toMatchObject({
    status: 500,
    body: { type: "/docs/problems/internal" },
  });
  expect((await refused("POST /metrics")).status).toBe(405);
  const lags = await refused(`GET /kafka/v3/clusters/${id}/consumer-groups/g/lags`);
  expect(lags.status).toBe(421);
});

test("brokers' own descriptions stand in the reference where they serve beside", async () => {
  const brokers = new OpenAPIHono();
  brokers.openapi(
    {
      method: "get",
      path: "/kafka/v3/clusters/{cluster_id}/consumer-groups",
      summary: "Served here",
      responses: { 200: { description: "ok" } },
    },
    (c) => c.json({}),
  );
  const { call } = await createApiFixture({ brokerRoutes: brokers });
  const { body } = await call<{ paths: Record<string, { get?: { summary?: string } }> }>(
    "GET /openapi.json",
  );
  const path = "/kafka/v3/clusters/{cluster_id}/consumer-groups";
  expect(body.paths[path]?.get?.summary).toBe("Served here");
});

test("answers are not stored by caches and not guessed at by browsers", async () => {
  const { call } = await createApiFixture();
  for (const path of ["/v1/clusters", "/v1/clusters/nope"]) {
    const { headers } = await call<ProblemDetails>(`GET ${path}`);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  }
});

test("what one process creates, the next call to another finds", async () => {
  const first = await createApiFixture();
  const second = await createApiFixture({ replica: await first.openOther() });
  const { id } = await first.cluster("shop");
  await first.topic(id, "orders", 3);
  const topic = await second.call(`GET /kafka/v3/clusters/${id}/topics/orders`);
  expect(topic).toMatchObject({ status: 200, body: { partitions_count: 3 } });
  const taken = await second.refused("POST /v1/clusters", { name: "shop" });
  expect(taken.status).toBe(409);
});
