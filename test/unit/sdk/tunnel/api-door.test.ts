import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openApiDoor } from "../../../../sdk/src/tunnel/api-door.ts";
import type { ApiFetch } from "../../../../sdk/src/tunnel/api-request.ts";
import { createSignedFetch } from "../../../../sdk/src/tunnel/signed-fetch.ts";
import { createTokenFetch } from "../../../../sdk/src/tunnel/token-fetch.ts";

/** An API that lets nobody in, and what it was shown. */
async function refusingApi(): Promise<{ url: URL; shown: (string | undefined)[] }> {
  const shown: (string | undefined)[] = [];
  const server = createServer(({ headers: { authorization } }, response) => {
    shown.push(authorization);
    response.writeHead(403, { "content-type": "application/json" }).end('{"message":"Forbidden"}');
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), shown };
}

async function openDoor(fetch: ApiFetch): Promise<string> {
  const door = await openApiDoor({ port: 0, fetch, resolve: (each) => Promise.resolve(each) });
  onTestFinished(() => door.close());
  return `${door.url}/v1/cell`;
}

const ofTheCaller = { headers: { authorization: "Bearer caller" } };

test("a door with a token shows the caller's, or where it has none its own", async () => {
  const { url, shown } = await refusingApi();
  const door = await openDoor(await createTokenFetch(url, "the-tunnels"));
  await fetch(door, ofTheCaller);
  await fetch(door);
  expect(shown).toEqual(["Bearer caller", "Bearer the-tunnels"]);
});

test("a door that signs shows its signature, whatever the caller has", async () => {
  const { url, shown } = await refusingApi();
  const credentials = () => Promise.resolve({ accessKeyId: "A", secretAccessKey: "S" });
  const door = await openDoor(createSignedFetch({ url, region: "eu-central-1", credentials }));
  await fetch(door, ofTheCaller);
  await fetch(door);
  for (const each of shown) expect(each).toMatch(/^AWS4-HMAC-SHA256 Credential=A\//);
  expect(shown).toHaveLength(2);
});

test("who is not let in is told by what, as a problem, with the status that came", async () => {
  const { url } = await refusingApi();
  const credentials = () => Promise.resolve({ accessKeyId: "A", secretAccessKey: "S" });
  const ways: [ApiFetch, RegExp][] = [
    [createSignedFetch({ url, region: "eu-central-1", credentials }), /execute-api:Invoke/],
    [await createTokenFetch(url, "the-tunnels"), /get a new token/],
  ];
  for (const [way, advice] of ways) {
    const answer = await fetch(await openDoor(way));
    expect(answer.status).toBe(403);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    const { detail } = (await answer.json()) as { detail: string };
    expect(detail).toMatch(advice);
    expect(detail).toContain(`${url.host} did not let the tunnel in (403 Forbidden)`);
    expect(detail).not.toContain("the-tunnels");
  }
});

test("a tunnel takes no token where others could read it, nor what is none", async () => {
  const plain = new URL("http://cell.example");
  await expect(createTokenFetch(plain, "the-tunnels")).rejects.toThrow(/by https only/);
  await expect(
    createTokenFetch(new URL("https://cell.example"), "Bearer the-tunnels"),
  ).rejects.toThrow(/The token has characters that none has/);
});
