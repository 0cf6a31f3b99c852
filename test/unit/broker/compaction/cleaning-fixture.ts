import {
  createCleaning,
  endCleaning,
  mapBatches,
  rewriteBatches,
} from "../../../../broker/compaction/cleaner.ts";
import type { CleaningJob, CleaningSummary } from "../../../../broker/compaction/cleaning-job.ts";
import { keyMapBytes } from "../../../../broker/compaction/key-map.ts";
import { baseOffsetAt, forEachBatch, stampBaseOffset } from "../../../../protocol/records/batch.ts";
import { buildBatch, type BatchOptions } from "../../../../protocol/records/build.ts";
import { buildTransactionMarker } from "../../../../protocol/records/control.ts";
import { decodeBatch } from "../../../../protocol/records/decode.ts";

/** `value` null: a tombstone. `key` null: a record without one. */
export type Entry = { key: string | null; value: string | null; timestamp?: number };

export const record = (key: string | null, value: string | null, timestamp = 1_000): Entry => ({
  key,
  value,
  timestamp,
});

export const batch = (
  baseOffset: number,
  entries: readonly Entry[],
  options: BatchOptions = {},
): Uint8Array =>
  buildBatch(
    entries.map(({ key, value, timestamp = 1_000 }) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp,
      headers: [{ key: "h", value: Buffer.from("1") }],
    })),
    { ...options, baseOffset },
  );

export const marker = (
  baseOffset: number,
  type: "commit" | "abort",
  producer: { producerId: number; producerEpoch?: number; timestamp?: number },
): Uint8Array => {
  const { producerId, producerEpoch = 0, timestamp = 1_000 } = producer;
  const bytes = buildTransactionMarker({
    type,
    producerId,
    producerEpoch,
    coordinatorEpoch: 1,
    timestamp,
  });
  stampBaseOffset(bytes, 0, baseOffset);
  return bytes;
};

export const jobWith = (changes: Partial<CleaningJob> = {}): CleaningJob => ({
  firstDirtyOffset: 0,
  endOffset: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 100,
  minCompactionLagMs: 0,
  nowMs: 10_000,
  aborted: [],
  producers: [],
  mapMemoryBytes: keyMapBytes(1_000),
  hashSeed: 7,
  maxDecompressedBytes: 1_000_000,
  ...changes,
});

export type Cleaned = { batches: Uint8Array[]; summary: CleaningSummary };

/** One whole run over these batches, a call for each. */
export function clean(batches: readonly Uint8Array[], changes: Partial<CleaningJob> = {}): Cleaned {
  const cleaning = createCleaning(jobWith(changes));
  for (const bytes of batches) {
    const mapped = mapBatches(cleaning, bytes);
    if (mapped.kind !== "mapped") throw new Error(mapped.message);
  }
  const out = batches.flatMap((bytes) => {
    const rewritten = rewriteBatches(cleaning, bytes);
    if (rewritten.kind !== "rewritten") throw new Error(rewritten.message);
    return split(rewritten.bytes);
  });
  return { batches: out, summary: endCleaning(cleaning) };
}

export const split = (bytes: Uint8Array): Uint8Array[] => {
  const batches: Uint8Array[] = [];
  const failure = forEachBatch(bytes, (at, size) => {
    batches.push(new Uint8Array(bytes.subarray(at, at + size)));
  });
  if (failure !== null) throw new Error(failure.message);
  return batches;
};

/** A record as tests write it down: `offset key=value`; `offset key` for a tombstone. */
export const recordsOf = (batches: readonly Uint8Array[]): string[] =>
  batches.flatMap((bytes) => {
    const decoded = decodeBatch(bytes, 0, 10_000_000);
    if (decoded.kind !== "decoded") throw new Error(decoded.message);
    return decoded.records.map(({ offset, key, value }) => {
      const name = key === null ? "-" : Buffer.from(key).toString();
      return `${offset} ${name}${value === null ? "" : `=${Buffer.from(value).toString()}`}`;
    });
  });

export const baseOffsetsOf = (batches: readonly Uint8Array[]): number[] =>
  batches.map((bytes) => baseOffsetAt(bytes, 0));
