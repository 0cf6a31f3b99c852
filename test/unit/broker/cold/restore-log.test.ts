import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { ColdEnd } from "../../../../broker/cold/cold-ends.ts";
import { createBudget } from "../../../../broker/cold/budget.ts";
import { createRestoreLimits, restoreLog } from "../../../../broker/cold/restore-log.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import type { LogBefore } from "../../../../broker/log/partition-log.ts";
import { createPackPieces } from "../../../../broker/tiering/pack-pieces.ts";
import type { RecoveredPart } from "../../../../broker/tiering/pack-recovery.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import type { PartitionState } from "../../../../metadata/records/partition.ts";
import { appendCommitted, createLog, openTestStore } from "../log/store-fixture.ts";
import { batchOf, path } from "../tiering/objects.ts";

const before: LogBefore = {
  logStartOffset: 0,
  epochs: [{ epoch: 1, startOffset: 0 }],
  producers: new Uint8Array(0),
  gaps: [],
};

/** A log of ten records, of which two are deleted, and an object store that has a thousand of the partition. */
async function scene() {
  const { store } = await openTestStore(createMemoryDisk());
  const log = createLog(store);
  for (let number = 0; number < 10; number += 1) await appendCommitted(store, log, [`${number}`]);
  await log.moveLogStart(2);
  const cold: ColdEnd = {
    startOffset: 1_000,
    endOffset: 1_000,
    lastEpoch: 1,
    parts: [],
    tier: { endOffset: 1_000, lastEpoch: 1 },
    damagedPack: null,
    packCount: 1,
  };
  let answer: () => void = () => undefined;
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  const options = {
    tier: { beginning: () => isAnswered.then(() => ({ offset: 1_000, before })) } as never,
    coldEnds: { endOf: () => Promise.resolve(cold) },
    pieces: createPackPieces({ objects: createMemoryObjectStore() }),
    store,
    clock: createManualClock(),
    log: silentLog,
    limits: createRestoreLimits(),
  };
  return { log, options, answer };
}

const state = (change: Partial<PartitionState>): PartitionState => ({
  index: 0,
  replicas: [1],
  adding: [],
  removing: [],
  isr: [1],
  elr: [],
  lastIsr: [1],
  leader: 1,
  leaderEpoch: 5,
  partitionEpoch: 9,
  recoveries: [],
  sealed: null,
  ...change,
});

const ways: [string, Partial<PartitionState>][] = [
  ["a seal", { sealed: { end: 1_000, epoch: 4 } }],
  ["a recovery", { recoveries: [{ epoch: 5, end: 1_000, start: 2 ** 40 }] }],
];

test.each(ways)(
  "a log that begins where the object store ends, after %s, begins for readers no earlier than it did",
  async (_name, change) => {
    const { log, options, answer } = await scene();
    answer();
    expect(await restoreLog(options, log, state(change), () => true)).toBe(true);
    expect([log.logStartOffset, log.nextOffset]).toEqual([2, 1_000]);
  },
);

test.each(ways)(
  "after %s nothing is done to the log of somebody who leads no longer when the object store has answered",
  async (_name, change) => {
    const { log, options, answer } = await scene();
    let isLed = true;
    const restoring = restoreLog(options, log, state(change), () => isLed);
    isLed = false;
    answer();
    expect(await restoring).toBe(false);
    expect([log.logStartOffset, log.nextOffset]).toEqual([2, 10]);
  },
);

test("whoever restores a log that is dropped meanwhile does not wait for it to be written", async () => {
  const { options, answer } = await scene();
  answer();
  const objects = createMemoryObjectStore();
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add(path, batchOf({ baseOffset: 1_000 }));
  const { bytes, ranges } = builder.finish();
  await objects.put("pack", bytes);
  const [range] = ranges;
  const parts = [{ key: "pack", range: range!, fromOffset: 1_000, toOffset: 1_001 }];
  const cold = { ...(await options.coldEnds.endOf()), endOffset: 1_001, parts };
  const clock = createManualClock();
  // Its last commit never comes.
  const log = {
    topicId: path.topicId,
    index: 0,
    failure: null,
    leaderEpoch: 1,
    logStartOffset: 0,
    logEndOffset: 0,
    nextOffset: 0,
    restartAt: (offset: number) => {
      log.logEndOffset = offset;
      log.nextOffset = offset;
      return Promise.resolve(true);
    },
    follow: () => {
      log.nextOffset += 1;
      return { kind: "appended" };
    },
  };
  let isHeld = true;
  const pieces = createPackPieces({ objects });
  const restoring = restoreLog(
    { ...options, clock, pieces, coldEnds: { endOf: () => Promise.resolve(cold) } },
    log as never,
    state({ recoveries: [{ epoch: 5, end: 1_001, start: 2 ** 40 }] }),
    () => isHeld,
  );
  await clock.advance(100);
  expect(log.nextOffset).toBe(1_001);
  isHeld = false;
  await clock.advance(100);
  expect(await restoring).toBe(false);
});

