import { expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { encodeProducerState } from "../../../../broker/log/producer-snapshot.ts";
import { checkAppend, createProducerState } from "../../../../broker/log/producer-state.ts";
import { recoveryStep } from "../../../../broker/replication/follower-step.ts";
import { replayBatch } from "../../../../broker/log/producer-replay.ts";
import {
  appendCommitted,
  batchOf,
  createLog,
  findLog,
  openTestStore,
  readRecords,
} from "./store-fixture.ts";

// What lies below the local start is in the object store: it can be read, but not here.

const filled = async (disk = createMemoryDisk()) => {
  const opened = await openTestStore(disk);
  const log = createLog(opened.store);
  for (let number = 0; number < 200; number += 1)
    await appendCommitted(opened.store, log, [`${number} ${"a".repeat(1_000)}`]);
  return { ...opened, log };
};

const read = (log: { read: ReturnType<typeof findLog>["read"] }, fromOffset: number) =>
  log.read({ fromOffset, upToOffset: 200, maxBytes: 1, atLeastOneBatch: false });

test("what is let go of here is read elsewhere, gives its files back, and is not below the log start", async () => {
  const { store, log } = await filled();
  const before = log.sizeBytes;
  expect(await log.releaseLocal(120)).toBe(120);
  expect([log.logStartOffset, log.localStartOffset, log.nextOffset]).toEqual([0, 120, 200]);
  expect(log.sizeBytes).toBeLessThan(before / 2);
  expect(await read(log, 119)).toEqual({ kind: "tiered" });
  expect(await read(log, 0)).toEqual({ kind: "tiered" });
  expect((await readRecords(log, 120)).map(({ offset }) => offset)[0]).toBe(120);
  await store.reclaim();
  expect(store.statistics().reclaimedFiles).toBeGreaterThan(2);
  // Its epochs are known from the log start on.
  expect(log.epochOf(3)).toBe(1);
  await store.close();
});

test.each(["a clean end", "a crash"])("both starts are where they were after %s", async (end) => {
  const disk = createMemoryDisk();
  const { store, log } = await filled(disk);
  await log.releaseLocal(100);
  await log.moveLogStart(40);
  const sizeBytes = log.sizeBytes;
  if (end === "a clean end") await store.close();
  const again = await openTestStore(end === "a clean end" ? disk : disk.crash());
  const found = findLog(again.store);
  expect([found.logStartOffset, found.localStartOffset, found.nextOffset]).toEqual([40, 100, 200]);
  expect(found.sizeBytes).toBe(sizeBytes);
  expect(await read(found, 39)).toEqual({ kind: "outOfRange" });
  expect(await read(found, 99)).toEqual({ kind: "tiered" });
  await again.store.close();
});

test("a log start past the local start takes it along, one below leaves it", async () => {
  const { store, log } = await filled();
  await log.releaseLocal(100);
  await log.moveLogStart(50);
  expect([log.logStartOffset, log.localStartOffset]).toEqual([50, 100]);
  await log.moveLogStart(150);
  expect([log.logStartOffset, log.localStartOffset]).toEqual([150, 150]);
  // Never back, and nothing that is gone already.
  expect(await log.releaseLocal(60)).toBe(150);
  await store.close();
});

test("no more is let go of than the last stored checkpoint knows the producers of", async () => {
  const { store, log } = await filled();
  // The open file is not in it: a start replays it.
  const released = await log.releaseLocal(200);
  expect(released).toBeLessThan(200);
  expect(released).toBeGreaterThan(120);
  await store.close();
});

const producersUpTo = (sequence: number): Uint8Array => {
  const limits = { expirationMs: 1e9, maxProducers: 10, budget: { used: 0, limit: 10 } };
  const state = createProducerState(limits);
  const { batch } = batchOf({ values: ["x"], producer: { id: 9, epoch: 0, sequence } });
  replayBatch(state, batch, 0, 1_000);
  return encodeProducerState(state);
};

test.each(["a clean end", "a crash", "no end"])(
  "a log that begins where the object store ends knows what was before, after %s",
  async (end) => {
    const disk = createMemoryDisk();
    let { store } = await openTestStore(disk);
    let log = createLog(store);
    await appendCommitted(store, log, ["of another history"]);
    const before = {
      logStartOffset: 10,
      epochs: [
        { epoch: 1, startOffset: 0 },
        { epoch: 4, startOffset: 300 },
      ],
      producers: producersUpTo(6),
      gaps: [{ end: 300, start: 400 }],
    };
    expect(await log.restartAt(1_000, before)).toBe(true);
    if (end !== "no end") {
      if (end === "a clean end") await store.close();
      ({ store } = await openTestStore(end === "a clean end" ? disk : disk.crash()));
      log = findLog(store);
    }
    expect([log.logStartOffset, log.localStartOffset, log.nextOffset]).toEqual([10, 1_000, 1_000]);
    expect([log.epochOf(299), log.epochOf(500)]).toEqual([1, 4]);
    expect(log.gaps).toEqual(before.gaps);
    const next = (sequence: number) =>
      checkAppend(
        log.producers,
        batchOf({ values: ["x"], producer: { id: 9, epoch: 0, sequence } }).facts,
      ).kind;
    expect([next(7), next(6), next(8)]).toEqual(["append", "duplicate", "rejected"]);
    await store.close();
  },
);

test("its producers are still known when its end is cut and they are read anew", async () => {
  const { store } = await openTestStore(createMemoryDisk(), { isFollower: true });
  const log = createLog(store);
  const before = {
    logStartOffset: 0,
    epochs: [{ epoch: 1, startOffset: 0 }],
    producers: producersUpTo(6),
    gaps: [],
  };
  await log.restartAt(1_000, before);
  log.startLeaderEpoch(2);
  // More batches than memory can take back.
  for (let sequence = 7; sequence < 30; sequence += 1)
    await appendCommitted(store, log, ["x"], {
      leaderEpoch: 2,
      producer: { id: 9, epoch: 0, sequence },
    });
  await log.truncateTo(1_001);
  for (let turn = 0; turn < 1_000 && !log.isFollowable; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  const facts = (sequence: number) =>
    batchOf({ values: ["x"], producer: { id: 9, epoch: 0, sequence } }).facts;
  expect(checkAppend(log.producers, facts(6)).kind).toBe("duplicate");
  expect(checkAppend(log.producers, facts(7)).kind).toBe("duplicate");
  expect(checkAppend(log.producers, facts(8)).kind).toBe("append");
  await store.close();
});

test("a log that is cut where its own records begin still continues what is in the object store", async () => {
  const disk = createMemoryDisk();
  let { store } = await openTestStore(disk, { isFollower: true });
  let log = createLog(store);
  const epochs = [{ epoch: 1, startOffset: 10 }];
  await log.restartAt(1_000, { logStartOffset: 10, epochs, producers: producersUpTo(6), gaps: [] });
  log.startLeaderEpoch(2);
  await appendCommitted(store, log, ["of a leader whose successor never had it"], {
    leaderEpoch: 2,
  });
  expect(await log.truncateTo(1_000)).toBe(true);
  for (const life of ["this one", "the next"]) {
    const starts = [log.logStartOffset, log.localStartOffset, log.nextOffset];
    expect([life, ...starts]).toEqual([life, 10, 1_000, 1_000]);
    expect(log.lineage[0]).toEqual({ epoch: 1, startOffset: 10 });
    await store.close();
    if (life === "this one") ({ store } = await openTestStore(disk, { isFollower: true }));
    if (life === "this one") log = findLog(store);
  }
});

test("a log that begins behind what a recovery kept is begun anew, and does not cut itself for ever", async () => {
  const { store, log } = await filled();
  await log.moveLogStart(150);
  const recoveries = [{ epoch: 9, end: 100, start: 2 ** 40 }];
  const step = recoveryStep(log, recoveries);
  expect(step).toEqual({ kind: "restart", atOffset: 0 });
  expect(await log.restartAt(0)).toBe(true);
  // Where it goes on from there its leader says.
  expect(recoveryStep(log, recoveries)).toBeNull();
  await store.close();
});
