import { expect, test } from "vitest";
import { createMemoryDisk, type MemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { LogStore } from "../../../../broker/log/log-store.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import {
  appendCommitted,
  appendValues,
  createLog,
  directory,
  findLog,
  openTestStore,
  reached,
  readRecords,
  turns,
} from "./store-fixture.ts";

const valuesOf = async (log: PartitionLog): Promise<string[]> =>
  (await readRecords(log)).map((record) => record.value);

async function fileWith(disk: MemoryDisk, text: string): Promise<{ path: string; at: number }> {
  for (const name of await disk.list(directory)) {
    if (!name.startsWith("wal-")) continue;
    const path = `${directory}/${name}`;
    const at = Buffer.from((await disk.readFile(path))!).indexOf(text);
    if (at >= 0) return { path, at };
  }
  throw new Error(`no file holds ${text}`);
}

async function appendEach(store: LogStore, log: PartitionLog, values: string[]): Promise<void> {
  for (const value of values) await appendCommitted(store, log, [value]);
}

test("a torn last write is cut off, and appending goes on behind what is whole", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  await appendEach(store, log, ["a", "b"]);
  disk.faults.shortWriteNext(90, { path: "wal-" });
  appendValues(log, ["torn"]);
  disk = disk.crash();
  const again = await openTestStore(disk);
  const found = findLog(again.store);
  expect(found.failure).toBe(null);
  expect(await valuesOf(found)).toEqual(["a", "b"]);
  expect(await appendCommitted(again.store, found, ["c"])).toBe(2);
  await again.store.close();
});

test("what a first start cut off does not come back at a second", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["flushed"]);
  // The first that need not be flushed is, because the log says otherwise until then.
  await appendCommitted(store, log, ["as well"], { durability: "replicated" });
  for (const value of ["lost ".repeat(900), "survives by luck", "so does this"]) {
    await appendCommitted(store, log, [value], { durability: "replicated" });
  }
  // The host crashed and one page of the first unflushed batch never reached the disk.
  const { path, at } = await fileWith(disk, "lost lost");
  disk.faults.flipBit(path, at + 1_000);
  const kept = disk.crash();
  await kept.writeFile(`${directory}/boot`, Buffer.from("an earlier boot"));
  let again = await openTestStore(kept);
  expect(await valuesOf(findLog(again.store))).toEqual(["flushed", "as well"]);
  disk = kept;
  for (let restart = 0; restart < 3; restart += 1) {
    disk = disk.crash();
    again = await openTestStore(disk);
    expect(await valuesOf(findLog(again.store))).toEqual(["flushed", "as well"]);
  }
  expect(await appendCommitted(again.store, findLog(again.store), ["next"])).toBe(2);
  await again.store.close();
});

test("a flipped bit in front of what was flushed takes the log offline, not its end", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  const other = createLog(store, "other");
  await appendCommitted(store, other, ["untouched"]);
  await appendEach(store, log, ["first", "damaged here", "third"]);
  await appendCommitted(store, other, ["untouched as well"]);
  const { path, at } = await fileWith(disk, "damaged here");
  disk.faults.flipBit(path, at);
  for (let start = 0; start < 2; start += 1) {
    disk = disk.crash();
    const again = await openTestStore(disk);
    const found = again.store.partition("topic", 0)!;
    expect(found.failure).toMatch(/damaged at/);
    found.startLeaderEpoch(9);
    expect(appendValues(found, ["x"], { leaderEpoch: 9 })).toMatchObject({ kind: "unavailable" });
    expect(
      await found.read({ fromOffset: 0, maxBytes: 10, upToOffset: 1, atLeastOneBatch: true }),
    ).toMatchObject({ kind: "unavailable" });
    expect(await valuesOf(findLog(again.store, "other"))).toEqual([
      "untouched",
      "untouched as well",
    ]);
  }
});

