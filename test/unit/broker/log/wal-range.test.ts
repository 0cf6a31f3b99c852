import { expect, test } from "vitest";
import { createMemoryDisk, type MemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { LogRange, MaterialisedBytes } from "../../../../broker/log/log-range.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import type { LogStore } from "../../../../broker/log/log-store.ts";
import { entryHeaderBytes } from "../../../../broker/log/wal-entry.ts";
import { batchSizeAt } from "../../../../protocol/records/batch.ts";
import {
  appendCommitted,
  appendValues,
  batchOf,
  createLog,
  openTestStore,
  reached,
  recordsOf,
  turns,
} from "./store-fixture.ts";

async function rangeAt(log: PartitionLog, fromOffset: number, maxBytes = 1): Promise<LogRange> {
  const read = await log.read({
    fromOffset,
    maxBytes,
    upToOffset: log.logEndOffset,
    atLeastOneBatch: true,
  });
  if (read.kind !== "data") throw new Error(read.kind);
  return read.records;
}

async function fill(
  store: LogStore,
  log: PartitionLog,
  count: number,
  size = 3_000,
): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    await appendCommitted(store, log, ["x".repeat(size)]);
  }
}

test("a read of what is in the ring is answered at once", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  await appendCommitted(store, log, ["a"]);
  const read = log.read({ fromOffset: 0, maxBytes: 100, upToOffset: 1, atLeastOneBatch: true });
  expect(read).toMatchObject({ kind: "data", baseOffset: 0, nextOffset: 1 });
  const range = (read as { records: LogRange }).records;
  expect(range.materialise(0, 1_000)).not.toBeInstanceOf(Promise);
  range.release();
  await store.close();
});

test("large batches are sent as slices of the ring, small ones in one copy", async () => {
  const { store } = await openTestStore(createMemoryDisk(), {
    ringBytes: 512 * 1024,
    chunkBytes: 32 * 1024,
    fileBytes: 256 * 1024,
  });
  const log = createLog(store);
  for (const size of [10, 20, 8_000, 30]) await appendCommitted(store, log, ["v".repeat(size)]);
  const range = await rangeAt(log, 0, 100_000);
  const part = await range.materialise(0, 100_000);
  expect(part.byteLength).toBe(range.byteLength);
  expect(part.chunks.map((chunk) => chunk.buffer instanceof SharedArrayBuffer)).toEqual([
    false,
    true,
    false,
  ]);
  part.release();
  range.release();
  await store.close();
});

test("bytes a stalled reader has not taken are not overwritten when the ring goes round", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  const { batch } = batchOf({ values: ["precious ".repeat(600)] });
  await appendCommitted(store, log, ["precious ".repeat(600)]);
  const range = await rangeAt(log, 0);
  const part = await range.materialise(0, 100_000);
  const before = Buffer.concat(part.chunks);
  await fill(store, log, 60);
  expect(Buffer.concat(part.chunks)).toEqual(before);
  expect(recordsOf(before)[0]!.value).toBe("precious ".repeat(600));
  expect(before.length).toBe(batch.length);
  part.release();
  range.release();
  await store.close();
});

test("a reader that holds too much of the ring is given up, and appends go on", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  let givenUp = 0;
  for (let held = 0; held < 6; held += 1) {
    const offset = await appendCommitted(store, log, ["h".repeat(7_000)]);
    const range = await rangeAt(log, offset);
    let part: MaterialisedBytes | null = null;
    range.queued(() => {
      givenUp += 1;
      part?.release();
      range.release();
    });
    part = await range.materialise(0, 100_000);
  }
  await fill(store, log, 60);
  expect(givenUp).toBeGreaterThan(0);
  expect(log.logEndOffset).toBe(66);
  expect(store.statistics().ringBytes).toBeLessThanOrEqual(64 * 1024);
  await store.close();
});

