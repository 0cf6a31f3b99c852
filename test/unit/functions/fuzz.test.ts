import fc from "fast-check";
import { expect, test } from "vitest";
import { createApiFixture } from "./api-fixture.ts";

/** Names that mean something somewhere, so that nonsense gets past the first check now and then. */
const knownNames = [
  "name",
  "description",
  "defaults",
  "topic_name",
  "partitions_count",
  "replication_factor",
  "replicas_assignments",
  "partition_id",
  "configs",
  "value",
  "operation",
  "data",
  "validate_only",
  "cluster_id",
  "broker_ids",
  "confirmation",
  "retention.ms",
  "__proto__",
];

const oddStrings = fc.constantFrom(
  "",
  "orders",
  "retention.ms",
  "cleanup.policy",
  "DELETE",
  "\u0000",
  "\ud800",
  "../..",
  "%",
  "a".repeat(300),
  "-1",
  "1e999",
);

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.double(), fc.string(), oddStrings),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...knownNames), fc.string()), tie("value"), {
      maxKeys: 5,
    }),
  ),
})).value;

const bodies = fc.oneof(
  { weight: 8, arbitrary: json.map((value) => JSON.stringify(value) ?? "null") },
  { weight: 1, arbitrary: fc.string() },
);

const segments = fc.oneof(fc.string(), oddStrings, fc.constantFrom("0", "1", "99999999999"));

test("nonsense against every route is answered, refused as a problem, and never breaks it", async () => {
  const { app, cluster, topic, registerBroker } = await createApiFixture();
  await registerBroker();
  const { id } = await cluster();
  await topic(id, "orders", 2);
  const routes = [...new Set(app.routes.map((each) => `${each.method} ${each.path}`))]
    .filter((each) => !each.startsWith("ALL"))
    .sort();
  expect(routes.length).toBeGreaterThan(25);
  const request = fc.record({
    route: fc.constantFrom(...routes),
    body: bodies,
    segments: fc.array(segments, { minLength: 5, maxLength: 5 }),
    keepsIds: fc.boolean(),
    query: fc.dictionary(
      fc.constantFrom("page_size", "page_token", "name", "force"),
      fc.oneof(fc.string(), oddStrings),
    ),
    headers: fc.dictionary(
      fc.constantFrom("if-match", "idempotency-key", "x-request-id"),
      fc.stringMatching(/^[ -~]{0,40}$/),
    ),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ route, body, segments: odd, keepsIds, query, headers }) => {
      const [method = "", pattern = ""] = route.split(" ");
      let used = 0;
      const path = pattern
        .replace(":verb{configs:alter}", "configs~alter")
        .replace(/:target\{.+:([\w-]+)\}/, (_, verb) => `${keepsIds ? "1" : "drain-1-2"}~${verb}`)
        .replaceAll(/:(\w+)/g, (_, name: string) => {
          if (keepsIds && (name === "cluster_id" || name === "id")) return id;
          if (keepsIds && name === "topic_name") return "orders";
          return encodeURIComponent((odd[used++] ?? "").toWellFormed());
        })
        .replace("~", ":");
      // What the fuzz deletes or changes must be there for what comes after it.
      if (method === "DELETE" && keepsIds) return;
      const search = new URLSearchParams(query).toString();
      const response = await app.request(`${path}?${search}`, {
        method,
        headers: { "content-type": "application/json", ...headers },
        ...(method === "GET" ? {} : { body }),
      });
      expect(response.status, `${method} ${path} ${body}`).toBeLessThan(500);
      if (response.status < 400) return;
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      const problem = (await response.json()) as Record<string, unknown>;
      expect(problem).toMatchObject({ status: response.status, title: expect.any(String) });
      expect(problem["detail"]).not.toBe("");
    }),
    { numRuns: 600 },
  );
});
