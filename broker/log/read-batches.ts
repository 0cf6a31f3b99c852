import { batchSizeAt } from "../../protocol/records/batch.ts";
import { LogReadError, type ReadResult } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";

const windowBytes = 256 * 1024;

/** Copies of the log's batches, one by one, some 256 KiB read at a time. */
export async function* readBatches(
  log: StoredLog,
  fromOffset: number,
  upToOffset: number,
): AsyncGenerator<Uint8Array> {
  let next = fromOffset;
  while (next < upToOffset) {
    const found: ReadResult = await log.read({
      fromOffset: next,
      maxBytes: windowBytes,
      upToOffset,
      atLeastOneBatch: true,
    });
    if (found.kind === "empty") return;
    if (found.kind !== "data") throw new LogReadError(`cannot read at ${next}: ${found.kind}`);
    const bytesCopy = await copyRange(found.records);
    for (let at = 0; at < bytesCopy.length;) {
      const size = batchSizeAt(bytesCopy, at);
      yield bytesCopy.subarray(at, at + size);
      at += size;
    }
    next = found.nextOffset;
  }
}

type Range = Extract<ReadResult, { kind: "data" }>["records"];

/** All bytes of a range, which is released. */
export async function copyRange(range: Range): Promise<Uint8Array> {
  try {
    const bytes = Buffer.allocUnsafe(range.byteLength);
    for (let at = 0; at < bytes.length;) {
      const part = await range.materialise(at, windowBytes);
      for (const chunk of part.chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      part.release();
    }
    return bytes;
  } finally {
    range.release();
  }
}
