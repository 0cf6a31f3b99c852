import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { PartitionLog, ReadResult } from "../../../../broker/log/partition-log.ts";
import {
  appendCommitted,
  appendValues,
  createLog,
  findLog,
  openTestStore,
  readRecords,
} from "./store-fixture.ts";

const unlimited = { retentionMs: -1, retentionBytes: -1 };

async function read(
  log: PartitionLog,
  fromOffset: number,
  maxBytes: number,
  atLeastOneBatch = true,
): Promise<ReadResult> {
  const result = await log.read({
    fromOffset,
    maxBytes,
    upToOffset: log.logEndOffset,
    atLeastOneBatch,
  });
  if (result.kind === "data") result.records.release();
  return result;
}

test("a read gives whole batches up to its limit, and one too large only where asked", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  for (const value of ["a", "b", "c"]) await appendCommitted(store, log, [value.repeat(500)]);
  const one = (await read(log, 0, 1)) as Extract<ReadResult, { kind: "data" }>;
  expect(one).toMatchObject({ kind: "data", baseOffset: 0, nextOffset: 1 });
  const size = one.records.byteLength;
  expect(await read(log, 0, 2 * size)).toMatchObject({ nextOffset: 2 });
  expect(await read(log, 0, 2 * size - 1)).toMatchObject({ nextOffset: 1 });
  expect(await read(log, 0, size - 1, false)).toEqual({ kind: "empty", nextBatchBytes: size });
  expect(await read(log, 3, 1_000)).toEqual({ kind: "empty", nextBatchBytes: 0 });
  expect(await read(log, 4, 1_000)).toEqual({ kind: "outOfRange" });
  await store.close();
});

test("a read inside a batch begins with that batch, and below the log start is out of range", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  await appendCommitted(store, log, ["a", "b", "c"]);
  await appendCommitted(store, log, ["d"]);
  expect(await read(log, 2, 1)).toMatchObject({ kind: "data", baseOffset: 0, nextOffset: 3 });
  await log.moveLogStart(2);
  expect(await read(log, 1, 1)).toEqual({ kind: "outOfRange" });
  expect(await read(log, 2, 1)).toMatchObject({ kind: "data", baseOffset: 0, nextOffset: 3 });
  await store.close();
});

test("a batch that ends above the limit is not given", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  await appendCommitted(store, log, ["a", "b"]);
  const limited = await log.read({
    fromOffset: 0,
    maxBytes: 1_000,
    upToOffset: 1,
    atLeastOneBatch: true,
  });
  expect(limited.kind).toBe("empty");
  await store.close();
});

test("an append under an epoch that was not begun is fenced", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = store.create("topic", 0);
  expect(appendValues(log, ["a"], { leaderEpoch: 3 })).toEqual({ kind: "fenced" });
  log.startLeaderEpoch(3);
  expect(appendValues(log, ["a"], { leaderEpoch: 2 })).toEqual({ kind: "fenced" });
  expect(appendValues(log, ["a"], { leaderEpoch: 3 }).kind).toBe("appended");
  await store.close();
});

/** 120 batches of 10 bytes and more with timestamps 1000, 2000...; some files' worth. */
async function timedLog(): Promise<{
  store: Awaited<ReturnType<typeof openTestStore>>["store"];
  log: PartitionLog;
}> {
  const disk = createMemoryDisk();
  const first = await openTestStore(disk);
  const log = createLog(first.store);
  for (let number = 0; number < 80; number += 1) {
    await appendCommitted(first.store, log, ["t".repeat(1_000), "u"], {
      timestamp: 1_000 * (number + 1),
    });
  }
  await first.store.close();
  const { store } = await openTestStore(disk);
  const found = findLog(store);
  for (let number = 80; number < 120; number += 1) {
    await appendCommitted(store, found, ["t".repeat(1_000), "u"], {
      timestamp: 1_000 * (number + 1),
    });
  }
  return { store, log: found };
}

