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

type Change = (log: PartitionLog) => Promise<unknown>;

const moves: [string, Change][] = [
  ["a move of the log start", (log) => log.moveLogStart(5)],
  ["a release of what is in the object store", (log) => log.releaseLocal(5)],
];
const cuts: [string, Change][] = [
  ["a recovery's cut below it", (log) => log.truncateTo(3, { isRecovery: true })],
  ["a cut where it goes", (log) => log.truncateTo(5, { isRecovery: true })],
  ["a restart below it", (log) => log.restartAt(2)],
];

const pairs = moves.flatMap(([moved, move]) =>
  cuts.map(([cutAt, cut]) => [moved, cutAt, { move, cut }] as const),
);

test.each(pairs)(
  "%s beside %s leaves a log that ends no earlier than it begins, whichever comes first",
  async (_move, _cut, { move, cut }) => {
    // So many steps one begins before the other: each comes between two steps of the other once.
    for (let lead = -12; lead <= 12; lead += 1) {
      const { log, store } = await followed();
      Object.assign(log, { checkpointedEnd: 10 });
      const [first, second] = lead < 0 ? [cut, move] : [move, cut];
      const changing = first(log);
      for (let step = 0; step < Math.abs(lead); step += 1) await Promise.resolve();
      // By then it is decided that nothing below is committed: nobody would ask for it.
      const isAsked = second !== move || log.highWatermark >= 5;
      await Promise.all([changing, isAsked ? second(log) : undefined]);
      const { logStartOffset, localStartOffset, highWatermark, nextOffset } = log;
      const ascending = [logStartOffset, localStartOffset, highWatermark, nextOffset];
      expect([lead, ...ascending.toSorted((one, other) => one - other)]).toEqual([
        lead,
        ...ascending,
      ]);
      expect([lead, log.sizeBytes]).toEqual([
        lead,
        await log.sizeBetween(localStartOffset, nextOffset),
      ]);
      await store.close();
    }
  },
);

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
