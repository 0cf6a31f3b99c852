import { expect, test } from "vitest";
import { createMemoryDisk, type MemoryDisk } from "../../../../adapters/memory/disk.ts";
import { checkAppend } from "../../../../broker/log/producer-state.ts";
import { RecoveryError } from "../../../../broker/log/wal-recovery.ts";
import {
  appendCommitted,
  appendValues,
  batchOf,
  createLog,
  directory,
  findLog,
  openTestStore,
  readRecords,
  turns,
} from "./store-fixture.ts";

// Bugs that torture.test.ts has found, each told by itself.

async function placeOf(disk: MemoryDisk, text: string): Promise<{ path: string; at: number }> {
  for (const name of await disk.list(directory)) {
    if (!name.startsWith("wal-")) continue;
    const path = `${directory}/${name}`;
    const at = Buffer.from((await disk.readFile(path))!).indexOf(text);
    if (at >= 0) return { path, at };
  }
  throw new Error(`no file holds ${text}`);
}

/** From the value of a batch of one record back to where the batch begins. */
async function batchPlaceOf(
  disk: MemoryDisk,
  value: string,
): Promise<{ path: string; at: number }> {
  const { path, at } = await placeOf(disk, value);
  return { path, at: at - Buffer.from(batchOf({ values: [value] }).batch).indexOf(value) };
}

test("a write that fails when two more files were begun leaves what the next start can read", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk, { fileBytes: 16 * 1024 });
  const log = createLog(store);
  const release = disk.faults.hold("write", { path: "/wal-" });
  for (let count = 0; count < 6; count += 1) {
    const { batch } = batchOf({ values: ["v".repeat(6_000)] });
    await store.room(batch.length);
    appendValues(log, ["v".repeat(6_000)]);
    await turns(20);
  }
  disk.faults.failNext("write", { path: "/wal-" });
  // The next start has to follow the files: no checkpoint comes in between.
  disk.faults.hold("writeFile");
  release();
  await turns(50);
  log.startLeaderEpoch(2);
  expect(await appendCommitted(store, log, ["after"])).toBe(0);
  disk = disk.crash();
  const again = await openTestStore(disk, { fileBytes: 16 * 1024 });
  expect(await readRecords(findLog(again.store))).toEqual([{ offset: 0, value: "after" }]);
  await again.store.close();
});

test("the size of a log is right after a crash that follows a move of its start", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  for (let count = 0; count < 10; count += 1)
    await appendCommitted(store, log, ["v".repeat(1_000)]);
  const batchBytes = log.sizeBytes / 10;
  expect(await log.moveLogStart(6)).toBe(true);
  disk = disk.crash();
  const again = await openTestStore(disk);
  const found = findLog(again.store);
  expect([found.logStartOffset, found.sizeBytes]).toEqual([6, 4 * batchBytes]);
  // Else retention would delete what it has to keep.
  expect(await found.retainedFrom({ retentionMs: -1, retentionBytes: 4 * batchBytes }, 2_000)).toBe(
    6,
  );
  await again.store.close();
});

test("a store closed while producers are rebuilt does not remember what a failed write took", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  const producer = (sequence: number) => ({ producer: { id: 7, epoch: 0, sequence } });
  await appendCommitted(store, log, ["kept"], producer(0));
  disk.faults.failNext("write", { path: "/wal-" });
  appendValues(log, ["lost"], producer(1));
  const release = disk.faults.hold("readFile");
  await turns(20);
  const lost = batchOf({ values: ["lost"], ...producer(1) }).facts;
  expect(checkAppend(log.producers, lost).kind).not.toBe("duplicate");
  await store.close();
  release();
  disk = disk.crash();
  const again = await openTestStore(disk);
  const found = findLog(again.store);
  const kept = batchOf({ values: ["kept"], ...producer(0) }).facts;
  expect(checkAppend(found.producers, kept).kind).toBe("duplicate");
  expect(checkAppend(found.producers, lost).kind).toBe("append");
  await again.store.close();
});

test("a flipped bit in the leader epoch, which the batch's checksum leaves out, is damage", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  await appendCommitted(store, createLog(store), ["in a batch"]);
  await store.close();
  const { path, at } = await batchPlaceOf(disk, "in a batch");
  const partitionLeaderEpoch = 12;
  disk.faults.flipBit(path, at + partitionLeaderEpoch + 3, 1);
  const again = await openTestStore(disk);
  const found = findLog(again.store);
  await expect(readRecords(found)).rejects.toThrow("damaged");
  expect(found.failure).toContain("a batch fails its checks");
  await again.store.close();
});

test("a file that has lost its header is not taken for one that was never begun", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  await appendCommitted(store, createLog(store), ["acknowledged"]);
  disk = disk.crash();
  const { path } = await placeOf(disk, "acknowledged");
  disk.faults.flipBit(path, 20);
  await expect(openTestStore(disk)).rejects.toThrow(RecoveryError);
});

test("a damaged declaration does not let a log vanish", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store, "a topic of its own");
  await appendCommitted(store, log, ["first"]);
  await appendCommitted(store, log, ["second"]);
  disk = disk.crash();
  const { path, at } = await placeOf(disk, "a topic of its own");
  disk.faults.flipBit(path, at);
  await expect(openTestStore(disk)).rejects.toThrow(RecoveryError);
});

test("room looked for by a large batch that then is not appended is room for small ones", async () => {
  const disk = createMemoryDisk();
  const config = { chunkBytes: 4096, ringBytes: 4 * 4096, fileBytes: 8 * 4096 };
  const { store } = await openTestStore(disk, config);
  const log = createLog(store);
  for (let count = 0; count < 200; count += 1) {
    // The client is gone before its turn comes.
    await store.room(store.maxBatchBytes);
    expect(store.hasRoom(store.maxBatchBytes)).toBe(true);
    await appendCommitted(store, log, ["v".repeat(500)]);
  }
  expect(log.logEndOffset).toBe(200);
  await store.close();
});
