// npm run bench:micro: what one batch costs the log, piece by piece: checksum, header, validation, ring, index. Median and spread of rounds in which the
// subjects take turns.
import { crc32 } from "node:zlib";
import { type BatchRules, validateBatch } from "../../broker/log/batch-validation.ts";
import { copyIn, createHotRing, reserve, slicesOf } from "../../broker/log/hot-ring.ts";
import { createWalFile } from "../../broker/log/wal-file.ts";
import {
  addRow,
  createFileIndex,
  pieceOf,
  placeOf,
  type Piece,
} from "../../broker/log/wal-index.ts";
import { batchFailureAt, isCrcValidAt } from "../../protocol/records/batch.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import { forEachRecord } from "../../protocol/records/records.ts";
import { batchHeaderBytes } from "../../protocol/records/batch.ts";
import { type Subject, timeAll, timingTable } from "./timing.ts";

const megabyte = 1024 * 1024;
const nowMs = Date.now();

const batchOf = (count: number, valueBytes: number): Uint8Array =>
  buildBatch(
    Array.from({ length: count }, () => ({
      key: null,
      value: Buffer.alloc(valueBytes, 120),
      timestamp: nowMs,
    })),
  );

/** A topic's defaults. */
const rules: BatchRules = {
  maxMessageBytes: 1_048_588,
  segmentBytes: 1_073_741_824,
  isCompacted: false,
  compressionType: "producer",
  timestampType: "CreateTime",
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  checksRecords: false,
  maxDecompressedBytes: 64 * megabyte,
};

const small = batchOf(20, 100);
const large = batchOf(970, 1000);
const batches = [
  { name: "20 x 100 B", batch: small, count: 20 },
  { name: "970 x 1 KB", batch: large, count: 970 },
];

function repeat(name: string, bytes: number | null, work: () => unknown): Subject {
  return {
    name,
    ...(bytes === null ? {} : { bytes }),
    run(count) {
      let last: unknown;
      for (let index = 0; index < count; index++) last = work();
      return last;
    },
  };
}

const checksums = [64, 2_700, 64 * 1024, megabyte].flatMap((size) => {
  const bytes = Buffer.alloc(size, 7);
  return [
    repeat(`CRC32C of ${size} B`, size, () => crc32c(bytes)),
    // Another polynomial, no use for Kafka: how fast a checksum by Node's own code is.
    repeat(`zlib's CRC32 of ${size} B`, size, () => crc32(bytes)),
  ];
});

const validation = batches.flatMap(({ name, batch, count }) => [
  repeat(`header checks, ${name}`, null, () => batchFailureAt(batch, 0)),
  repeat(`CRC of the batch, ${name}`, batch.length, () => isCrcValidAt(batch, 0)),
  repeat(`walk the records, ${name}`, batch.length, () =>
    forEachRecord(batch, { from: batchHeaderBytes, count, offsets: "dense" }, () => {}),
  ),
  repeat(`validate whole, ${name}`, batch.length, () =>
    validateBatch(batch, rules, { produceVersion: 9, nowMs }),
  ),
]);

function ringSubjects(): Subject[] {
  const ring = createHotRing({ ringBytes: 128 * megabyte, chunkBytes: megabyte });
  let end = 0;
  const append = (batch: Uint8Array): number => {
    // Everything is in its file at once: this times the ring, not the disk.
    ring.writtenEnd = end;
    if (!reserve(ring, end, batch.length)) throw new Error("the ring has no room");
    copyIn(ring, end, batch);
    end += batch.length;
    return end;
  };
  return batches.flatMap(({ name, batch }) => [
    repeat(`ring append, ${name}`, batch.length, () => append(batch)),
    repeat(`ring slices, ${name}`, null, () => slicesOf(ring, end - batch.length, batch.length)),
  ]);
}

function indexSubjects(): Subject[] {
  const index = createFileIndex();
  const options = { sequence: 1, path: "", fileBytes: 128 * megabyte, address: 0, handle: null };
  const file = createWalFile(options);
  const pieces = Array.from({ length: 1000 }, (_, partition) =>
    pieceOf(file, index, partition, false),
  );
  const rowCount = 50_000;
  const row = (base: number, position: number): Parameters<typeof addRow>[1] => ({
    baseOffset: base,
    lastOffset: base + 19,
    maxTimestamp: nowMs,
    position,
    size: 2_700,
  });
  for (let at = 0; at < rowCount; at++)
    addRow(pieces[at % 1000]!, row(Math.floor(at / 1000) * 20, at * 2_700));
  const one = pieceOf(file, createFileIndex(), 1, false);
  for (let at = 0; at < rowCount; at++) addRow(one, row(at * 20, at * 2_700));
  let offset = 0;
  const lookUp = (piece: Piece, last: number): number => {
    offset = (offset + 7_919) % last;
    return placeOf(piece, offset);
  };
  return [
    repeat("index look-up, 50 batches of a partition", null, () =>
      lookUp(pieces[offset % 1000]!, 1_000),
    ),
    repeat("index look-up, 50,000 batches of a partition", null, () => lookUp(one, rowCount * 20)),
    repeat("index look-up at the end", null, () => placeOf(one, rowCount * 20)),
    {
      name: "index add",
      run(count) {
        // A new index for every run: one that grew for ever would time the garbage collector.
        const fresh = pieceOf(file, createFileIndex(), 1, false);
        for (let at = 0; at < count; at++) addRow(fresh, row(at * 20, 0));
        return fresh;
      },
    },
  ];
}

for (const subjects of [checksums, validation, ringSubjects(), indexSubjects()])
  console.log(`${timingTable(timeAll(subjects))}\n`);
