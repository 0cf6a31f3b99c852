import { batchSizeAt } from "../../protocol/records/batch.ts";
import { LogReadError, type PartitionLog } from "../log/partition-log.ts";
import type { Tier } from "./tier.ts";

const windowBytes = 1024 * 1024;

/** Copies of the batches of a log from its start up to `upToOffset`: first what only the object store has. Throws LogReadError. */
export async function* readEverywhere(
  tier: Pick<Tier, "read">,
  log: PartitionLog,
  upToOffset: number,
): AsyncIterable<Uint8Array> {
  let next = log.logStartOffset;
  while (next < Math.min(log.localStartOffset, upToOffset)) {
    const range = { fromOffset: next, upToOffset, maxBytes: windowBytes, atLeastOneBatch: true };
    const read = await tier.read(log, range);
    if (read.kind === "unavailable") throw new LogReadError(read.reason);
    if (read.kind === "empty") break;
    const { records } = read;
    try {
      const { chunks } = await records.materialise(0, records.byteLength);
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      for (let at = 0; at < bytes.length; at += batchSizeAt(bytes, at))
        yield bytes.subarray(at, at + batchSizeAt(bytes, at));
    } finally {
      records.release();
    }
    next = read.nextOffset;
  }
  yield* log.readBatches(Math.max(next, log.localStartOffset), upToOffset);
}
