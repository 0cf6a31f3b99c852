import { expect, test } from "vitest";
import type { Limits } from "../../../../functions/api-types.ts";
import { createApiFixture } from "../api-fixture.ts";

test("a living process says so, with its version", async () => {
  const { call } = await createApiFixture();
  for (const path of ["/healthz", "/readyz"]) {
    const { status, body } = await call(`GET ${path}`);
    expect(status).toBe(200);
    expect(body).toEqual({ status: "ok", version: "0.0.0-test" });
  }
});

test("limits are those that refusals name", async () => {
  const { call, refused, cluster } = await createApiFixture();
  const { body } = await call<Limits>("GET /v1/limits");
  const names = body.data.map((each) => each.name);
  expect(new Set(names).size).toBe(names.length);
  const limit = body.data.find((each) => each.name === "partitions_per_topic");
  const { id } = await cluster();
  const answer = await refused(`POST /kafka/v3/clusters/${id}/topics`, {
    topic_name: "t",
    partitions_count: (limit?.value ?? 0) + 1,
  });
  expect(answer.body.detail).toBe(
    `partitions_count is ${(limit?.value ?? 0) + 1}; the limit for a topic is ${limit?.value}`,
  );
});
