import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import {
  appendCommitted,
  appendValues,
  createLog,
  findLog,
  openTestStore,
  readRecords,
  reached,
  turns,
} from "./store-fixture.ts";

test("a log of durability replicated is acknowledged by the write, one of fsync by the flush", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const written = createLog(store, "written");
  const flushed = createLog(store, "flushed");
  const release = disk.faults.hold("flush");
  appendValues(written, ["a"], { durability: "replicated" });
  appendValues(flushed, ["b"], { durability: "fsync" });
  await reached(written, 1);
  await turns(50);
  expect(flushed.logEndOffset).toBe(0);
  release();
  await reached(flushed, 1);
  await store.close();
});

test("what is only written is flushed within the interval", async () => {
  let disk = createMemoryDisk();
  const { store, clock } = await openTestStore(disk, { flushIntervalMs: 500 });
  const log = createLog(store);
  await appendCommitted(store, log, ["a"], { durability: "replicated" });
  expect(store.statistics().flushes).toBe(0);
  await clock.advance(500);
  await turns(20);
  expect(store.statistics().flushes).toBe(1);
  disk = disk.crash({ lostUnflushed: true });
  const again = await openTestStore(disk);
  expect(await readRecords(findLog(again.store))).toEqual([{ offset: 0, value: "a" }]);
  await again.store.close();
});

/** The first is being flushed, because the interval is over, when the second is committed. */
async function writtenBesideFlush(first: string, second: string) {
  const disk = createMemoryDisk();
  const { store, clock, fatal } = await openTestStore(disk, { flushIntervalMs: 500 });
  const log = createLog(store);
  await appendCommitted(store, log, [first], { durability: "replicated" });
  const release = disk.faults.hold("flush");
  await clock.advance(500);
  await appendCommitted(store, log, [second], { durability: "replicated" });
  return { disk, store, clock, fatal, log, release };
}

test("commits go on beside the interval's flush; who asks for a flush has all of it", async () => {
  const { disk, store, release } = await writtenBesideFlush("a", "b");
  const flushed = createLog(store, "flushed");
  appendValues(flushed, ["c"], { durability: "fsync" });
  await turns(50);
  expect(flushed.logEndOffset).toBe(0);
  expect(store.statistics().flushes).toBe(0);
  release();
  await reached(flushed, 1);
  expect(store.statistics().flushes).toBe(2);
  const again = await openTestStore(disk.crash({ lostUnflushed: true }));
  expect(await readRecords(findLog(again.store))).toEqual([
    { offset: 0, value: "a" },
    { offset: 1, value: "b" },
  ]);
  await again.store.close();
});

test("what was written beside a flush is not part of it, and flushed by the next interval", async () => {
  const crashed = async (intervals: number) => {
    const { disk, clock, release } = await writtenBesideFlush("a", "b");
    release();
    await turns(20);
    for (let count = 1; count < intervals; count += 1) {
      await clock.advance(500);
      await turns(20);
    }
    const again = await openTestStore(disk.crash({ lostUnflushed: true }));
    const records = await readRecords(findLog(again.store));
    await again.store.close();
    return records.map(({ value }) => value);
  };
  expect(await crashed(1)).toEqual(["a"]);
  expect(await crashed(2)).toEqual(["a", "b"]);
});

test("what was written beside a flush is not claimed to be on the disk: lost with the power it is a torn end, and no damage", async () => {
  const large = (name: string) => name.repeat(9_000);
  const { disk, store, log, release } = await writtenBesideFlush(large("a"), large("b"));
  release();
  await turns(20);
  // Its header says how far the file is flushed.
  await appendCommitted(store, log, [large("c")], { durability: "replicated" });
  const lives = new Set<number>();
  for (let seed = 1; seed <= 40; seed += 1) {
    const again = await openTestStore(disk.crash({ reorderPages: true, seed }));
    const records = await readRecords(findLog(again.store));
    expect(records[0]?.value?.[0]).toBe("a");
    lives.add(records.length);
    await again.store.close();
  }
  expect(lives).toContain(1);
});

