// The HTTP API of a cell as an address of this machine: requests are given what lets them in, and brokers are where the tunnel has them.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApiFetch } from "./api-request.ts";
import type { Resolve } from "./rewrite-response.ts";

export type ApiDoorOptions = {
  readonly port: number;
  readonly fetch: ApiFetch;
  readonly resolve: Resolve;
};

export type ApiDoor = { readonly url: string; close(): Promise<void> };

/** API Gateway's limit. */
const maxBodyBytes = 10 * 1024 * 1024;
/** Of one connection, or changed on the way. */
const ownHeaders = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "host",
  "keep-alive",
  "transfer-encoding",
]);

/** Throws if the port is taken. */
export async function openApiDoor({ port, ...options }: ApiDoorOptions): Promise<ApiDoor> {
  const server = createServer((request, response) => {
    if (!isFromHere(request)) return void response.writeHead(403).end();
    // Two slashes, or a whole address, would name another host.
    if (!/^\/(?!\/)/.test(request.url ?? "/")) return void response.writeHead(400).end();
    answer(request, response, options).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: given } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${given}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { fetch, resolve }: Omit<ApiDoorOptions, "port">,
): Promise<void> {
  const body = await bodyOf(request);
  if (body === null) {
    response.writeHead(413).end();
    return;
  }
  const answered = await fetch({
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: passedOn(Object.entries(request.headers)),
    body,
  });
  const content = Buffer.from(await answered.arrayBuffer());
  const isJson = answered.headers.get("content-type")?.startsWith("application/json") === true;
  const shown = isJson ? await withPlaces(content, resolve) : content;
  response.writeHead(answered.status, passedOn([...answered.headers])).end(shown);
}

/** It asks with the rights of whoever opened it, so no page of another origin may ask through a browser (what is served by another port of this machine is one), nor one whose name was made to mean this machine. */
function isFromHere({ headers: { host = "", origin } }: IncomingMessage): boolean {
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) return false;
  return origin === undefined || origin === `http://${host}`;
}

/** Null if it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > maxBodyBytes) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function passedOn(
  headers: readonly (readonly [string, string | string[] | undefined])[],
): Record<string, string> {
  return Object.fromEntries(
    headers.flatMap(([name, value]) =>
      value === undefined || ownHeaders.has(name.toLowerCase())
        ? []
        : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );
}

/** `bootstrap_servers`, wherever in the answer it stands. */
async function withPlaces(content: Buffer, resolve: Resolve): Promise<Buffer> {
  if (!content.includes("bootstrap_servers")) return content;
  const parsed: unknown = JSON.parse(content.toString());
  await replacePlaces(parsed, resolve);
  return Buffer.from(JSON.stringify(parsed));
}

async function replacePlaces(value: unknown, resolve: Resolve): Promise<void> {
  if (typeof value !== "object" || value === null) return;
  const fields = value as Record<string, unknown>;
  for (const [name, held] of Object.entries(fields)) {
    if (name === "bootstrap_servers" && typeof held === "string")
      fields[name] = (
        await Promise.all(held.split(",").map((each) => placeOf(each, resolve)))
      ).join(",");
    else await replacePlaces(held, resolve);
  }
}

async function placeOf(server: string, resolve: Resolve): Promise<string> {
  const at = server.lastIndexOf(":");
  const { host, port } = await resolve({
    host: server.slice(0, at),
    port: Number(server.slice(at + 1)),
  });
  return `${host}:${port}`;
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const detail = error instanceof Error ? error.message : String(error);
  response
    .writeHead(502, { "content-type": "application/problem+json" })
    .end(JSON.stringify({ title: "Bad Gateway", status: 502, detail: `the tunnel: ${detail}` }));
}