test("offsets are found by time, in sealed files and in the open one", async () => {
  const { store, log } = await timedLog();
  expect(await log.findOffsetByTimestamp(0, 240)).toMatchObject({ offset: 0, timestamp: 1_000 });
  expect(await log.findOffsetByTimestamp(1_001, 240)).toMatchObject({
    offset: 1,
    timestamp: 1_001,
    leaderEpoch: 1,
  });
  expect(await log.findOffsetByTimestamp(50_500, 240)).toMatchObject({
    offset: 100,
    timestamp: 51_000,
  });
  expect(await log.findOffsetByTimestamp(119_002, 240)).toMatchObject({
    offset: 238,
    leaderEpoch: 2,
  });
  expect(await log.findOffsetByTimestamp(120_002, 240)).toBe(null);
  expect(await log.findOffsetByTimestamp(119_002, 238)).toBe(null);
  expect(await log.maxTimestampOffset(240)).toMatchObject({ offset: 239, timestamp: 120_001 });
  expect(await log.maxTimestampOffset(100)).toMatchObject({ offset: 99, timestamp: 50_001 });
  await store.close();
});

test("retention by time keeps every batch that is young enough", async () => {
  const { store, log } = await timedLog();
  const start = await log.retainedFrom({ ...unlimited, retentionMs: 60_000 }, 121_000);
  // Batch number 59 has 60,001 as its largest timestamp: what is older than 61,000 may go, as far as its file lets it.
  expect(start).toBeGreaterThan(0);
  expect(start).toBeLessThanOrEqual(120);
  expect(await log.retainedFrom({ ...unlimited, retentionMs: 5_000 }, 121_000)).toBe(230);
  expect(await log.retainedFrom(unlimited, 1e12)).toBe(0);
  await store.close();
});

test("a batch without a timestamp goes with the next that has expired, and keeps nothing behind it for ever", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  const settings = { ...unlimited, retentionMs: 60_000 };
  await appendCommitted(store, log, ["without"], { timestamp: -1 });
  expect(await log.retainedFrom(settings, 1e6)).toBe(0);
  for (const timestamp of [1_000, -1]) await appendCommitted(store, log, ["x"], { timestamp });
  expect(await log.retainedFrom(settings, 1e6)).toBe(2);
  await appendCommitted(store, log, ["young"], { timestamp: 1e6 });
  expect(await log.retainedFrom(settings, 1e6)).toBe(2);
  await store.close();
});

test("retention by size keeps at least that much, and the size follows the log start", async () => {
  const { store, log } = await timedLog();
  const before = log.sizeBytes;
  expect(before).toBeGreaterThan(120_000);
  const start = await log.retainedFrom({ ...unlimited, retentionBytes: 60_000 }, 0);
  expect(start).toBeGreaterThan(0);
  await log.moveLogStart(start);
  expect(log.sizeBytes).toBeGreaterThanOrEqual(60_000);
  expect(log.sizeBytes).toBeLessThan(before);
  let bytes = 0;
  for await (const batch of log.readBatches(start, log.logEndOffset)) bytes += batch.length;
  expect(log.sizeBytes).toBe(bytes);
  await store.close();
});

test("thousands of logs are found again as they were", async () => {
  let disk = createMemoryDisk();
  const large = { ringBytes: 8 << 20, chunkBytes: 1 << 20, fileBytes: 8 << 20 };
  let { store } = await openTestStore(disk, large);
  const names = Array.from({ length: 3_000 }, (_, number) => `topic number ${number}`);
  for (const [number, name] of names.entries()) {
    const log = createLog(store, name, number % 7);
    appendValues(
      log,
      Array.from({ length: 1 + (number % 3) }, () => name),
    );
  }
  await appendCommitted(store, store.partition(names[0]!, 0)!, ["last"]);
  for (const end of ["close", "crash", "close"]) {
    if (end === "close") await store.close();
    else disk = disk.crash();
    ({ store } = await openTestStore(disk, large));
    expect([...store.partitions()].length).toBe(names.length);
    for (const [number, name] of names.entries()) {
      const log = store.partition(name, number % 7);
      const count = 1 + (number % 3) + (number === 0 ? 1 : 0);
      expect(log).toMatchObject({ failure: null, logEndOffset: count, leaderEpoch: 1 });
    }
    const log = store.partition(names[2_999]!, 2_999 % 7)!;
    expect((await readRecords(log)).map(({ value }) => value)).toEqual(
      Array(3).fill("topic number 2999"),
    );
  }
  await store.close();
});