test("a flush that fails beside commits is the end: nothing that follows is acknowledged", async () => {
  const { disk, store, fatal, log, release } = await writtenBesideFlush("a", "b");
  disk.faults.failNext("flush");
  const releaseWrites = disk.faults.hold("write");
  appendValues(log, ["c"], { durability: "replicated" });
  await turns(20);
  release();
  await turns(20);
  expect(fatal).toHaveLength(1);
  releaseWrites();
  await turns(20);
  expect(log.logEndOffset).toBe(2);
  expect(appendValues(log, ["d"]).kind).not.toBe("appended");
  expect(fatal).toHaveLength(1);
  await store.close();
});

test.each([
  [
    "failed",
    (disk: ReturnType<typeof createMemoryDisk>) => disk.faults.failNext("write", { path: "wal-" }),
  ],
  [
    "short",
    (disk: ReturnType<typeof createMemoryDisk>) =>
      disk.faults.shortWriteNext(100, { path: "wal-" }),
  ],
])(
  "after a %s write the leader resigns, its offsets are given out only under a newer epoch",
  async (_, fail) => {
    let disk = createMemoryDisk();
    const { store, resigned, fatal } = await openTestStore(disk);
    const log = createLog(store);
    await appendCommitted(store, log, ["kept"]);
    fail(disk);
    expect(appendValues(log, ["lost"])).toEqual({ kind: "appended", baseOffset: 1, lastOffset: 1 });
    await turns(50);
    expect(resigned).toEqual([log]);
    expect(fatal).toEqual([]);
    expect(log.logEndOffset).toBe(1);
    expect(log.nextOffset).toBe(1);
    expect(appendValues(log, ["refused"], { leaderEpoch: 1 })).toEqual({ kind: "fenced" });
    log.startLeaderEpoch(1);
    expect(appendValues(log, ["refused"], { leaderEpoch: 1 })).toEqual({ kind: "fenced" });
    log.startLeaderEpoch(2);
    expect(await appendCommitted(store, log, ["new"])).toBe(1);
    expect(log.epochEndOffset(1)).toEqual({ epoch: 1, endOffset: 1 });
    const expected = [
      { offset: 0, value: "kept" },
      { offset: 1, value: "new" },
    ];
    expect(await readRecords(log)).toEqual(expected);
    disk = disk.crash();
    const again = await openTestStore(disk);
    expect(await readRecords(findLog(again.store))).toEqual(expected);
    await again.store.close();
  },
);

test("a retry of a batch lost in a failed write is no duplicate", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  const producer = { id: 7, epoch: 0, sequence: 0 };
  await appendCommitted(store, log, ["first"], { producer });
  disk.faults.failNext("write", { path: "wal-" });
  appendValues(log, ["second"], { producer: { ...producer, sequence: 1 } });
  await turns(50);
  expect(log.producers.producers.get(7)!.batches.map((batch) => batch.firstSequence)).toEqual([0]);
  await store.close();
});

test("a declaration in a failed write is made again: the log is found at the next start", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  disk.faults.failNext("write", { path: "wal-" });
  const log = createLog(store);
  await turns(50);
  await appendCommitted(store, log, ["a"]);
  disk = disk.crash();
  const again = await openTestStore(disk);
  expect(await readRecords(findLog(again.store))).toEqual([{ offset: 0, value: "a" }]);
  await again.store.close();
});

test("a disk that will never write again is the end, not a write to be tried anew", async () => {
  const disk = createMemoryDisk();
  const { store, resigned, fatal } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["a"]);
  disk.faults.failNext("write", { path: "wal-", code: "closed" });
  appendValues(log, ["b"]);
  await turns(50);
  expect(fatal.length).toBe(1);
  expect(resigned).toEqual([]);
  expect(log.logEndOffset).toBe(1);
});

test("a failed flush is the end: nothing is acknowledged any more and the process is told to stop", async () => {
  const disk = createMemoryDisk();
  const { store, fatal } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["kept"]);
  disk.faults.failNext("flush", { path: "wal-" });
  appendValues(log, ["lost"]);
  await turns(50);
  expect(fatal.length).toBe(1);
  expect(log.logEndOffset).toBe(1);
  expect(store.refusal).not.toBe(null);
  expect(appendValues(log, ["more"]).kind).toBe("unavailable");
  await turns(50);
  expect(log.logEndOffset).toBe(1);
  await store.close();
});

