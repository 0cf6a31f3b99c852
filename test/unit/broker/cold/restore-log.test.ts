import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { ColdEnd } from "../../../../broker/cold/cold-ends.ts";
import { restoreLog } from "../../../../broker/cold/restore-log.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import type { LogBefore } from "../../../../broker/log/partition-log.ts";
import type { PartitionState } from "../../../../metadata/records/partition.ts";
import { appendCommitted, createLog, openTestStore } from "../log/store-fixture.ts";

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
  };
  let answer: () => void = () => undefined;
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  const options = {
    tier: { beginning: () => isAnswered.then(() => ({ offset: 1_000, before })) } as never,
    coldEnds: { endOf: () => Promise.resolve(cold) },
    store,
    clock: createManualClock(),
    log: silentLog,
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