test("a damaged entry header is traced to its log by the entry behind it", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  const other = createLog(store, "other");
  await appendCommitted(store, other, ["untouched"]);
  await appendCommitted(store, log, ["header damaged"]);
  await appendCommitted(store, other, ["behind"]);
  const { path, at } = await fileWith(disk, "header damaged");
  // The entry's header ends where the batch, of 61 bytes and a few of the record, begins.
  disk.faults.flipBit(path, at - 61 - 40);
  disk = disk.crash();
  const again = await openTestStore(disk);
  expect(again.store.partition("topic", 0)!.failure).toMatch(/damaged at/);
  expect(await valuesOf(findLog(again.store, "other"))).toEqual(["untouched", "behind"]);
  await again.store.close();
});

test("after a process crash a hole in front of a later commit is damage, even if nothing was flushed", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  for (const value of ["one", "two, to be damaged", "three"]) {
    await appendCommitted(store, log, [value], { durability: "replicated" });
  }
  const { path, at } = await fileWith(disk, "two, to be");
  disk.faults.flipBit(path, at);
  disk = disk.crash();
  const again = await openTestStore(disk);
  expect(again.store.partition("topic", 0)!.failure).toMatch(/damaged at/);
  await again.store.close();
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "pages that reached the disk in any order give a prefix, whole and with all that was flushed (%i)",
  async (seed) => {
    let disk = createMemoryDisk();
    const { store } = await openTestStore(disk, { flushIntervalMs: 1e9 });
    const log = createLog(store);
    await appendCommitted(store, log, ["flushed"]);
    const written = ["flushed"];
    for (let number = 0; number < 6; number += 1) {
      written.push(`${number} ${"p".repeat(3_000)}`);
      await appendCommitted(store, log, [written.at(-1)!], { durability: "replicated" });
    }
    disk = disk.crash({ reorderPages: true, lostUnflushed: true, seed });
    const again = await openTestStore(disk);
    const found = findLog(again.store);
    expect(found.failure).toBe(null);
    const values = await valuesOf(found);
    expect(values).toEqual(written.slice(0, values.length));
    expect(values.length).toBeGreaterThanOrEqual(1);
    await again.store.close();
  },
);

test("the ghosts of a recycled file do not come back", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  for (let round = 0; round < 10; round += 1) {
    for (let number = 0; number < 40; number += 1) {
      await appendCommitted(store, log, [`ghost ${round} ${number} ${"g".repeat(1_000)}`]);
    }
    await log.moveLogStart(log.highWatermark);
    await store.reclaim();
  }
  expect(store.statistics().reclaimedFiles).toBeGreaterThan(4);
  const start = log.logStartOffset;
  const offset = await appendCommitted(store, log, ["alive"]);
  disk = disk.crash();
  const again = await openTestStore(disk);
  const found = findLog(again.store);
  expect(found.logStartOffset).toBe(start);
  expect(found.logEndOffset).toBe(offset + 1);
  expect(await readRecords(found)).toEqual([{ offset, value: "alive" }]);
  await again.store.close();
});

test("log starts, epochs and producers are found again, with and without a clean end", async () => {
  for (const isClean of [true, false]) {
    let disk = createMemoryDisk();
    const { store } = await openTestStore(disk);
    const log = createLog(store);
    const producer = { id: 5, epoch: 2, sequence: 0 };
    await appendCommitted(store, log, ["a", "b"], { producer });
    log.startLeaderEpoch(4);
    await appendCommitted(store, log, ["c"], { producer: { ...producer, sequence: 2 } });
    expect(await log.moveLogStart(1)).toBe(true);
    if (isClean) await store.close();
    else disk = disk.crash();
    const again = await openTestStore(disk);
    const found = again.store.partition("topic", 0)!;
    expect(found).toMatchObject({
      logStartOffset: 1,
      nextOffset: 3,
      logEndOffset: 3,
      leaderEpoch: 4,
    });
    expect(found.epochEndOffset(1)).toEqual({ epoch: 1, endOffset: 2 });
    expect(found.producers.producers.get(5)).toMatchObject({ epoch: 2 });
    expect(found.producers.producers.get(5)!.batches.map((batch) => batch.lastSequence)).toEqual([
      1, 2,
    ]);
    await again.store.close();
  }
});