test.each([
  ["that it waits for", 0],
  ["beside the write that it waits for", 500],
])("who waits for a flush is told when one fails %s", async (_, intervalMs) => {
  const disk = createMemoryDisk();
  const { store, clock, fatal } = await openTestStore(disk, { flushIntervalMs: 500 });
  const log = createLog(store);
  await appendCommitted(store, log, ["a"], { durability: "replicated" });
  const release = disk.faults.hold("flush");
  await clock.advance(intervalMs);
  disk.faults.failNext("flush");
  const releaseWrites = disk.faults.hold("write");
  appendValues(log, ["b"], { durability: "replicated" });
  let isClosed = false;
  void store.close().then(() => (isClosed = true));
  await turns(20);
  release();
  await turns(20);
  releaseWrites();
  await turns(50);
  expect(fatal).toHaveLength(1);
  expect(isClosed).toBe(true);
});

test("a full disk refuses appends, loses nothing, and passes when there is room again", async () => {
  let disk = createMemoryDisk();
  const { store, clock, fatal } = await openTestStore(disk, { poolFiles: 0, minFreeBytes: 40_000 });
  const log = createLog(store);
  disk.faults.setCapacity(150_000);
  const expected: { offset: number; value: string }[] = [];
  let refusal: string | null = null;
  for (let number = 0; number < 200 && refusal === null; number += 1) {
    const value = `${number} ${"z".repeat(2_000)}`;
    await store.room(2_200);
    const outcome = appendValues(log, [value]);
    if (outcome.kind === "appended") {
      await reached(log, outcome.lastOffset + 1);
      expected.push({ offset: outcome.baseOffset, value });
    } else refusal = outcome.kind === "unavailable" ? outcome.reason : outcome.kind;
  }
  expect(refusal).toMatch(/disk is full/);
  expect(expected.length).toBeGreaterThan(20);
  disk.faults.setCapacity(2 ** 30);
  await clock.advance(2_000);
  await turns(50);
  expect(store.refusal).toBe(null);
  const offset = await appendCommitted(store, log, ["again"]);
  expected.push({ offset, value: "again" });
  expect(offset).toBe(expected.length - 1);
  expect(fatal).toEqual([]);
  disk = disk.crash();
  const again = await openTestStore(disk);
  expect(await readRecords(findLog(again.store))).toEqual(expected);
  await again.store.close();
});

test("appends wait for room in the order they came, and none is lost", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["start"]);
  const release = disk.faults.hold("write", { path: "wal-" });
  const order: number[] = [];
  const waits = Array.from({ length: 40 }, async (_, number) => {
    await store.room(4_100);
    order.push(number);
    expect(appendValues(log, [`${number} ${"w".repeat(4_000)}`]).kind).toBe("appended");
  });
  await turns(20);
  expect(order.length).toBeLessThan(20);
  expect(store.hasRoom(4_100)).toBe(false);
  expect(store.statistics().ringBytes).toBeLessThanOrEqual(64 * 1024);
  release();
  await Promise.all(waits);
  expect(order).toEqual(Array.from({ length: 40 }, (_, number) => number));
  await reached(log, 41);
  await store.close();
});

test("who was let in has room when it looks again", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  let waits = 0;
  for (let number = 0; number < 100; number += 1) {
    while (!store.hasRoom(4_100)) {
      await store.room(4_100);
      waits += 1;
      expect(store.hasRoom(4_100)).toBe(true);
    }
    expect(appendValues(log, ["h".repeat(4_000)]).kind).toBe("appended");
  }
  expect(waits).toBeGreaterThan(0);
  await reached(log, 100);
  await store.close();
});

test("a batch as large as the store takes spans chunks and is read back", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  const value = "L".repeat(store.maxBatchBytes - 80);
  await appendCommitted(store, log, ["before"]);
  await appendCommitted(store, log, [value]);
  await appendCommitted(store, log, ["after"]);
  expect((await readRecords(log)).map((record) => record.value.length)).toEqual([
    6,
    value.length,
    5,
  ]);
  expect(appendValues(log, ["x".repeat(store.maxBatchBytes)])).toMatchObject({
    kind: "unavailable",
  });
  await store.close();
});
