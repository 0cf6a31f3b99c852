import { Readable } from "node:stream";
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import type {
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  ListObjectsV2CommandInput,
} from "@aws-sdk/client-s3";
import type { ObjectStore } from "../../ports/object-store.ts";
import { compareKeys } from "../object-key.ts";
import type { Bucket } from "./bucket.ts";
import { unavailable } from "./calls.ts";
import type { Attempt, Calls } from "./calls.ts";
import { nonceOf } from "./nonce.ts";

type Range = { start: number; end: number };
type Read = { bytes: Uint8Array; etag: string; sizeBytes: number };
type Head = { etag: string; sizeBytes: number; nonce: string | null };

export type Reads = Pick<ObjectStore, "get" | "list"> & {
  head(key: string): Promise<Head | null>;
};

/** S3's limit. */
const maxListed = 1_000;

export function createReads(calls: Calls, bucket: Bucket): Reads {
  async function head(key: string): Promise<Head | null> {
    const target = bucket.targetOf(key);
    const answer = await calls.run((client, { abortSignal }) =>
      client.send(new HeadObjectCommand(target), { abortSignal }),
    );
    switch (answer.kind) {
      case "done":
        return headOf(answer.output);
      case "failed":
        throw answer.error;
      case "refused":
        if (answer.refusal === "absent") return null;
        throw unavailable(answer.cause);
    }
  }

  async function getOnce(key: string, range?: Range): Promise<Read | null | "beyond"> {
    const command = {
      ...bucket.targetOf(key),
      // Of a range S3 gives no checksum.
      ...(range === undefined
        ? { ChecksumMode: "ENABLED" as const }
        : { Range: `bytes=${range.start}-${range.end - 1}` }),
    };
    const answer = await calls.run(async (client, attempt) => {
      const { abortSignal } = attempt;
      const output = await client.send(new GetObjectCommand(command), { abortSignal });
      return readOf(output, attempt, range);
    });
    switch (answer.kind) {
      case "done":
        return answer.output;
      case "failed":
        throw answer.error;
      case "refused":
        if (answer.refusal === "absent") return null;
        if (answer.refusal === "beyond") return "beyond";
        throw unavailable(answer.cause);
    }
  }

  return {
    head,
    async get(key, range) {
      if (range === undefined || range.end > range.start) {
        const read = await getOnce(key, range);
        if (read !== "beyond") return read;
      }
      const found = await head(key);
      if (found === null) return null;
      const { etag, sizeBytes } = found;
      if (range !== undefined && range.start < Math.min(range.end, sizeBytes)) {
        throw unavailable(new Error(`${key} grew while it was read`));
      }
      return { bytes: new Uint8Array(0), etag, sizeBytes };
    },
    list: (prefix, { startAfter = "", limit = maxListed } = {}) =>
      list(calls, bucket, { prefix, startAfter, limit }),
  };
}

function headOf({ ETag, ContentLength, Metadata }: HeadObjectCommandOutput): Head {
  if (ETag === undefined) throw unavailable(new Error("a HEAD without an ETag"));
  return { etag: ETag, sizeBytes: ContentLength ?? 0, nonce: nonceOf(Metadata) };
}

async function readOf(
  output: GetObjectCommandOutput,
  attempt: Attempt,
  range: Range | undefined,
): Promise<Read> {
  const { ETag: etag, ContentLength: length, ContentRange, Body } = output;
  if (etag === undefined || length === undefined || !(Body instanceof Readable)) {
    throw new Error("an answer without an ETag, a length or a body");
  }
  attempt.expect(length);
  const bytes = await collect(Body, length, attempt.abortSignal);
  const total = /\/(\d+)$/.exec(ContentRange ?? "")?.[1];
  if (total !== undefined) return { bytes, etag, sizeBytes: Number(total) };
  return { bytes: bytes.subarray(range?.start, range?.end), etag, sizeBytes: length };
}

/** Fails if the body ends early: a connection may close in its midst. By events, for `for await` costs a fifth more CPU. */
function collect(body: Readable, sizeBytes: number, abortSignal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // Every byte is overwritten, or nothing is returned.
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
    let filledBytes = 0;
    abortSignal.addEventListener("abort", () => body.destroy(new Error("given up")));
    body.on("data", (chunk: Uint8Array) => {
      if (filledBytes + chunk.byteLength <= sizeBytes) bytes.set(chunk, filledBytes);
      filledBytes += chunk.byteLength;
    });
    body.on("error", reject);
    body.on("close", () => {
      if (filledBytes === sizeBytes) resolve(bytes);
      else reject(new Error(`of a body of ${sizeBytes} bytes came ${filledBytes}`));
    });
  });
}

async function list(
  calls: Calls,
  bucket: Bucket,
  { prefix, startAfter, limit }: { prefix: string; startAfter: string; limit: number },
): ReturnType<ObjectStore["list"]> {
  const listed: { key: string; sizeBytes: number }[] = [];
  let from: Partial<ListObjectsV2CommandInput> =
    startAfter === "" ? {} : { StartAfter: `${bucket.prefix}${startAfter}` };
  let lastKey = "";
  while (listed.length < limit) {
    const input: ListObjectsV2CommandInput = {
      Bucket: bucket.name,
      Prefix: `${bucket.prefix}${prefix}`,
      MaxKeys: Math.min(maxListed, limit - listed.length),
      // XML has no way to write some characters that keys may have.
      EncodingType: "url",
      ...from,
    };
    const page = await calls.complete((client, { abortSignal }) =>
      client.send(new ListObjectsV2Command(input), { abortSignal }),
    );
    for (const { Key = "", Size = 0 } of page.Contents ?? []) {
      const key = page.EncodingType === "url" ? decodeKey(Key) : Key;
      if (lastKey !== "" && compareKeys(lastKey, key) >= 0) {
        throw unavailable(new Error(`${bucket.name} lists ${lastKey} before ${key}`));
      }
      lastKey = key;
      // What some consoles put in a bucket to show a folder.
      if (!key.endsWith("/"))
        listed.push({ key: key.slice(bucket.prefix.length), sizeBytes: Size });
    }
    if (page.IsTruncated !== true || page.NextContinuationToken === undefined) break;
    from = { ContinuationToken: page.NextContinuationToken };
  }
  return listed;
}

function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll("+", " "));
}
