import { expect, test } from "vitest";
import { handlerFor } from "../../../functions/lambda.ts";
import { createApiFixture } from "./api-fixture.ts";

/** An API Gateway HTTP API event (payload format 2.0), as far as it is read. */
function event(method: string, path: string, body?: unknown): never {
  const [rawPath, rawQueryString = ""] = path.split("?");
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers: { host: "api.example", "content-type": "application/json" },
    requestContext: { domainName: "api.example", http: { method, path: rawPath } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    isBase64Encoded: false,
  } as never;
}

test("the handler serves the same app, opened once for all requests", async () => {
  const { app } = await createApiFixture();
  let opened = 0;
  const handler = handlerFor(() => {
    opened++;
    return Promise.resolve(app);
  });
  const created = await handler(event("POST", "/v1/clusters", { name: "shop" }));
  expect(created).toMatchObject({ statusCode: 201 });
  const listed = (await handler(event("GET", "/v1/clusters?name=shop"))) as { body: string };
  expect(JSON.parse(listed.body)).toMatchObject({
    data: [{ name: "shop", http_endpoint: "https://api.example" }],
  });
  expect(opened).toBe(1);
});

test("an environment that could not open tries again with the next request", async () => {
  const { app } = await createApiFixture();
  let tries = 0;
  const handler = handlerFor(() => {
    tries++;
    return tries === 1 ? Promise.reject(new Error("away")) : Promise.resolve(app);
  });
  await expect(handler(event("GET", "/healthz"))).rejects.toThrow("away");
  expect(await handler(event("GET", "/healthz"))).toMatchObject({ statusCode: 200 });
});
