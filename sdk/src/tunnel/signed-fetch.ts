import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentials } from "./aws-credentials.ts";

export type SignedRequest = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export type SignedFetchOptions = {
  /** Of the HTTP API; a path that it has (a stage, a mapping of a domain) stays in front of the requests'. */
  readonly url: URL;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
};

const requestLimitMs = 35_000;

/** Asks an HTTP API that takes IAM signatures (SigV4). Throws what fetching throws, and what finding credentials throws. */
export function createSignedFetch({ url, region, credentials }: SignedFetchOptions) {
  const signer = new SignatureV4({
    service: "execute-api",
    region,
    credentials,
    sha256: Sha256,
  });
  return async ({ method, path, headers, body }: SignedRequest): Promise<Response> => {
    // Never to another host: a path that begins with two slashes would name one.
    const target = new URL(url);
    const [pathname = "", search = ""] = path.split(/\?(.*)/s);
    target.pathname = url.pathname.replace(/\/$/, "") + pathname;
    target.search = search;
    const signed = await signer.sign({
      method,
      protocol: target.protocol,
      hostname: target.hostname,
      path: target.pathname,
      query: queryOf(target),
      // Of the headers only this: others may be changed on the way.
      headers: { host: target.host },
      body,
    });
    return fetch(target, {
      method,
      headers: { ...headers, ...signed.headers },
      // Whoever asked may follow it: what is signed, and a session's token with it, goes nowhere else.
      redirect: "manual",
      signal: AbortSignal.timeout(requestLimitMs),
      ...(body.byteLength === 0 ? {} : { body: Buffer.from(body) }),
    });
  };
}

function queryOf({ searchParams }: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(searchParams.keys())) {
    const values = searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  return query;
}

/** Node's own, as the signer wants it. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error("made anew for each use");
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(data);
}