test("what has left the ring is read from disk, piece by piece, the same", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  const values = Array.from({ length: 12 }, (_, number) => `${number} ${"y".repeat(number * 700)}`);
  for (const value of values) await appendCommitted(store, log, [value]);
  const range = await rangeAt(log, 0, 1_000_000);
  await fill(store, log, 60);
  for (const step of [1, 777, 5_000, 100_000]) {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < range.byteLength;) {
      const part = await range.materialise(at, step);
      expect(part.byteLength).toBeGreaterThan(0);
      expect(part.byteLength).toBeLessThanOrEqual(step);
      parts.push(...part.chunks.map((chunk) => chunk.slice()));
      at += part.byteLength;
      part.release();
      if (step === 1 && at > 200) break;
    }
    if (step === 1) continue;
    const bytes = Buffer.concat(parts);
    expect(bytes.length).toBe(range.byteLength);
    expect(recordsOf(bytes)[0]!.value).toBe(values[0]);
  }
  range.release();
  await store.close();
});

test("a file that a reader may still want is not used again under it", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  await appendCommitted(store, log, ["wanted"]);
  const range = await rangeAt(log, 0);
  await fill(store, log, 60);
  await log.moveLogStart(log.highWatermark);
  await store.reclaim();
  expect(store.statistics().reclaimedFiles).toBeGreaterThan(0);
  await fill(store, log, 60);
  const part = await range.materialise(0, 100_000);
  expect(recordsOf(Buffer.concat(part.chunks))).toEqual([{ offset: 0, value: "wanted" }]);
  part.release();
  range.release();
  await turns(20);
  await store.close();
});

test("a batch damaged on disk is not sent: its log goes offline and says so", async () => {
  const disk = createMemoryDisk();
  const { store, resigned } = await openTestStore(disk);
  const log = createLog(store);
  const other = createLog(store, "other");
  await appendCommitted(store, other, ["fine"]);
  await appendCommitted(store, log, ["to be damaged"]);
  const range = await rangeAt(log, 0);
  await fill(store, log, 60);
  const file = (await disk.readFile("/wal/wal-0000000001.log"))!;
  disk.faults.flipBit("/wal/wal-0000000001.log", Buffer.from(file).indexOf("to be damaged"));
  await expect(range.materialise(0, 100_000)).rejects.toThrow(/damaged/);
  range.release();
  expect(log.failure).toMatch(/fails its checks/);
  expect(resigned).toEqual([log]);
  expect(
    log.read({ fromOffset: 1, maxBytes: 10, upToOffset: 2, atLeastOneBatch: true }),
  ).toMatchObject({ kind: "unavailable" });
  expect(other.failure).toBe(null);
  await store.close();
});

const kib = 1024;
/** How every entry in a WAL file begins. */
const entryMagic = "MYLE";

/** Batches of 100 KB, which are read in parts of 16 KiB at the most. */
async function openWithLargeBatches(disk: MemoryDisk, readBytes = 64 * kib) {
  const opened = await openTestStore(disk, {
    ringBytes: 512 * kib,
    chunkBytes: 32 * kib,
    fileBytes: 256 * kib,
    readBytes,
  });
  const log = createLog(opened.store);
  const values = [1, 2, 3].map((number) => `${number} `.repeat(50_000));
  for (const value of values) await appendCommitted(opened.store, log, [value]);
  return { ...opened, log, values };
}

/** Everything of the range from `at` on, in pieces, each let go of at once. */
async function readRest(range: LogRange, at = 0, step = 40 * kib): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  while (at < range.byteLength) {
    const part = await range.materialise(at, step);
    at += part.byteLength;
    if (at < range.byteLength) range.readAhead(at, step);
    parts.push(...part.chunks.map((chunk) => Uint8Array.from(chunk)));
    part.release();
  }
  return Buffer.concat(parts);
}

test("a batch larger than any buffer is read from disk in parts, the same", async () => {
  const { store, log, values } = await openWithLargeBatches(createMemoryDisk());
  const range = await rangeAt(log, 0, 1_000_000);
  await fill(store, log, 60, 10_000);
  const bytes = await readRest(range);
  let at = 0;
  for (const value of values) {
    expect(recordsOf(bytes.subarray(at))[0]!.value).toBe(value);
    at += batchSizeAt(bytes, at);
  }
  expect(at).toBe(range.byteLength);
  range.release();
  await store.close();
});