test("a dropped log stays dropped, and its name can be used anew", async () => {
  let disk = createMemoryDisk();
  let { store } = await openTestStore(disk);
  await appendCommitted(store, createLog(store), ["old"]);
  store.drop("topic", 0);
  expect(store.partition("topic", 0)).toBe(undefined);
  const log = createLog(store);
  expect(await appendCommitted(store, log, ["new"])).toBe(0);
  disk = disk.crash();
  ({ store } = await openTestStore(disk));
  expect(await valuesOf(findLog(store))).toEqual(["new"]);
  store.drop("topic", 0);
  await store.close();
  ({ store } = await openTestStore(disk));
  expect([...store.partitions()]).toEqual([]);
  await store.close();
});

test("a start replays the last file only, however much is retained", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  for (let number = 0; number < 400; number += 1)
    await appendCommitted(store, log, ["r".repeat(1_000)]);
  disk = disk.crash();
  const messages: Record<string, unknown>[] = [];
  const note = (message: string, fields?: Record<string, unknown>): void => {
    if (message === "recovered the log") messages.push(fields!);
  };
  const again = await openTestStore(disk, {
    log: { debug() {}, info: note, warn() {}, error() {} },
  });
  expect(messages[0]).toMatchObject({ partitions: 1 });
  expect(messages[0]!["files"]).toBeGreaterThan(12);
  expect(messages[0]!["replayedBytes"]).toBeLessThanOrEqual(2 * 32 * 1024);
  await again.store.close();
});

test("a damaged footer is read anew from the entries", async () => {
  const disk = createMemoryDisk();
  let { store } = await openTestStore(disk);
  const log = createLog(store);
  const values = Array.from({ length: 60 }, (_, number) => `${number} ${"f".repeat(1_000)}`);
  for (const value of values) await appendCommitted(store, log, [value]);
  await store.close();
  disk.faults.flipBit(`${directory}/wal-0000000001.log`, 32 * 1024 - 30);
  ({ store } = await openTestStore(disk));
  expect(findLog(store).failure).toBe(null);
  expect(await valuesOf(findLog(store))).toEqual(values);
  await store.close();
});

test("a second process is kept out of the directory", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  await expect(openTestStore(disk)).rejects.toThrow(/in use by another process/);
  await store.close();
  const { store: next } = await openTestStore(disk);
  await next.close();
});

test("a lost checkpoint is not taken for an empty broker", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  for (let number = 0; number < 80; number += 1)
    await appendCommitted(store, log, ["c".repeat(1_000)]);
  await store.close();
  const again = await openTestStore(disk);
  const found = findLog(again.store);
  found.advanceHighWatermark(80);
  await found.moveLogStart(60);
  await again.store.reclaim();
  expect(again.store.statistics().reclaimedFiles).toBeGreaterThan(0);
  await appendCommitted(again.store, found, ["more"]);
  const crashed = disk.crash();
  await crashed.remove(`${directory}/checkpoint`);
  await expect(openTestStore(crashed)).rejects.toThrow(/the log has a hole/);
});

test("a truncation is found again, and rolls back epochs and producers", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk, { isFollower: true });
  const log = createLog(store);
  const producer = { id: 3, epoch: 0, sequence: 0 };
  appendValues(log, ["a"], { producer });
  log.startLeaderEpoch(2);
  appendValues(log, ["b"], { producer: { ...producer, sequence: 1 } });
  expect(await log.truncateTo(1)).toBe(true);
  expect(log.nextOffset).toBe(1);
  expect(log.leaderEpoch).toBe(1);
  log.startLeaderEpoch(3);
  await reached(log, 1);
  await turns(50);
  expect(log.producers.producers.get(3)!.batches.length).toBe(1);
  await appendCommitted(store, log, ["c"]);
  const expected = ["a", "c"];
  expect(await valuesOf(log)).toEqual(expected);
  disk = disk.crash();
  const again = await openTestStore(disk);
  const found = again.store.partition("topic", 0)!;
  expect(found.failure).toBe(null);
  expect(found.epochEndOffset(1)).toEqual({ epoch: 1, endOffset: 1 });
  expect(found.producers.producers.get(3)!.batches.length).toBe(1);
  expect(await valuesOf(found)).toEqual(expected);
  await again.store.close();
});
