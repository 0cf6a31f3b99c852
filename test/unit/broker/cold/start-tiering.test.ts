import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { startTiering } from "../../../../broker/cold/start-tiering.ts";
import { defaultTieringConfig } from "../../../../broker/cold/tiering-config.ts";
import { LogReadError } from "../../../../broker/log/partition-log.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createPartition, type Partition } from "../../../../broker/replication/partition.ts";
import { systemClusterId } from "../../../../metadata/image/image.ts";
import { DiskError } from "../../../../ports/disk.ts";

const settings = {
  segmentBytes: 100,
  segmentMs: Infinity,
  isCompacted: false,
  maxCompactionLagMs: Infinity,
  localRetentionMs: 1,
  localRetentionBytes: -1,
};

/** A thousand bytes of it are committed, and nothing is in the object store. */
function led(index: number, failure: Error | null) {
  const log = {
    failure: null,
    localStartOffset: 0,
    highWatermark: 10,
    sizeBytes: 1_000,
    sizeBetween: () => (failure === null ? Promise.resolve(1_000) : Promise.reject(failure)),
    retainedFrom: () => (failure === null ? Promise.resolve(5) : Promise.reject(failure)),
    releaseLocal: (offset: number) => Promise.resolve((log.localStartOffset = offset)),
  };
  const partition = createPartition("t", index, log as never);
  partition.isLeader = true;
  return partition;
}

/** Rounds over partitions of one topic; which were cut, in their order. */
async function cuts(
  partitions: Partition[],
  isRefused: (index: number) => boolean,
  { rounds = 1, clusterId = "c" } = {},
) {
  const topic = { topic: { clusterId }, settings, partitions };
  const cut: number[] = [];
  const tierWriter = {
    cut: (partition: Partition) => {
      cut.push(partition.index);
      if (isRefused(partition.index)) return Promise.resolve({ kind: "failed", reason: "damaged" });
      partition.tieredEnd = 10;
      return Promise.resolve({ kind: "done" });
    },
    rest: () => undefined,
  };
  const clock = createManualClock();
  const services = {
    topics: { all: () => [topic] },
    store: { statistics: () => ({ sizeOnDisk: 0 }) },
    clock,
    log: silentLog,
    tierWriter,
  };
  const stop = startTiering(services as never, { ...defaultTieringConfig, segmentBytes: 100 });
  for (let round = 0; round < rounds; round += 1) await clock.advance(1_000);
  await stop();
  return cut;
}

test("a partition that cannot be put into the object store keeps no other waiting", async () => {
  const partitions = Array.from({ length: 20 }, (_, index) => led(index, null));
  const cut = await cuts(partitions, (index) => index === 0, { rounds: 3 });
  expect(partitions.filter(({ tieredEnd }) => tieredEnd === 10).length).toBe(19);
  // And is tried less and less often.
  expect(cut.filter((index) => index === 0).length).toBeLessThan(3);
});

test("a store that takes nothing is not asked for every partition", async () => {
  const partitions = Array.from({ length: 20 }, (_, index) => led(index, null));
  expect((await cuts(partitions, () => true)).length).toBeLessThan(6);
});

test.each([new LogReadError("damaged"), new DiskError("io", "the disk cannot be read")])(
  "a partition that cannot be read (%s) keeps no other from the object store, nor anything here",
  async (failure) => {
    const partitions = [led(0, failure), led(1, null)];
    // Some of it is there already.
    for (const partition of partitions) partition.tieredEnd = 8;
    const cut = await cuts(partitions, () => false);
    expect(cut).toEqual([1]);
    expect(partitions[1]!.log.localStartOffset).toBe(5);
  },
);

test("coordinators' logs are not cut", async () => {
  const partitions = [led(0, null), led(1, null)];
  expect(await cuts(partitions, () => false, { clusterId: systemClusterId })).toEqual([]);
});
