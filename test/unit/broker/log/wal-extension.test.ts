import { expect, test } from "vitest";
import { createMemoryDisk, type MemoryDisk } from "../../../../adapters/memory/disk.ts";
import {
  appendCommitted,
  createLog,
  directory,
  findLog,
  openTestStore,
  readRecords,
  turns,
  type ReadRecord,
} from "./store-fixture.ts";

const mib = 1024 * 1024;
const config = { fileBytes: 2 * mib, chunkBytes: 256 * 1024, ringBytes: 2 * mib };
const firstFile = `${directory}/wal-0000000001.log`;

const sizeOf = async (disk: MemoryDisk): Promise<number> =>
  (await disk.readFile(firstFile))!.length;

test("every write ends where a block of the disk does, and the next one begins where its entries end", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk, config);
  const log = createLog(store);
  const expected: ReadRecord[] = [];
  for (let number = 0; number < 30; number += 1) {
    const value = `${number} ${"p".repeat(number * 137)}`;
    expected.push({
      offset: await appendCommitted(store, log, [value], { durability: "replicated" }),
      value,
    });
    const bytes = Buffer.from((await disk.readFile(firstFile))!);
    expect(bytes.length % 4096).toBe(0);
    const last = bytes.findLastIndex((byte) => byte !== 0);
    expect(bytes.length - last).toBeLessThan(4096 + 16);
  }
  expect(await readRecords(log)).toEqual(expected);
  disk = disk.crash();
  const again = await openTestStore(disk, config);
  expect(await readRecords(findLog(again.store))).toEqual(expected);
  await again.store.close();
});

test("a new file grows ahead of small flushed commits, not of others", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk, config);
  const log = createLog(store);
  await appendCommitted(store, log, ["written"], { durability: "replicated" });
  await turns(20);
  expect(await sizeOf(disk)).toBe(4096);
  const large = "l".repeat(100_000);
  await appendCommitted(store, log, [large], { durability: "fsync" });
  await turns(20);
  expect(await sizeOf(disk)).toBeLessThan(110_000);
  await appendCommitted(store, log, ["small"], { durability: "fsync" });
  await turns(20);
  const grown = await sizeOf(disk);
  expect(grown).toBeGreaterThan(500_000);
  for (let number = 0; number < 10; number += 1) {
    await appendCommitted(store, log, [`more ${number}`], { durability: "fsync" });
  }
  await turns(20);
  expect(await sizeOf(disk)).toBe(grown);
  const expected = await readRecords(log);
  expect(expected).toHaveLength(13);
  disk = disk.crash({ lostUnflushed: true });
  const again = await openTestStore(disk, config);
  expect(await readRecords(findLog(again.store))).toEqual(expected);
  await again.store.close();
});

test("a file that cannot grow ahead is no failure", async () => {
  const disk = createMemoryDisk();
  const { store, fatal, resigned } = await openTestStore(disk, config);
  const log = createLog(store);
  disk.faults.setCapacity(300_000);
  for (let number = 0; number < 100; number += 1) {
    await appendCommitted(store, log, [`${number} ${"g".repeat(2_000)}`], { durability: "fsync" });
  }
  expect((await readRecords(log)).length).toBe(100);
  expect([fatal, resigned]).toEqual([[], []]);
});
