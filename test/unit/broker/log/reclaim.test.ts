import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import {
  appendCommitted,
  createLog,
  findLog,
  openTestStore,
  readRecords,
  turns,
  type ReadRecord,
} from "./store-fixture.ts";

test("files go once everything in them is below the log start, and are used again", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  let largest = 0;
  for (let number = 0; number < 600; number += 1) {
    await appendCommitted(store, log, [`${number} ${"a".repeat(1_000)}`]);
    if (number % 20 === 0) {
      await log.moveLogStart(log.highWatermark);
      await store.reclaim();
    }
    largest = Math.max(largest, store.statistics().sizeOnDisk);
  }
  expect(store.statistics().reclaimedFiles).toBeGreaterThan(10);
  // Ring, open file, the next one and the pool; not the 20 files that were written.
  expect(largest).toBeLessThanOrEqual(9 * 32 * 1024);
  await store.close();
});

test("files of a dropped log go", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  const other = createLog(store, "other");
  for (let number = 0; number < 200; number += 1)
    await appendCommitted(store, log, ["d".repeat(1_000)]);
  store.drop("topic", 0);
  await appendCommitted(store, other, ["kept"]);
  await store.reclaim();
  expect(store.statistics().walFiles).toBeLessThan(6);
  expect(await readRecords(other)).toEqual([{ offset: 0, value: "kept" }]);
  await store.close();
});

test("the little that counts in a mostly dead file is moved, keeps its offsets, and is found after every kind of end", async () => {
  let disk = createMemoryDisk();
  let { store } = await openTestStore(disk);
  const busy = createLog(store, "busy");
  const quiet = createLog(store, "quiet");
  const expected: ReadRecord[] = [];
  const fill = async (): Promise<void> => {
    for (let number = 0; number < 40; number += 1) {
      await appendCommitted(store, store.partition("busy", 0)!, ["b".repeat(1_000)]);
    }
  };
  for (let number = 0; number < 8; number += 1) {
    const value = `quiet ${number}`;
    expected.push({ offset: await appendCommitted(store, quiet, [value]), value });
    await fill();
  }
  await busy.moveLogStart(busy.highWatermark);
  for (let pass = 0; pass < 6; pass += 1) {
    await store.reclaim();
    await turns(20);
  }
  expect(store.statistics().copiedBytes).toBeGreaterThan(0);
  expect(store.statistics().reclaimedFiles).toBeGreaterThan(4);
  expect(await readRecords(quiet)).toEqual(expected);
  expect(await readRecords(quiet, 3)).toEqual(expected.slice(3));
  for (const end of ["crash", "close", "crash", "close"]) {
    if (end === "crash") disk = disk.crash();
    else await store.close();
    ({ store } = await openTestStore(disk));
    const found = findLog(store, "quiet");
    findLog(store, "busy");
    expect(found.failure).toBe(null);
    expect(await readRecords(found)).toEqual(expected);
    const value = `after a ${end}`;
    expected.push({ offset: await appendCommitted(store, found, [value]), value });
    expect(await readRecords(found)).toEqual(expected);
    await store.reclaim();
    expect(await readRecords(found)).toEqual(expected);
  }
  await store.close();
});

test("restarts do not pile up nearly empty files", async () => {
  const disk = createMemoryDisk();
  for (let restart = 0; restart < 12; restart += 1) {
    const { store } = await openTestStore(disk);
    const log = store.partition("topic", 0) === undefined ? createLog(store) : findLog(store);
    await appendCommitted(store, log, [`restart ${restart}`]);
    await store.reclaim();
    expect((await readRecords(log)).length).toBe(restart + 1);
    expect(store.statistics().walFiles).toBeLessThanOrEqual(4);
    await store.close();
  }
});

test("nothing is reclaimed of a damaged log", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  for (let number = 0; number < 120; number += 1)
    await appendCommitted(store, log, [`${number} ${"e".repeat(1_000)}`]);
  const files = store.statistics().walFiles;
  const file = (await disk.readFile("/wal/wal-0000000001.log"))!;
  disk.faults.flipBit("/wal/wal-0000000001.log", Buffer.from(file).indexOf("0 eeee") + 100);
  await expect(readRecords(log)).rejects.toThrow();
  expect(log.failure).not.toBe(null);
  await store.reclaim();
  expect(store.statistics().walFiles).toBeGreaterThanOrEqual(files);
  await store.close();
});
