import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { startTiering } from "../../../../broker/cold/start-tiering.ts";
import { defaultTieringConfig } from "../../../../broker/cold/tiering-config.ts";
import { LogReadError } from "../../../../broker/log/partition-log.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createPartition } from "../../../../broker/replication/partition.ts";
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

test.each([new LogReadError("damaged"), new DiskError("io", "the disk cannot be read")])(
  "a partition that cannot be read (%s) keeps no other from the object store, nor anything here",
  async (failure) => {
    const partitions = [led(0, failure), led(1, null)];
    // Some of it is there already.
    for (const partition of partitions) partition.tieredEnd = 8;
    const topic = { topic: { clusterId: "c" }, settings, partitions };
    const cut: number[] = [];
    const tierWriter = {
      cut: ({ index }: { index: number }) => {
        cut.push(index);
        return Promise.resolve({ kind: "done" });
      },
      hasLeft: () => false,
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
    await clock.advance(1_000);
    await stop();
    expect(cut).toEqual([1]);
    expect(partitions[1]!.log.localStartOffset).toBe(5);
  },
);
