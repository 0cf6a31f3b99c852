import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { ApiFetch } from "./api-request.ts";
import { ask, targetOf } from "./api-request.ts";
import type { AwsCredentials } from "./aws-credentials.ts";

export type SignedFetchOptions = {
  /** Of the HTTP API. */
  readonly url: URL;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
};

const advice =
  "its AWS credentials must be allowed execute-api:Invoke. If the cell was deployed with a jwtIssuer, open the tunnel with a token of it instead (MYELIN_TOKEN).";

/** Asks an HTTP API that takes IAM signatures (SigV4). Throws what fetching throws, and what finding credentials throws. */
export function createSignedFetch({ url, region, credentials }: SignedFetchOptions): ApiFetch {
  const signer = new SignatureV4({
    service: "execute-api",
    region,
    credentials,
    sha256: Sha256,
  });
  return async (request) => {
    const target = targetOf(url, request.path);
    const signed = await signer.sign({
      method: request.method,
      protocol: target.protocol,
      hostname: target.hostname,
      path: target.pathname,
      query: queryOf(target),
      // Of the headers only this: others may be changed on the way.
      headers: { host: target.host },
      body: request.body,
    });
    // What the request itself is to be let in with gives way: there is room for one. A session's token of others would be taken for part of ours, which may have none.
    const { "x-amz-security-token": _, ...headers } = request.headers;
    return ask(target, { ...request, headers: { ...headers, ...signed.headers } }, advice);
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
