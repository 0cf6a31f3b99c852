import { expect, test } from "vitest";
import { docsAssetNames } from "../../../../functions/docs-assets.ts";
import { problemKinds } from "../../../../functions/problem.ts";
import { brokerIdPattern, operationIdPattern } from "../../../../functions/routes/custom-verb.ts";
import { createApiFixture } from "../api-fixture.ts";

type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  parameters?: { name: string; in: string; required: boolean }[];
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
};
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
};

async function document(): Promise<Document> {
  const { call } = await createApiFixture();
  return (await call<Document>("GET /openapi.json")).body;
}

function operations(doc: Document): { path: string; method: string; operation: Operation }[] {
  return Object.entries(doc.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

const targets: Record<string, string> = {
  [brokerIdPattern]: "{broker_id}",
  [operationIdPattern]: "{operation_id}",
};

/** Hono's `/:target{[0-9]+:drain}`, `/:verb{configs:alter}` and `/:id` as the reference writes them. */
function documented(path: string): string {
  return path
    .replaceAll(/:target\{(.+):([\w-]+)\}/g, (_, pattern, verb) => `${targets[pattern]}:${verb}`)
    .replaceAll(/:\w+\{([^}]+)\}/g, "$1")
    .replaceAll(/\/:(\w+)/g, "/{$1}");
}

test("every registered route is in the document, and nothing else is", async () => {
  const { app } = await createApiFixture();
  const registered = app.routes
    .filter((each) => each.method !== "ALL")
    .map((each) => `${each.method} ${documented(each.path)}`);
  const listed = operations(await document()).map(
    ({ path, method }) => `${method.toUpperCase()} ${path}`,
  );
  expect([...new Set(registered)].sort()).toEqual(listed.sort());
});

test("operations have ids of their own, a tag, a summary, and declare what is in their path", async () => {
  const all = operations(await document());
  const ids = all.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, operation } of all) {
    expect(operation.tags).toHaveLength(1);
    expect(operation.summary).not.toBe("");
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
    const declared = (operation.parameters ?? []).filter((each) => each.in === "path");
    expect(declared.map((each) => each.name).sort()).toEqual(inPath.sort());
    expect(declared.every((each) => each.required)).toBe(true);
  }
});

test("every reference in the document leads somewhere, and every schema is used", async () => {
  const doc = await document();
  const text = JSON.stringify(doc);
  const named = new Set(
    [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? ""),
  );
  expect([...named].sort()).toEqual(Object.keys(doc.components.schemas).sort());
});

test("every refusal in the document is a problem", async () => {
  for (const { operation } of operations(await document())) {
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(response.description).not.toBe("");
      if (Number(status) < 400) continue;
      expect(Object.keys(response.content ?? {})).toEqual(["application/problem+json"]);
    }
  }
});

test("every POST of the control plane takes an Idempotency-Key, every update If-Match", async () => {
  for (const { path, method, operation } of operations(await document())) {
    if (path.endsWith("/records")) continue; // The brokers' own.
    const headers = (operation.parameters ?? [])
      .filter((each) => each.in === "header")
      .map((each) => each.name);
    if (method === "post") expect(headers).toContain("Idempotency-Key");
    if (["put", "patch", "delete"].includes(method)) expect(headers).toContain("If-Match");
  }
});

test("the page loads nothing from anywhere else", async () => {
  const { call } = await createApiFixture();
  const page = await call<string>("GET /docs");
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toContain("text/html");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? "");
  const files = loaded.filter((each) => !each.startsWith("data:"));
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) {
    expect(file).not.toMatch(/^(?:https?:)?\/\//);
    expect((await call(`GET /${file}`)).status).toBe(200);
  }
});

test.each(docsAssetNames)("%s is served as it is installed", async (name) => {
  const { call } = await createApiFixture();
  const { status, body, headers } = await call<string>(`GET /docs/${name}`);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toMatch(name.endsWith(".css") ? /css/ : /javascript/);
  expect(headers.get("cache-control")).toContain("max-age");
  expect(body.length).toBeGreaterThan(50_000);
});

test("no other file of the machine is served", async () => {
  const { refused } = await createApiFixture();
  for (const name of ["package.json", "..%2f..%2fpackage.json", "__proto__", "constructor"]) {
    expect((await refused(`GET /docs/${name}`)).status).toBe(404);
  }
});

test("where the files are not installed the page's own parts still are", async () => {
  const { call, refused } = await createApiFixture({
    docsAssets: { read: () => Promise.resolve(null) },
  });
  expect((await refused("GET /docs/swagger-ui.css")).status).toBe(404);
  expect((await call("GET /docs")).status).toBe(200);
});

test("every kind of problem has its page, and an unknown one none", async () => {
  const { call, refused } = await createApiFixture();
  const all = await call<string>("GET /docs/problems");
  for (const [slug, { title }] of Object.entries(problemKinds)) {
    const page = await call<string>(`GET /docs/problems/${slug}`);
    expect(page.status).toBe(200);
    expect(page.body).toContain(title);
    expect(all.body).toContain(slug);
  }
  expect((await refused("GET /docs/problems/toString")).status).toBe(404);
});
