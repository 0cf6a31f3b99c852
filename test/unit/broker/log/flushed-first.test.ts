import { expect, test } from "vitest";
import { createMemoryDisk, type MemoryDisk } from "../../../../adapters/memory/disk.ts";
import { ByteWriter } from "../../../../broker/log/byte-writer.ts";
import { CheckpointCapture } from "../../../../broker/log/checkpoint-capture.ts";
import { decodeCheckpoint } from "../../../../broker/log/checkpoint.ts";
import { addLog, createLogTable } from "../../../../broker/log/log-table.ts";
import type { LogContext } from "../../../../broker/log/stored-log.ts";
import { crc32c } from "../../../../protocol/records/crc32c.ts";
import {
  appendCommitted,
  appendValues,
  createLog,
  findLog,
  openTestStore,
  readRecords,
  turns,
} from "./store-fixture.ts";

// What a log says of itself after a crash of its host: that it has lost nothing that counted, for all of it was flushed first.

const hostCrash = { lostUnflushed: true } as const;

async function afterHostCrash(disk: MemoryDisk) {
  const next = disk.crash(hostCrash);
  const { store } = await openTestStore(next);
  return { disk: next, store, log: store.partition("topic", 0) };
}

test("a log created for a topic that flushes says so before anything is appended, and at every later start", async () => {
  let disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  store.create("topic", 0, "fsync");
  store.create("other", 0);
  await turns(50);
  for (let start = 0; start < 3; start += 1) {
    const again = await afterHostCrash(disk);
    expect(again.log?.isFlushedFirst).toBe(true);
    expect(again.store.partition("other", 0)?.isFlushedFirst ?? false).toBe(false);
    disk = again.disk;
  }
});

test("a log that began unflushed says so with its first flushed append, and has then lost nothing from before", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["a"], { durability: "replicated" });
  expect(log.isFlushedFirst).toBe(false);
  await appendCommitted(store, log, ["b"]);
  const again = await afterHostCrash(disk);
  expect(again.log?.isFlushedFirst).toBe(true);
  expect((await readRecords(findLog(again.store))).map(({ value }) => value)).toEqual(["a", "b"]);
});

test("a log to which nothing is appended says so once the setting has changed and that is flushed", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["a"], { durability: "replicated" });
  log.declareDurability("fsync");
  log.declareDurability("fsync");
  await turns(50);
  const again = await afterHostCrash(disk);
  expect(again.log?.isFlushedFirst).toBe(true);
  expect((await readRecords(findLog(again.store))).map(({ value }) => value)).toEqual(["a"]);
});

test("a host that crashes before that is flushed leaves a log that does not say so", async () => {
  const disk = createMemoryDisk();
  const { store, clock } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["flushed"], { durability: "replicated" });
  await clock.advance(1_000);
  await turns(50);
  await appendCommitted(store, log, ["lost"], { durability: "replicated" });
  log.declareDurability("fsync");
  appendValues(log, ["never counted"]);
  const again = await afterHostCrash(disk);
  expect(again.log?.isFlushedFirst).toBe(false);
  expect((await readRecords(findLog(again.store))).map(({ value }) => value)).toEqual(["flushed"]);
});

test("the first append that need not be flushed is, so that what the log said is not believed of the next", async () => {
  const disk = createMemoryDisk();
  const { store } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["a"]);
  log.declareDurability("replicated");
  const { flushes } = store.statistics();
  await appendCommitted(store, log, ["b"], { durability: "replicated" });
  expect(store.statistics().flushes).toBe(flushes + 1);
  await appendCommitted(store, log, ["c"], { durability: "replicated" });
  expect(store.statistics().flushes).toBe(flushes + 1);
  const again = await afterHostCrash(disk);
  expect(again.log?.isFlushedFirst).toBe(false);
  expect((await readRecords(findLog(again.store))).map(({ value }) => value)).toEqual(["a", "b"]);
});

test("a write that failed takes back what it said: the next append that need not be flushed is", async () => {
  const disk = createMemoryDisk();
  const { store, clock } = await openTestStore(disk);
  const log = createLog(store);
  await appendCommitted(store, log, ["a"]);
  disk.faults.shortWriteNext(10, { path: "wal-" });
  appendValues(log, ["dropped"], { durability: "replicated" });
  await turns(50);
  await clock.advance(2_000);
  log.startLeaderEpoch(2);
  await appendCommitted(store, log, ["b"], { durability: "replicated", leaderEpoch: 2 });
  const again = await afterHostCrash(disk);
  expect(again.log?.isFlushedFirst).toBe(false);
  expect((await readRecords(findLog(again.store))).map(({ value }) => value)).toEqual(["a", "b"]);
});

test("a checkpoint from before logs said so is read, and says it of none", () => {
  const table = createLogTable();
  const context = {
    producerLimits: { expirationMs: 1, maxProducers: 1, budget: { used: 0, limit: 1 } },
  } as LogContext;
  const log = addLog(table, context, { topicId: "topic", index: 0, number: 1 });
  log.isFlushedFirst = true;
  const position = { sequence: 7, previousSequence: 6, previousEnd: 80, files: [] };
  const now = Buffer.concat(new CheckpointCapture(table, position).nextPart(1e6) ?? []);
  expect(decodeCheckpoint(now)?.logs).toMatchObject([{ index: 0, isFlushedFirst: true }]);
  // Without the last field, under the version before.
  const before = Buffer.from(now.subarray(0, now.length - 8));
  before.writeUInt32BE(2, 4);
  const writer = new ByteWriter();
  writer.uint32(crc32c(before));
  const checksum = writer.take();
  expect(decodeCheckpoint(Buffer.concat([before, checksum]))?.logs).toMatchObject([
    { index: 0, isFlushedFirst: false },
  ]);
});
