// The two directions of a Kafka connection through a tunnel, as generators for `pipeline`: with what they wait for, the other side waits.
import type { AskedApi, Resolve } from "./rewrite-response.ts";
import { namesBrokers, rewriteResponse } from "./rewrite-response.ts";

/** Requests under way whose answers will be changed: correlation id -> what was asked. */
export type Pending = Map<number, AskedApi>;

const sizeBytes = 4;
/** Size, API key, version, correlation id: what every request begins with. */
const requestHeadBytes = 12;
/** Size and correlation id. */
const responseHeadBytes = 8;
/** A client has a handful under way; more is no client. */
const maxPending = 1_000;
/** An answer about every partition of a large cell has some 10 MB. */
const maxRewrittenBytes = 64 * 1024 * 1024;

type Head = { readonly bytes: Buffer; readonly frameBytes: number };

/** Passes requests on as they are, and notes those whose answers name brokers. Throws on what is no Kafka request. */
export async function* watchRequests(
  source: AsyncIterable<Buffer>,
  pending: Pending,
): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0);
  let toPass = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length;) {
      if (toPass === 0) {
        const taken = chunk.subarray(at, at + requestHeadBytes - head.length);
        at += taken.length;
        head = Buffer.concat([head, taken]);
        if (head.length < requestHeadBytes) continue;
        toPass = frameBytesOf(head, requestHeadBytes) - requestHeadBytes;
        note(head, pending);
        head = Buffer.alloc(0);
        continue;
      }
      const passed = Math.min(toPass, chunk.length - at);
      toPass -= passed;
      at += passed;
    }
    yield chunk;
  }
}

function note(head: Buffer, pending: Pending): void {
  const apiKey = head.readInt16BE(4);
  if (!namesBrokers(apiKey)) return;
  if (pending.size >= maxPending) throw new Error(`${maxPending} requests without an answer`);
  pending.set(head.readInt32BE(8), { apiKey, apiVersion: head.readInt16BE(6) });
}

/** Passes answers on, those that name brokers with the addresses that `resolve` gives. */
export async function* rewriteResponses(
  source: AsyncIterable<Buffer>,
  { pending, resolve }: { pending: Pending; resolve: Resolve },
): AsyncGenerator<Uint8Array> {
  let held: Buffer = Buffer.alloc(0);
  let toPass = 0;
  for await (const chunk of source) {
    let rest: Buffer = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    held = Buffer.alloc(0);
    while (rest.length > 0) {
      if (toPass > 0) {
        const passed = rest.subarray(0, toPass);
        toPass -= passed.length;
        rest = rest.subarray(passed.length);
        yield passed;
        continue;
      }
      const head = responseHead(rest);
      const asked = head === null ? undefined : pending.get(head.bytes.readInt32BE(sizeBytes));
      if (head !== null && asked === undefined) {
        toPass = head.frameBytes;
        continue;
      }
      if (head === null || rest.length < head.frameBytes || asked === undefined) {
        held = rest;
        break;
      }
      pending.delete(head.bytes.readInt32BE(sizeBytes));
      yield await rewriteResponse(asked, rest.subarray(sizeBytes, head.frameBytes), resolve);
      rest = rest.subarray(head.frameBytes);
    }
    if (held.length > maxRewrittenBytes) throw new Error("an answer too large to be read");
  }
}

function responseHead(bytes: Buffer): Head | null {
  if (bytes.length < responseHeadBytes) return null;
  return { bytes, frameBytes: frameBytesOf(bytes, responseHeadBytes) };
}

/** With its size. */
function frameBytesOf(head: Buffer, leastBytes: number): number {
  const frameBytes = head.readInt32BE(0) + sizeBytes;
  if (frameBytes < leastBytes) throw new Error("this is not Kafka's protocol");
  return frameBytes;
}
