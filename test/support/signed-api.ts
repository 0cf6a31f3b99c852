// Stands in for API Gateway: lets only requests through whose IAM signature (SigV4) holds, as reckoned here from the specification.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import { createHash, createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export type SignedApi = {
  readonly url: string;
  readonly answered: number;
  readonly refused: number;
  close(): Promise<void>;
};

type Signer = { readonly accessKeyId: string; readonly secret: string };

/** Serves what is at `behind`, under a path if one is given. */
export async function serveSigned(behind: string, signer: Signer, prefix = ""): Promise<SignedApi> {
  const counts = { answered: 0, refused: 0 };
  const server = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      if (!isSignedBy(signer, request, body)) {
        counts.refused++;
        response
          .writeHead(403, { "content-type": "application/json" })
          .end('{"message":"Forbidden"}');
        return;
      }
      counts.answered++;
      const {
        host: _host,
        connection: _connection,
        "content-length": _length,
        ...headers
      } = request.headers as Record<string, string>;
      const method = request.method ?? "GET";
      const path = (request.url ?? "/").replace(prefix, "");
      const answered = await fetch(new URL(path, behind), {
        method,
        headers,
        ...(body.length === 0 ? {} : { body }),
      });
      const content = Buffer.from(await answered.arrayBuffer());
      const kept = [...answered.headers].filter(
        ([name]) => !/^(content-length|connection|transfer-encoding|keep-alive)$/.test(name),
      );
      response.writeHead(answered.status, Object.fromEntries(kept)).end(content);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get answered() {
      return counts.answered;
    },
    get refused() {
      return counts.refused;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

const hash = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const mac = (key: string | Buffer, data: string): Buffer =>
  createHmac("sha256", key).update(data).digest();

function isSignedBy(
  { accessKeyId, secret }: Signer,
  request: IncomingMessage,
  body: Buffer,
): boolean {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  if (found === null) return false;
  const [, key, date = "", region = "", service = "", signedHeaders = "", signature] = found;
  if (key !== accessKeyId || service !== "execute-api") return false;
  const url = new URL(request.url ?? "/", "http://host");
  const query = [...url.searchParams]
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join("&");
  const headers = signedHeaders
    .split(";")
    .map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
    .join("");
  // Every service but S3 signs the path with its escapes escaped once more.
  const path = url.pathname.split("/").map(encoded).join("/");
  const canonical = [request.method, path, query, headers, signedHeaders, hash(body)].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const time = String(request.headers["x-amz-date"]);
  const toSign = ["AWS4-HMAC-SHA256", time, scope, hash(canonical)].join("\n");
  const signingKey = ["aws4_request", service, region, date].reduceRight<Buffer | string>(
    (before, part) => mac(before, part),
    `AWS4${secret}`,
  );
  return mac(signingKey, toSign).toString("hex") === signature;
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