test("a log that would end below what its recovery counts on, for a pack that is damaged by now, waits as it is", async () => {
  const { log, options, answer } = await scene();
  answer();
  const recovery = { epoch: 5, end: 1_010, start: 2 ** 40 };
  const damagedPack = "a.pack";
  const coldEnds = {
    endOf: async () => ({ ...(await options.coldEnds.endOf()), damagedPack }),
  };
  const restore = () =>
    restoreLog({ ...options, coldEnds }, log, state({ recoveries: [recovery] }), () => true);
  expect(await restore()).toBe(false);
  expect([log.logStartOffset, log.nextOffset]).toEqual([2, 10]);
  recovery.end = 1_000;
  expect(await restore()).toBe(true);
  expect(log.nextOffset).toBe(1_000);
});

// All that there is of it was in that pack, or a restoration before this one has brought the rest already.
test.each([0, 4])(
  "a log that ends at %i, where what can be had ends, below what its recovery counts on, waits for the damaged pack",
  async (endOffset) => {
    const { options } = await scene();
    const { store } = await openTestStore(createMemoryDisk());
    const log = createLog(store);
    for (let number = 0; number < endOffset; number += 1) await appendCommitted(store, log, ["a"]);
    const { leaderEpoch: lastEpoch } = log;
    const found = { startOffset: 0, endOffset, lastEpoch, parts: [], tier: null, packCount: 1 };
    const cold = { ...found, damagedPack: "a.pack" };
    const coldEnds = { endOf: () => Promise.resolve(cold) };
    const at = { ...options, store, coldEnds };
    const recovery = { epoch: 5, end: 10, start: 2 ** 40 };
    const restore = () => restoreLog(at, log, state({ recoveries: [recovery] }), () => true);
    expect(await restore()).toBe(false);
    recovery.end = endOffset;
    expect(await restore()).toBe(true);
  },
);

test("of logs that are recovered together only so many ask the store at once, and only so many bytes of packs are in memory", async () => {
  const { options } = await scene();
  const objects = createMemoryObjectStore();
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add(path, batchOf({ baseOffset: 0 }));
  const { bytes, ranges } = builder.finish();
  await objects.put("pack", bytes);
  const parts = [{ key: "pack", range: ranges[0]!, fromOffset: 0, toOffset: 1 }];
  const found = { startOffset: 0, endOffset: 1, lastEpoch: 1, parts, tier: null };
  // Too many to read anything with its neighbours.
  const cold = { ...found, damagedPack: null, packCount: 1_000_000 };
  const most = { recoveries: 0, parts: 0 };
  const now = { recoveries: 0, parts: 0 };
  async function counted<Result>(of: keyof typeof now, work: () => Promise<Result>) {
    now[of] += 1;
    most[of] = Math.max(most[of], now[of]);
    await new Promise((resolve) => setImmediate(resolve));
    return work().finally(() => (now[of] -= 1));
  }
  const pieces = createPackPieces({
    objects: { get: (...of) => counted("parts", () => objects.get(...of)) },
  });
  const coldEnds = { endOf: () => counted("recoveries", () => Promise.resolve(cold)) };
  const { sizeBytes } = ranges[0]!;
  const limits = { recoveries: createBudget(4), bytes: createBudget(sizeBytes * 2 + 1) };
  const { store } = await openTestStore(createMemoryDisk());
  const all = Array.from({ length: 12 }, (_, index) => store.create(path.topicId, index, "fsync"));
  const recovery = { epoch: 5, end: 1, start: 2 ** 40 };
  const clock = createManualClock();
  const at = { ...options, store, clock, pieces, coldEnds, limits };
  const restoring = all.map((log) =>
    restoreLog(at, log, state({ recoveries: [recovery] }), () => true),
  );
  let isDone = false;
  const done = Promise.all(restoring).finally(() => (isDone = true));
  while (!isDone) await clock.advance(10);
  expect(await done).toEqual(all.map(() => true));
  expect(all.map((log) => log.logEndOffset)).toEqual(all.map(() => 1));
  expect(most).toEqual({ recoveries: 4, parts: 2 });
});

