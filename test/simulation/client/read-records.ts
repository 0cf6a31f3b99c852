import {
  attributeBits,
  attributesAt,
  baseOffsetAt,
  batchFailureAt,
  batchSizeAt,
  isCrcValidAt,
  lastOffsetDeltaAt,
} from "../../../protocol/records/batch.ts";
import { decodeBatch } from "../../../protocol/records/decode.ts";
import type { OffsetRange, SeenRecord } from "../history/history.ts";
import { idOf } from "./record-key.ts";

export type ReadRecords = {
  readonly records: SeenRecord[];
  /** Offsets of values that no producer wrote. */
  readonly strangers: number[];
  /** Control batches. */
  readonly skipped: OffsetRange[];
  /** Where to read on. */
  readonly nextOffset: number;
  /** What is wrong with the bytes, or null. */
  readonly damage: string | null;
};

const maxDecompressedBytes = 16 * 1024 * 1024;

/** The records from `fromOffset` on of what Fetch gave: whole batches, the last of which may be cut off. */
export function readRecords(bytes: Uint8Array | null, fromOffset: number): ReadRecords {
  const records: SeenRecord[] = [];
  const strangers: number[] = [];
  const skipped: OffsetRange[] = [];
  let nextOffset = fromOffset;
  let damage: string | null = null;
  for (let at = 0; bytes !== null && at < bytes.length;) {
    const failure = batchFailureAt(bytes, at);
    if (failure !== null) {
      if (failure.reason !== "truncated") damage = failure.message;
      break;
    }
    const size = batchSizeAt(bytes, at);
    const baseOffset = baseOffsetAt(bytes, at);
    const lastOffset = baseOffset + lastOffsetDeltaAt(bytes, at);
    if (!isCrcValidAt(bytes, at)) {
      damage = `the batch at ${baseOffset} fails its checksum`;
      break;
    }
    if ((attributesAt(bytes, at) & attributeBits.control) !== 0) {
      skipped.push({ from: baseOffset, to: lastOffset + 1 });
    } else {
      const decoded = decodeBatch(bytes, at, maxDecompressedBytes);
      if (decoded.kind !== "decoded") {
        damage = decoded.message;
        break;
      }
      for (const record of decoded.records) {
        const { offset } = record;
        if (offset < fromOffset) continue;
        const id = idOf(record);
        if (id === null) strangers.push(offset);
        else records.push({ ...id, offset });
      }
    }
    nextOffset = Math.max(nextOffset, lastOffset + 1);
    at += size;
  }
  return { records, strangers, skipped, nextOffset, damage };
}
