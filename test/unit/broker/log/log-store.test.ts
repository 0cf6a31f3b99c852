import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import {
  appendCommitted,
  appendValues,
  createLog,
  findLog,
  openTestStore,
  readRecords,
} from "./store-fixture.ts";

test("what was appended is read back, at its offsets", async () => {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  expect(await appendCommitted(store, log, ["a", "b"])).toBe(0);
  expect(await appendCommitted(store, log, ["c"])).toBe(2);
  expect(await readRecords(log)).toEqual([
    { offset: 0, value: "a" },
    { offset: 1, value: "b" },
    { offset: 2, value: "c" },
  ]);
  expect(log.highWatermark).toBe(3);
  await store.close();
});

test("appends of one turn are committed together", async () => {
  const { store, committed } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  for (let number = 0; number < 20; number += 1) appendValues(log, [`value ${number}`]);
  expect(log.logEndOffset).toBe(0);
  expect(log.nextOffset).toBe(20);
  await appendCommitted(store, log, ["last"]);
  expect(committed.length).toBeLessThanOrEqual(2);
  await store.close();
});

test("a log much larger than ring and files is read back whole, before and after restarts", async () => {
  const disk = createMemoryDisk();
  let { store } = await openTestStore(disk);
  let log = createLog(store);
  const expected: { offset: number; value: string }[] = [];
  for (let number = 0; number < 300; number += 1) {
    const value = `${number} ${"x".repeat((number * 37) % 900)}`;
    expected.push({ offset: await appendCommitted(store, log, [value]), value });
  }
  expect(await readRecords(log)).toEqual(expected);
  await store.close();
  for (let restart = 0; restart < 3; restart += 1) {
    ({ store } = await openTestStore(disk));
    log = findLog(store);
    expect(log.failure).toBe(null);
    expect(log.nextOffset).toBe(expected.length);
    expect(await readRecords(log)).toEqual(expected);
    const value = `after restart ${restart}`;
    expected.push({ offset: await appendCommitted(store, log, [value]), value });
    await store.close();
  }
});

test("what was committed survives a crash of the process", async () => {
  let disk = createMemoryDisk();
  let { store } = await openTestStore(disk);
  let log = createLog(store);
  const expected: { offset: number; value: string }[] = [];
  for (let life = 0; life < 5; life += 1) {
    for (let number = 0; number < 60; number += 1) {
      const value = `${life} ${number} ${"x".repeat((number * 37) % 900)}`;
      expected.push({ offset: await appendCommitted(store, log, [value]), value });
    }
    disk = disk.crash();
    ({ store } = await openTestStore(disk));
    log = findLog(store);
    expect(log.failure).toBe(null);
    expect(await readRecords(log)).toEqual(expected);
  }
  await store.close();
});
