import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { LogRange } from "../../../../broker/log/log-range.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import type { LogStore } from "../../../../broker/log/log-store.ts";
import {
  appendCommitted,
  batchOf,
  createLog,
  openTestStore,
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
  expect(range.materialise(0, 1_000, () => {})).not.toBeInstanceOf(Promise);
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
  const part = await range.materialise(0, 100_000, () => {});
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
  const part = await range.materialise(0, 100_000, () => {});
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
    const part = await range.materialise(0, 100_000, () => {
      givenUp += 1;
      part.release();
      range.release();
    });
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
      const part = await range.materialise(at, step, () => {});
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
  const part = await range.materialise(0, 100_000, () => {});
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
  await expect(range.materialise(0, 100_000, () => {})).rejects.toThrow(/damaged/);
  range.release();
  expect(log.failure).toMatch(/fails its checks/);
  expect(resigned).toEqual([log]);
  expect(
    log.read({ fromOffset: 1, maxBytes: 10, upToOffset: 2, atLeastOneBatch: true }),
  ).toMatchObject({ kind: "unavailable" });
  expect(other.failure).toBe(null);
  await store.close();
});
