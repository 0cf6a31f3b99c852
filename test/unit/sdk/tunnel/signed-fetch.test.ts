import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createSignedFetch } from "../../../../sdk/src/tunnel/signed-fetch.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(answer: RequestListener): Promise<URL> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  closing.push(() => server.close());
  await once(server, "listening");
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test("what is signed follows no redirection to another host", async () => {
  const tokens: unknown[] = [];
  const elsewhere = await serve(({ headers }, response) => {
    tokens.push(headers["x-amz-security-token"]);
    response.end();
  });
  const url = await serve((_, response) => {
    response.writeHead(307, { location: elsewhere.href }).end();
  });
  const signedFetch = createSignedFetch({
    url,
    region: "eu-central-1",
    credentials: () =>
      Promise.resolve({ accessKeyId: "A", secretAccessKey: "S", sessionToken: "token" }),
  });
  const asked = { method: "GET", path: "/v1/cell", headers: {}, body: new Uint8Array() };
  const answer = await signedFetch(asked);
  expect(answer.status).toBe(307);
  expect(answer.headers.get("location")).toBe(elsewhere.href);
  expect(tokens).toEqual([]);
});

test("a session's token that the request has itself is not sent beside a signature that has none", async () => {
  const tokens: unknown[] = [];
  const url = await serve(({ headers }, response) => {
    tokens.push(headers["x-amz-security-token"]);
    response.end();
  });
  const asked = {
    method: "GET",
    path: "/v1/cell",
    headers: { "x-amz-security-token": "of-another" },
    body: new Uint8Array(),
  };
  const region = "eu-central-1";
  const lasting = { accessKeyId: "A", secretAccessKey: "S" };
  await createSignedFetch({ url, region, credentials: () => Promise.resolve(lasting) })(asked);
  const passing = { ...lasting, sessionToken: "ours" };
  await createSignedFetch({ url, region, credentials: () => Promise.resolve(passing) })(asked);
  expect(tokens).toEqual([undefined, "ours"]);
});
