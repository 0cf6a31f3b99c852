import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { LogStore } from "../../../../broker/log/log-store.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import { stampBaseOffset, stampLeaderEpoch } from "../../../../protocol/records/batch.ts";
import { batchOf, openTestStore, reached } from "./store-fixture.ts";

// Truncations, restarts and gaps take their time, and roles change meanwhile.

function led(baseOffset: number, epoch: number): Uint8Array {
  const { batch } = batchOf({ values: [`${baseOffset}`] });
  stampBaseOffset(batch, 0, baseOffset);
  stampLeaderEpoch(batch, 0, epoch);
  return batch;
}

/** A follower's log of ten batches of epoch 4, five of them known to be committed. */
async function followed(): Promise<{ store: LogStore; log: PartitionLog; fatal: unknown }> {
  const opened = await openTestStore(createMemoryDisk(), { isFollower: true });
  const log = opened.store.create("t", 0);
  const options = { leaderEpoch: 4, durability: "fsync", nowMs: 1 } as const;
  for (let offset = 0; offset < 10; offset++) log.follow(led(offset, 4), options);
  await reached(log, 10);
  log.advanceHighWatermark(5);
  return { store: opened.store, log, fatal: opened.fatal };
}

function append(log: PartitionLog, leaderEpoch: number) {
  const { batch, facts } = batchOf({ values: ["acknowledged"] });
  return log.append(batch, facts, { leaderEpoch, durability: "replicated", nowMs: 1 });
}

test("a truncation that a former leader asked for does not touch what is appended as leader meanwhile", async () => {
  const { log } = await followed();
  const cutting = log.truncateTo(8);
  log.startLeaderEpoch(6);
  expect(append(log, 6)).toMatchObject({ kind: "appended", baseOffset: 10 });
  expect(await cutting).toBe(false);
  await reached(log, 11);
  expect(log.nextOffset).toBe(11);
  expect(log.epochEndOffset(6)).toEqual({ epoch: 6, endOffset: 11 });
});

test.each([
  ["a restart", (log: PartitionLog) => log.restartAt(100)],
  ["a gap", (log: PartitionLog) => log.skipTo(2 ** 40)],
])("%s is not carried out under a leadership that began meanwhile", async (_name, change) => {
  const { log } = await followed();
  const changing = change(log);
  log.startLeaderEpoch(6);
  append(log, 6);
  expect(await changing).toBe(false);
  await reached(log, 11);
});

test("while its end is being changed a log says so, and follows nobody", async () => {
  const { log } = await followed();
  const cutting = log.truncateTo(8);
  expect(log.isChanging).toBe(true);
  const options = { leaderEpoch: 4, durability: "fsync", nowMs: 1 } as const;
  expect(log.follow(led(10, 4), options)).toMatchObject({ kind: "refused" });
  expect(await cutting).toBe(true);
  expect([log.isChanging, log.nextOffset]).toEqual([false, 8]);
});

test("without knowing where the batch begins that is to be cut, it is not cut", async () => {
  const { log } = await followed();
  Object.assign(log, { read: () => ({ kind: "unavailable", reason: "the disk cannot be read" }) });
  expect(await log.truncateTo(8)).toBe(false);
  expect(log.nextOffset).toBe(10);
  Reflect.deleteProperty(log, "read");
  expect(await log.truncateTo(8)).toBe(true);
});

test("an epoch that was led here without a record is given up where the leader's log ends with ours", async () => {
  const { log } = await followed();
  log.startLeaderEpoch(5);
  expect(log.leaderEpoch).toBe(5);
  expect(await log.truncateTo(10)).toBe(true);
  expect([log.leaderEpoch, log.nextOffset]).toEqual([4, 10]);
});