test("a batch that leaves memory in the middle of being sent goes on from disk", async () => {
  const { store, log, values } = await openWithLargeBatches(createMemoryDisk());
  const range = await rangeAt(log, 0);
  const first = await range.materialise(0, 30_000);
  const begun = Buffer.concat(first.chunks);
  await fill(store, log, 60, 10_000);
  const bytes = Buffer.concat([begun, await readRest(range, begun.length)]);
  first.release();
  expect(recordsOf(bytes)[0]!.value).toBe(values[0]);
  range.release();
  await store.close();
});

test.each(["its first part", "its last part"])(
  "of a batch damaged in %s the last bytes are never given",
  async (where) => {
    const disk = createMemoryDisk();
    const { store, log } = await openWithLargeBatches(disk);
    const range = await rangeAt(log, 0);
    await fill(store, log, 60, 10_000);
    const path = "/wal/wal-0000000001.log";
    const file = Buffer.from((await disk.readFile(path))!);
    const start = file.indexOf("1 1 1 1 ");
    disk.faults.flipBit(path, where === "its first part" ? start + 10 : start + 99_990);
    let at = 0;
    await expect(async () => {
      for (;;) {
        const part = await range.materialise(at, 1_000_000);
        at += part.byteLength;
        part.release();
      }
    }).rejects.toThrow(/damaged/);
    expect(at).toBeGreaterThan(50_000);
    expect(at).toBeLessThan(range.byteLength);
    expect(log.failure).toMatch(/fails its checks/);
    range.release();
    await store.close();
  },
);

// What the batch's own checksum leaves out: base offset (its highest byte makes it no number at all), length, leader epoch, magic.
test.each([0, 7, 8, 11, 12, 15, 16])(
  "a batch whose header is damaged in byte %i is not sent, however large it is",
  async (byte) => {
    for (const isLarge of [false, true]) {
      const disk = createMemoryDisk();
      const { store, log } = await openWithLargeBatches(disk);
      const offset = isLarge ? 0 : await appendCommitted(store, log, ["small one"]);
      const mark = isLarge ? "1 1 1 1 " : "small one";
      const range = await rangeAt(log, offset);
      await fill(store, log, 60, 10_000);
      const path = `/wal/wal-000000000${isLarge ? 1 : 2}.log`;
      const file = Buffer.from((await disk.readFile(path))!);
      const start = file.lastIndexOf(entryMagic, file.indexOf(mark)) + entryHeaderBytes;
      disk.faults.flipBit(path, start + byte, 6);
      await expect(readRest(range)).rejects.toThrow(/damaged/);
      expect(log.failure).toMatch(/fails its checks/);
      range.release();
      await store.close();
    }
  },
);

test("a piece read ahead is there at once, and let go of with the range if nobody asks for it", async () => {
  const { store, log } = await openWithLargeBatches(createMemoryDisk());
  const ranges = [await rangeAt(log, 0), await rangeAt(log, 0)];
  await fill(store, log, 60, 10_000);
  for (const range of ranges) {
    range.readAhead(0, 8 * kib);
    await turns(5);
  }
  const piece = ranges[0]!.materialise(0, 8 * kib);
  expect(piece).not.toBeInstanceOf(Promise);
  (piece as MaterialisedBytes).release();
  for (const range of ranges) range.release();
  await turns(5);
  expect(store.statistics().readBytes).toBe(0);
  await store.close();
});

