// npm run bench:micro: what compaction costs one core, a record and a byte: taking a dirty section into the key map, and writing a log anew of which half of the
// records are outdone; batches uncompressed and of zstd.
import { createCleaning, mapBatches, rewriteBatches } from "../../broker/compaction/cleaner.ts";
import type { CleaningJob } from "../../broker/compaction/cleaning-job.ts";
import { keyMapBytes } from "../../broker/compaction/key-map.ts";
import type { Codec } from "../../protocol/compression/codec.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { median, threeDigits } from "../harness/statistics.ts";

const recordsPerBatch = 100;
const batchCount = 400;
const recordCount = batchCount * recordsPerBatch;
const valueBytes = 200;

/** Keys of 16 bytes: each once in the first half of the log, and every second of them again, twice, in the second. */
const keyOf = (index: number): Uint8Array => {
  const half = recordCount / 2;
  const key = index < half ? index : (index - half) * 2;
  return Buffer.from(`key-${String(key % half).padStart(12, "0")}`);
};

/** Every fourth byte is as good as random, the rest repeats, as text does. */
const valueOf = (index: number): Uint8Array => {
  const value = Buffer.alloc(valueBytes, "the quick brown fox ");
  for (let at = 0; at < valueBytes; at += 4) value[at] = Math.imul(index + at, 0x9e3779b1) >>> 24;
  return value;
};

function logOf(codec: Codec): Uint8Array {
  const batches = Array.from({ length: batchCount }, (_, batch) => {
    const first = batch * recordsPerBatch;
    const records = Array.from({ length: recordsPerBatch }, (__, index) => ({
      key: keyOf(first + index),
      value: valueOf(first + index),
      timestamp: first + index,
    }));
    return buildBatch(records, { codec, baseOffset: first });
  });
  return Buffer.concat(batches);
}

const job: CleaningJob = {
  firstDirtyOffset: 0,
  endOffset: recordCount,
  deleteRetentionMs: 86_400_000,
  minCompactionLagMs: 0,
  nowMs: 1_000_000,
  aborted: [],
  producers: [],
  mapMemoryBytes: keyMapBytes(recordCount),
  hashSeed: 1,
  maxDecompressedBytes: 64 * 1024 * 1024,
};

/** Milliseconds of the two passes, over a log in one piece. */
function passes(log: Uint8Array, dirtyFrom: number): { mapMs: number; rewriteMs: number } {
  const cleaning = createCleaning({ ...job, firstDirtyOffset: dirtyFrom });
  const startedAt = performance.now();
  const mapped = mapBatches(cleaning, log);
  const mappedAt = performance.now();
  const rewritten = rewriteBatches(cleaning, log);
  const rewriteMs = performance.now() - mappedAt;
  if (mapped.kind !== "mapped" || rewritten.kind !== "rewritten") throw new Error("a bad log");
  return { mapMs: mappedAt - startedAt, rewriteMs };
}

const rounds = 15;

function rowsOf(codec: Codec): string[][] {
  const log = logOf(codec);
  const samples = Array.from({ length: rounds + 3 }, () => passes(log, 0)).slice(3);
  // Nothing is outdone where nothing is mapped: each batch is read, and goes on as it is.
  const idle = Array.from({ length: rounds + 3 }, () => passes(log, recordCount)).slice(3);
  const row = (name: string, ms: number): string[] => [
    `${name}, ${codec}`,
    threeDigits(log.length / 1e6 / (ms / 1_000)),
    threeDigits(recordCount / 1_000 / ms),
  ];
  return [
    row("map", median(samples.map(({ mapMs }) => mapMs))),
    row("rewrite, half outdone", median(samples.map(({ rewriteMs }) => rewriteMs))),
    row("rewrite, nothing outdone", median(idle.map(({ rewriteMs }) => rewriteMs))),
  ];
}

console.log(
  markdownTable(
    ["work on one core", "MB/s as stored", "million records/s"],
    (["none", "zstd"] as const).flatMap(rowsOf),
  ),
);
