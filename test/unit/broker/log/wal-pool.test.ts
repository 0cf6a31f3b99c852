import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryDisk, type MemoryDisk } from "../../../../adapters/memory/disk.ts";
import { FilePool } from "../../../../broker/log/wal-pool.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { turns } from "./store-fixture.ts";

const directory = "/pool";
const fileBytes = 8192;

async function openPool(options: { poolFiles?: number; minFreeBytes?: number } = {}) {
  const disk = createMemoryDisk();
  await disk.makeDirectory(directory);
  const clock = createManualClock();
  const pool = new FilePool({
    disk,
    clock,
    directory,
    fileBytes,
    poolFiles: 2,
    minFreeBytes: 0,
    log: silentLog,
    ...options,
  });
  return { disk, clock, pool };
}

/** Takes files, fills them, and gives all back. */
async function useFiles(disk: MemoryDisk, pool: FilePool, count: number): Promise<void> {
  const paths = Array.from({ length: count }, (_, number) => `${directory}/used-${number}`);
  for (const path of paths) {
    const { file } = (await pool.take(path, 0))!;
    await file.write([new Uint8Array(fileBytes).fill(7)], 0);
    await file.close();
  }
  for (const path of paths) await pool.give(path, fileBytes);
  expect(await disk.list(directory)).toHaveLength(pool.count);
}

test("a file given is taken again as it is, the latest one first, the last one only on a full disk", async () => {
  const { disk, pool } = await openPool({ poolFiles: 3, minFreeBytes: 100 });
  for (const number of [1, 2, 3]) {
    await disk.writeFile(`${directory}/${number}`, new Uint8Array(fileBytes).fill(number));
    await pool.give(`${directory}/${number}`, fileBytes);
  }
  const takeFilled = async (name: string, content: number): Promise<void> => {
    const taken = (await pool.take(`${directory}/${name}`, 0))!;
    expect(taken.allocatedBytes).toBe(fileBytes);
    const bytes = new Uint8Array(fileBytes);
    expect(await taken.file.read(bytes, 0)).toBe(fileBytes);
    expect(bytes[0]).toBe(content);
  };
  await takeFilled("again", 3);
  await takeFilled("once more", 2);
  const fresh = (await pool.take(`${directory}/fresh`, 0))!;
  expect(fresh.allocatedBytes).toBe(0);
  expect(await fresh.file.size()).toBe(0);
  expect(pool.count).toBe(1);
  disk.faults.setCapacity(3 * fileBytes + 100);
  await takeFilled("reserve", 1);
  expect(await pool.take(`${directory}/none`, 0)).toBe(null);
  expect(await disk.list(directory)).toEqual(["again", "fresh", "once more", "reserve"]);
  await pool.close();
});

test("one file is made for the day the disk is full, unless the room is promised already", async () => {
  const { disk, pool } = await openPool();
  disk.faults.setCapacity(2 * fileBytes);
  pool.makeReserve(fileBytes + 1);
  await turns(20);
  expect(pool.count).toBe(0);
  pool.makeReserve(fileBytes);
  pool.makeReserve(fileBytes);
  await turns(20);
  expect(pool.count).toBe(1);
  pool.makeReserve(0);
  await turns(20);
  const [name = ""] = await disk.list(directory);
  expect(await disk.readFile(`${directory}/${name}`)).toEqual(new Uint8Array(fileBytes));
  expect(await disk.list(directory)).toHaveLength(1);
  await pool.close();
});

test("a file that could not be made leaves nothing behind", async () => {
  const { disk, pool } = await openPool();
  disk.faults.failNext("write");
  pool.makeReserve(0);
  await turns(20);
  expect([pool.count, await disk.list(directory)]).toEqual([0, []]);
  await pool.close();
});

test("as many spares stay as were lately needed, and go when that is long ago", async () => {
  const { disk, clock, pool } = await openPool();
  await useFiles(disk, pool, 12);
  expect(pool.count).toBe(12);
  const counts: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    await clock.advance(120_000);
    await turns(100);
    counts.push(pool.count);
  }
  expect(counts).toEqual([8, 5, 3, 2, 2, 2]);
  expect(await disk.list(directory)).toHaveLength(2);
  await pool.close();
});

test("on a disk without room no more spares stay than are asked for, though they were needed", async () => {
  const { disk, clock, pool } = await openPool({ minFreeBytes: 2 ** 20 });
  disk.faults.setCapacity(2 ** 20 + 7 * fileBytes);
  await useFiles(disk, pool, 6);
  expect(pool.count).toBe(6);
  disk.faults.setCapacity(2 ** 20 + 6 * fileBytes);
  const extra = `${directory}/extra`;
  await disk.writeFile(extra, new Uint8Array(1));
  await pool.give(extra, fileBytes);
  expect(pool.count).toBe(6);
  await clock.advance(120_000);
  await turns(100);
  // Less than is needed for one more file is free; with one spare less there is enough.
  expect(pool.count).toBe(5);
  expect(await disk.freeBytes(directory)).toBeGreaterThanOrEqual(2 ** 20 + fileBytes);
  await pool.close();
});

test("without a spare there is a file only if there is room, beside what others will take", async () => {
  const { disk, pool } = await openPool({ minFreeBytes: 100 });
  disk.faults.setCapacity(fileBytes + 99);
  expect(await pool.take(`${directory}/none`, 0)).toBe(null);
  expect(await disk.list(directory)).toEqual([]);
  disk.faults.setCapacity(fileBytes + 100);
  expect(await pool.take(`${directory}/none`, 1)).toBe(null);
  expect(await pool.take(`${directory}/one`, 0)).not.toBe(null);
  await pool.close();
});

test("a file that was hardly used is no spare: there may be no room behind what it holds", async () => {
  const { disk, pool } = await openPool();
  await disk.writeFile(`${directory}/old`, new Uint8Array(fileBytes));
  await pool.give(`${directory}/old`, fileBytes / 2 - 1);
  expect(pool.count).toBe(0);
  expect(await disk.list(directory)).toEqual([]);
  await pool.close();
});

test("of the files found at a start the whole ones become spares, none takes another's name", async () => {
  const { disk, pool } = await openPool({ poolFiles: 0 });
  const whole = new Uint8Array(fileBytes);
  await disk.writeFile(`${directory}/spare-000003.log`, whole);
  await disk.writeFile(`${directory}/spare-000004.log`, whole.subarray(1));
  await disk.writeFile(`${directory}/wal-0000000009.log`, whole);
  await disk.writeFile(`${directory}/wal-0000000010.log`, new Uint8Array(0));
  await pool.adopt(await disk.list(directory));
  expect(pool.count).toBe(2);
  expect(await disk.list(directory)).toEqual(["spare-000003.log", "spare-000005.log"]);
  await pool.close();
});

test("what is kept free on a full disk gives a file to whoever must have one, as long as it lasts", async () => {
  const { disk, pool } = await openPool({ poolFiles: 0, minFreeBytes: 2 * fileBytes });
  disk.faults.setCapacity(2 * fileBytes + 100);
  expect(await pool.take(`${directory}/ordinary`, 0)).toBeNull();
  const taken = (await pool.takeKeptFree(`${directory}/needed`, 0))!;
  expect(taken.allocatedBytes).toBe(0);
  await taken.file.write([new Uint8Array(fileBytes)], 0);
  await taken.file.close();
  // Beside what the files in use will still take.
  expect(await pool.takeKeptFree(`${directory}/more`, fileBytes)).toBeNull();
  await pool.close();
});