// The log start has passed everything that the manifest listed, and is inside of a batch.
test("of a pack's batch inside of which the log begins nothing is lost", async () => {
  const { log, options } = await scene();
  const objects = createMemoryObjectStore();
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add(path, batchOf({ baseOffset: 100, records: 3 }));
  builder.add(path, batchOf({ baseOffset: 103 }));
  const { bytes, ranges } = builder.finish();
  await objects.put("pack", bytes);
  const parts = [{ key: "pack", range: ranges[0]!, fromOffset: 101, toOffset: 104 }];
  const tier = { endOffset: 101, lastEpoch: -1, listsNothing: true };
  const found = { startOffset: 101, endOffset: 104, lastEpoch: 1, parts, tier };
  const cold = { ...found, damagedPack: null, packCount: 1 };
  const nothing = { beginning: () => Promise.resolve(null) };
  const pieces = createPackPieces({ objects });
  const restoring = restoreLog(
    {
      ...options,
      pieces,
      tier: nothing as never,
      coldEnds: { endOf: () => Promise.resolve(cold) },
    },
    log,
    state({ recoveries: [{ epoch: 5, end: 104, start: 2 ** 40 }] }),
    () => true,
  );
  for (let turn = 0; turn < 100; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await options.clock.advance(10);
  }
  expect(await restoring).toBe(true);
  expect([log.logStartOffset, log.nextOffset, log.failure]).toEqual([101, 104, null]);
});

// A full disk, as it may be when everything comes back at once.
// Few packs are read with what is around, many each for itself.
test.each([0, 1, 2].flatMap((part) => [1, 1_000_000].map((packs) => [part, packs] as const)))(
  "a log of which the disk did not take part %i, of %i packs, is no log to be led: it is restored anew, with all of it",
  async (failing, packCount) => {
    const { options } = await scene();
    const objects = createMemoryObjectStore();
    const parts: RecoveredPart[] = [];
    for (const baseOffset of [0, 1, 2]) {
      const builder = createPackBuilder(new Uint8Array(4_096));
      builder.add(path, batchOf({ baseOffset }));
      const { bytes, ranges } = builder.finish();
      const key = `pack-${baseOffset}`;
      await objects.put(key, bytes);
      parts.push({ key, range: ranges[0]!, fromOffset: baseOffset, toOffset: baseOffset + 1 });
    }
    const disk = createMemoryDisk();
    const { store } = await openTestStore(disk);
    const log = store.create(path.topicId, 0, "fsync");
    const get: typeof objects.get = (...of) => {
      if (of[0] === `pack-${failing}` && isFull) disk.faults.failNext("write", { code: "full" });
      return objects.get(...of);
    };
    let isFull = true;
    const pieces = createPackPieces({ objects: { get } });
    const cold = { startOffset: 0, endOffset: 3, lastEpoch: 1, parts, tier: null };
    const coldEnds = { endOf: () => Promise.resolve({ ...cold, damagedPack: null, packCount }) };
    const clock = createManualClock();
    const at = { ...options, store, clock, pieces, coldEnds };
    const recovery = { epoch: 5, end: 3, start: 2 ** 40 };
    const restore = async (): Promise<boolean> => {
      let answer: boolean | null = null;
      const restoring = restoreLog(at, log, state({ recoveries: [recovery] }), () => true);
      const done = restoring.then((told) => (answer = told));
      while (answer === null) await clock.advance(10);
      return done;
    };
    expect(await restore()).toBe(false);
    isFull = false;
    expect(await restore()).toBe(true);
    expect([log.logStartOffset, log.logEndOffset, log.gaps]).toEqual([0, 3, []]);
  },
);
