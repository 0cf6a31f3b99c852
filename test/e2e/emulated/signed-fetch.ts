import { createHash, createHmac } from "node:crypto";
import type { Hash, Hmac } from "node:crypto";
import { request } from "node:http";
import { SignatureV4 } from "@smithy/signature-v4";

class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }
  update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(chunk));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()));
  }
}

function bytesOf(given: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof given === "string") return Buffer.from(given);
  if (given instanceof ArrayBuffer) return new Uint8Array(given);
  return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
}

export type SignedFetchOptions = {
  readonly service: string;
  /** Where the emulator listens on loopback: names like `id.execute-api.localhost` resolve nowhere, so they go with the request. */
  readonly port: number;
};

/** `fetch` as a caller with credentials has it in AWS (SigV4), sent to the emulator whatever the URL's host. */
export function signedFetch({ service, port }: SignedFetchOptions): typeof fetch {
  const signer = new SignatureV4({
    service,
    region: "us-east-1",
    credentials: { accessKeyId: "000000000000", secretAccessKey: "local" },
    sha256: Sha256,
  });
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init.method ?? "GET";
    const headers = { ...Object.fromEntries(new Headers(init.headers)), host: url.host };
    const body = init.body as string | undefined;
    const signed = await signer.sign({
      method,
      protocol: "http:",
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers,
      ...(body === undefined ? {} : { body }),
    });
    return send(port, { method, path: url.pathname + url.search, headers: signed.headers, body });
  };
}

type Sent = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
};

/** `fetch` itself names the host that it connects to, whatever it is told. */
function send(port: number, { method, path, headers, body }: Sent): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const status = incoming.statusCode ?? 0;
        const received = status === 204 ? null : Buffer.concat(chunks);
        const fields = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        resolve(new Response(received, { status, headers: fields }));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
