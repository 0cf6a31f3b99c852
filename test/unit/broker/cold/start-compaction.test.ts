import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { defaultCompactionConfig } from "../../../../broker/cold/compaction-config.ts";
import { startCompaction } from "../../../../broker/cold/start-compaction.ts";
import { LogReadError } from "../../../../broker/log/partition-log.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createPartition, type Partition } from "../../../../broker/replication/partition.ts";
import { nothingExpires, type SegmentEntry } from "../../../../broker/tiering/manifest.ts";
import { entryOf } from "../tiering/objects.ts";

/** Led here, with ten records; five of them have been compacted, if the manifest can be read. */
function led(index: number): Partition {
  const log = {
    failure: null,
    localStartOffset: 0,
    highWatermark: 10,
    releaseLocal: (offset: number) => Promise.resolve((log.localStartOffset = offset)),
  };
  const partition = createPartition("t", index, log as never);
  partition.isLeader = true;
  return partition;
}

function scene(
  count: number,
  isDamaged: (index: number) => boolean,
  segments: readonly SegmentEntry[] = [],
) {
  const partitions = Array.from({ length: count }, (_, index) => led(index));
  const settings = {
    isCompacted: true,
    minCompactionLagMs: 0,
    maxCompactionLagMs: Infinity,
    minCleanableDirtyRatio: 0.5,
  };
  const asked: number[] = [];
  let claimCount = 0;
  const manifest = { pages: [], segments, cleanedTo: 5, expiring: nothingExpires };
  const services = {
    topics: {
      all: () => [{ topic: { clusterId: "c" }, settings, partitions }],
      onLeadership: () => undefined,
    },
    tier: {
      manifest: ({ index }: Partition) => {
        asked.push(index);
        return isDamaged(index)
          ? Promise.reject(new LogReadError("a manifest: corrupt"))
          : Promise.resolve(manifest);
      },
    },
    tierWriter: {
      known: () => null,
      sweep: () => undefined,
      // Another leader has it.
      claimed: () => {
        claimCount += 1;
        return claimCount > 20
          ? Promise.reject(new Error("claimed again and again"))
          : Promise.resolve({ kind: "fenced" });
      },
    },
    stopping: new AbortController().signal,
    clock: createManualClock(),
    log: silentLog,
  };
  const config = { ...defaultCompactionConfig, segmentBytes: 1, graceMs: 1 };
  const stop = startCompaction(services as never, config);
  return {
    asked,
    claims: () => claimCount,
    starts: () => partitions.map(({ log }) => log.localStartOffset),
    round: async () => {
      await services.clock.advance(defaultCompactionConfig.checkMs);
      await stop();
    },
  };
}

test("a manifest that is damaged is in the way of no other partition", async () => {
  const { round, starts } = scene(3, (index) => index === 0);
  await round();
  expect(starts()).toEqual([0, 5, 5]);
});

test("a store that does not answer is not asked about every partition", async () => {
  const { round, asked } = scene(40, () => true);
  await round();
  expect(asked.length).toBeLessThan(5);
});

test("one that another leader has claimed is let alone for a while, though nothing else says so", async () => {
  const { round, asked, claims } = scene(1, () => false, [entryOf(5, 10, { maxTimestamp: 0 })]);
  await round();
  expect(claims()).toBe(1);
  expect(asked).toEqual([0]);
});