test("readers that have stopped hold no more than the budget, and wait for one another", async () => {
  const { store, clock, log } = await openWithLargeBatches(createMemoryDisk());
  const ranges = [];
  for (let count = 0; count < 20; count += 1) ranges.push(await rangeAt(log, 0));
  await fill(store, log, 60, 10_000);
  const held: MaterialisedBytes[] = [];
  const givenUp: number[] = [];
  const all = ranges.map(async (range, number) => {
    range.queued(() => {
      givenUp.push(number);
      held[number]?.release();
    });
    held[number] = await range.materialise(0, 16 * kib);
  });
  await turns(20);
  // The first get much at a time, the next less, and then nothing is left.
  const isMuch = held.map(({ byteLength }) => byteLength > 4 * kib);
  expect(isMuch).toEqual([true, true, true, false, false, false, false]);
  expect(store.statistics().readBytes).toBe(64 * kib);
  await clock.advance(5_000);
  await Promise.all(all);
  // Who held the most for the longest made room for all others.
  expect(givenUp).toEqual([0, 1, 2, 3]);
  expect(store.statistics().readBytes).toBeLessThanOrEqual(64 * kib);
  for (const part of held.slice(givenUp.length)) part.release();
  for (const range of ranges) range.release();
  await store.close();
});

test("small batches are sent as slices of the ring when there is no memory to copy them to", async () => {
  const { store, log } = await openWithLargeBatches(createMemoryDisk());
  const cold = [];
  for (let count = 0; count < 7; count += 1) cold.push(await rangeAt(log, 0));
  await fill(store, log, 60, 10_000);
  const start = log.logEndOffset;
  for (const value of ["a", "b", "c"]) await appendCommitted(store, log, [value]);
  const hot = await rangeAt(log, start, 10_000);
  const copied = await hot.materialise(0, 10_000);
  expect(copied.chunks).toHaveLength(1);
  copied.release();
  const holders = [];
  for (const range of cold) holders.push(await range.materialise(0, 16 * kib));
  const sliced = await hot.materialise(0, 10_000);
  expect(sliced.chunks).toHaveLength(3);
  expect(recordsOf(Buffer.concat(sliced.chunks))[0]!.value).toBe("a");
  for (const part of [sliced, ...holders]) part.release();
  for (const range of [...cold, hot]) range.release();
  await store.close();
});

test("small batches read from disk are sent in one chunk, whatever lies between them", async () => {
  const { store } = await openTestStore(createMemoryDisk(), { ringBytes: 64 * kib });
  const log = createLog(store);
  const other = createLog(store, "other");
  const values = Array.from({ length: 20 }, (_, number) => `${number} `.repeat(20));
  for (const value of values) {
    await appendCommitted(store, log, [value]);
    await appendCommitted(store, other, ["between"]);
  }
  const range = await rangeAt(log, 0, 1_000_000);
  await fill(store, other, 60);
  const part = await range.materialise(0, 1_000_000);
  expect(part.chunks).toHaveLength(1);
  const found: string[] = [];
  for (let at = 0; at < part.byteLength; at += batchSizeAt(part.chunks[0]!, at)) {
    found.push(recordsOf(part.chunks[0]!.subarray(at))[0]!.value);
  }
  expect(found).toEqual(values);
  part.release();
  range.release();
  await store.close();
});

test("a full disk takes back a file that only a reader keeps, and the WAL goes on", async () => {
  const disk = createMemoryDisk();
  const { store, clock, log } = await openWithLargeBatches(disk);
  const slow = await rangeAt(log, 0);
  const slower = await rangeAt(log, 0);
  let givenUp = 0;
  for (const range of [slow, slower]) {
    range.queued(() => {
      givenUp += 1;
      range.release();
    });
  }
  for (let round = 0; round < 12; round += 1) {
    await fill(store, log, 10, 10_000);
    await log.moveLogStart(log.highWatermark);
    await store.reclaim();
    expect(givenUp).toBe(0);
  }
  // From now on everything that is appended stays, and the disk has no room but for the files there are.
  disk.faults.setCapacity(store.statistics().sizeOnDisk);
  let appendedAfter = 0;
  for (let second = 0; second < 20; second += 1) {
    for (;;) {
      const outcome = appendValues(log, ["z".repeat(10_000)]);
      if (outcome.kind !== "appended") break;
      await reached(log, outcome.lastOffset + 1);
      if (givenUp > 0) appendedAfter += 1;
    }
    await turns(20);
    await clock.advance(1_000);
  }
  expect(givenUp).toBe(2);
  // What the file holds.
  expect(appendedAfter).toBeGreaterThan(20);
  await store.close();
});
