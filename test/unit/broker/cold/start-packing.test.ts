import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from "../../../../adapters/memory/object-store.ts";
import { startPacking, type PackingOptions } from "../../../../broker/cold/start-packing.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { defaultWholeLimits, type WholeLimits } from "../../../../broker/cold/whole-logs.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import type { TopicTable } from "../../../../broker/replication/topic-table.ts";
import { loadPackDirectory } from "../../../../broker/tiering/pack-reading.ts";
import { packedRanges } from "../../../../broker/tiering/packed-ranges.ts";
import { systemClusterId } from "../../../../metadata/image/image.ts";
import { DiskError } from "../../../../ports/disk.ts";
import { batchOf } from "../tiering/objects.ts";

const cell = "blue";

/** As much of a partition as packing looks at: it is led here, and these batches are committed. */
function partitionOf(index: number, batches: readonly Uint8Array[]): Partition {
  const log = {
    failure: null,
    highWatermark: batches.length,
    localStartOffset: 0,
    logStartOffset: 0,
    async *readBatches(fromOffset: number, upToOffset: number) {
      yield* batches.slice(fromOffset, upToOffset);
    },
  };
  const topicId = "AAAAAAAAAAAAAAAAAAAAAA";
  const ends = { packedEnd: 0, tieredEnd: 0, leaderEpoch: 1 };
  return { topicId, index, isLeader: true, log, stirs: new Set(), ...ends } as unknown as Partition;
}

/** Every second, what these have: of coordinators. */
function pack(
  partitions: readonly Partition[],
  ports: Pick<PackingOptions, "objects" | "clock" | "log">,
  whole: Partial<WholeLimits> = {},
  isCurrent = () => true,
): () => Promise<void> {
  const topic = { clusterId: systemClusterId };
  const topics = { held: () => partitions, local: () => ({ topic, partitions }) };
  return startPacking({
    ...ports,
    cell,
    broker: { broker: 1, brokerEpoch: 2 },
    topics: topics as unknown as TopicTable,
    isCurrent,
    config: { intervalMs: 1_000, packBytes: 64 * 1024, whole },
  });
}

test("a damaged batch is told once; what is before it is packed, and other partitions are", async () => {
  const damaged = batchOf({ baseOffset: 1 });
  damaged[damaged.length - 1]! ^= 1;
  const partitions = [
    partitionOf(0, [batchOf({ baseOffset: 0 }), damaged, batchOf({ baseOffset: 2 })]),
    partitionOf(1, [batchOf({ baseOffset: 0 }), batchOf({ baseOffset: 1 })]),
  ];
  const errors: string[] = [];
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const log = { ...silentLog, error: (message: string) => void errors.push(message) };
  const stop = pack(partitions, { objects, clock, log });
  for (let round = 0; round < 3; round++) await clock.advance(1_000);
  await stop();
  const found: string[] = [];
  for await (const { index, baseOffset, endOffset } of packedRanges(objects, cell))
    found.push(`${index}: ${baseOffset}..${endOffset}`);
  expect(found).toEqual(["0: 0..1", "1: 0..2"]);
  expect(errors).toEqual(["a damaged batch is not packed, nor what is behind it"]);
});

test("a log that the disk cannot read keeps no other from being packed", async () => {
  const partitions = [0, 1].map((index) => partitionOf(index, [batchOf({ baseOffset: 0 })]));
  partitions[0]!.log.readBatches = () => {
    throw new DiskError("io", "the disk cannot be read");
  };
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const stop = pack(partitions, { objects, clock, log: silentLog });
  await clock.advance(1_000);
  await stop();
  const found: number[] = [];
  for await (const { index } of packedRanges(objects, cell)) found.push(index);
  expect(found).toEqual([1]);
});

// A hole in front of a range is taken for where the log begins: half of what was written again must not be all that a recovery finds.
test("a log whose start has gone on from what is packed goes into one pack", async () => {
  const large = (index: number, count: number) =>
    partitionOf(
      index,
      Array.from({ length: count }, (_, baseOffset) => batchOf({ baseOffset, valueBytes: 15_000 })),
    );
  const [one, other] = [large(0, 3), large(1, 7)];
  const at = { localStartOffset: 4, logStartOffset: 4, sizeBytes: 46_000 };
  Object.assign(other.log, at);
  Object.assign(other, { packedEnd: 2 });
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const stop = pack([one, other], { objects, clock, log: silentLog });
  await clock.advance(1_000);
  await stop();
  const found: string[] = [];
  for await (const { index, baseOffset, endOffset } of packedRanges(objects, cell))
    found.push(`${index}: ${baseOffset}..${endOffset}`);
  expect(found).toEqual(["0: 0..3", "1: 4..7"]);
});

// As a coordinator does it: what counts of its log is written again, then the log start moves there.
test("a pack that the log start has passed goes when what was committed by then is packed, not before", async () => {
  const batches = [0, 1, 2, 3, 4].map((baseOffset) => batchOf({ baseOffset }));
  const partition = partitionOf(0, batches);
  const log = partition.log as { highWatermark: number; logStartOffset: number };
  log.highWatermark = 3;
  const objects = createMemoryObjectStore();
  const before = { ...objects };
  objects.put = (...asked) => {
    // While the pack is on its way.
    Object.assign(log, { highWatermark: 5, logStartOffset: 3 });
    return before.put(...asked);
  };
  const clock = createManualClock();
  const stop = pack([partition], { objects, clock, log: silentLog });
  const ranges = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { baseOffset, endOffset } of packedRanges(objects, cell))
      found.push(`${baseOffset}..${endOffset}`);
    return found;
  };
  await clock.advance(1_000);
  expect(await ranges()).toEqual(["0..3"]);
  await clock.advance(1_000);
  await clock.advance(1_000);
  await stop();
  expect(await ranges()).toEqual(["3..5"]);
});

const counted = (objects: MemoryObjectStore) => {
  const before = { ...objects };
  const puts = { count: 0 };
  objects.put = (...asked) => {
    puts.count += 1;
    return before.put(...asked);
  };
  return puts;
};

const rangesOf = async (objects: MemoryObjectStore) => {
  const found: { from: number; to: number; wholeInEpoch: number }[] = [];
  for await (const { baseOffset: from, endOffset: to, wholeInEpoch } of packedRanges(objects, cell))
    found.push({ from, to, wholeInEpoch });
  return found.sort((a, b) => a.from - b.from || a.to - b.to);
};

test("a group that commits now and then does not keep every pack since its log was last written anew", async () => {
  const batches = Array.from({ length: 1_000 }, (_, baseOffset) => batchOf({ baseOffset }));
  const partition = partitionOf(0, batches);
  partition.leaderEpoch = 4;
  const log = partition.log as { highWatermark: number };
  log.highWatermark = 0;
  const objects = createMemoryObjectStore();
  const puts = counted(objects);
  const clock = createManualClock();
  const stop = pack([partition], { objects, clock, log: silentLog });
  let most = 0;
  for (let round = 0; round < 500; round += 1) {
    log.highWatermark += 1;
    await clock.advance(1_000);
    const ranges = await rangesOf(objects);
    most = Math.max(most, ranges.length);
    // Nothing is missing at any time.
    let end = 0;
    for (const { from, to } of ranges) if (from <= end) end = Math.max(end, to);
    expect(end).toBe(log.highWatermark);
  }
  expect(most).toBeLessThan(defaultWholeLimits.keptPacks + 5);
  expect(puts.count).toBeLessThan(510);
  // And when it falls silent nothing is written any more.
  await clock.advance(1_000_000);
  const before = puts.count;
  for (let round = 0; round < 500; round += 1) await clock.advance(10_000);
  expect(puts.count).toBe(before);
  await stop();
});

test("packs that wait for who leads now are no measure of what is kept for the logs led here", async () => {
  const batches = Array.from({ length: 400 }, (_, baseOffset) => batchOf({ baseOffset }));
  const [lost, led] = [0, 1].map((index) => partitionOf(index, batches)) as [Partition, Partition];
  const logOf = ({ log }: Partition) => log as { highWatermark: number };
  for (const each of [lost, led]) logOf(each).highWatermark = 0;
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const { keptPacks } = defaultWholeLimits;
  const stop = pack([lost, led], { objects, clock, log: silentLog });
  for (let round = 0; round < keptPacks; round += 1) {
    logOf(lost).highWatermark += 1;
    await clock.advance(1_000);
  }
  lost.isLeader = false;
  let most = 0;
  for (let round = 0; round < 300; round += 1) {
    logOf(led).highWatermark += 1;
    await clock.advance(1_000);
    most = Math.max(most, (await rangesOf(objects)).length - keptPacks);
  }
  await stop();
  expect(most).toBeLessThan(keptPacks + 5);
});

test("a coordinator's log is packed whole once in each term, some time after it began", async () => {
  const batches = Array.from({ length: 10 }, (_, baseOffset) => batchOf({ baseOffset }));
  const partition = partitionOf(0, batches);
  Object.assign(partition, { leaderEpoch: 4, packedEnd: 7 });
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const stop = pack([partition], { objects, clock, log: silentLog }, { settledMs: 10_000 });
  await clock.advance(1_000);
  await clock.advance(5_000);
  const behind = { from: 7, to: 10, wholeInEpoch: -1 };
  expect(await rangesOf(objects)).toEqual([behind]);
  for (let round = 0; round < 30; round += 1) await clock.advance(1_000);
  const whole = { from: 0, to: 10, wholeInEpoch: 4 };
  expect(await rangesOf(objects)).toEqual([whole]);
  partition.leaderEpoch = 5;
  for (let round = 0; round < 30; round += 1) await clock.advance(1_000);
  expect(await rangesOf(objects)).toEqual([{ ...whole, wholeInEpoch: 5 }]);
  await stop();
});

test("what comes while whole logs are packed does not wait for all of them", async () => {
  const batches = Array.from({ length: 3 }, (_, baseOffset) =>
    batchOf({ baseOffset, valueBytes: 20_000 }),
  );
  const partitions = [0, 1, 2].map((index) => partitionOf(index, batches));
  for (const { log } of partitions) Object.assign(log, { highWatermark: 2 });
  const objects = createMemoryObjectStore();
  const before = { ...objects };
  const put: string[] = [];
  objects.put = async (key, ...rest) => {
    const answer = await before.put(key, ...rest);
    const loaded = await loadPackDirectory(objects, { key, ...(await objects.head(key))! });
    if (loaded.kind !== "directory") throw new Error(loaded.kind);
    const isWhole = loaded.ranges.some(({ wholeInEpoch }) => wholeInEpoch >= 0);
    put.push(isWhole ? "whole" : "new");
    // Something is committed while the first of them is on its way.
    if (isWhole) Object.assign(partitions[2]!.log, { highWatermark: 3 });
    return answer;
  };
  const clock = createManualClock();
  const stop = pack(partitions, { objects, clock, log: silentLog }, { settledMs: 10_000 });
  for (let round = 0; round < 20; round += 1) await clock.advance(1_000);
  await stop();
  const wholes = put.slice(put.indexOf("whole"));
  expect(wholes.slice(0, 3)).toEqual(["whole", "new", "whole"]);
});

// Its log start may have moved with the last that its predecessor told it.
test("a new leader packs no log whole before it knows of all that is committed", async () => {
  const batches = Array.from({ length: 10 }, (_, baseOffset) => batchOf({ baseOffset }));
  const partition = partitionOf(0, batches);
  const log = partition.log as { highWatermark: number };
  log.highWatermark = 6;
  Object.assign(partition, { leaderEpoch: 4, leaderState: { startOffset: 9 } });
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const stop = pack([partition], { objects, clock, log: silentLog }, { settledMs: 0 });
  for (let round = 0; round < 3; round += 1) await clock.advance(1_000);
  expect(await rangesOf(objects)).toEqual([{ from: 0, to: 6, wholeInEpoch: -1 }]);
  log.highWatermark = 10;
  for (let round = 0; round < 3; round += 1) await clock.advance(1_000);
  expect(await rangesOf(objects)).toEqual([{ from: 0, to: 10, wholeInEpoch: 4 }]);
  await stop();
});

test("a log that is larger than a pack, or damaged, is not claimed to be whole, and not read again and again", async () => {
  const large = Array.from({ length: 8 }, (_, baseOffset) =>
    batchOf({ baseOffset, valueBytes: 10_000 }),
  );
  const damaged = [batchOf({ baseOffset: 0 }), batchOf({ baseOffset: 1 })];
  damaged[1]![damaged[1]!.length - 1]! ^= 1;
  const partitions = [
    partitionOf(0, large),
    partitionOf(1, damaged),
    partitionOf(2, [batchOf({ baseOffset: 0 })]),
  ];
  let reads = 0;
  for (const { log } of partitions) {
    const before = { ...log };
    log.readBatches = (...asked) => {
      reads += 1;
      return before.readBatches(...asked);
    };
  }
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  const stop = pack(partitions, { objects, clock, log: silentLog }, { settledMs: 10_000 });
  for (let round = 0; round < 20; round += 1) await clock.advance(1_000);
  const whole: number[] = [];
  for await (const { index, wholeInEpoch } of packedRanges(objects, cell))
    if (wholeInEpoch >= 0) whole.push(index);
  expect(whole).toEqual([2]);
  // But for the damaged one, which is behind for good.
  Object.assign(partitions[1]!.log, { highWatermark: 1 });
  const before = reads;
  for (let round = 0; round < 100; round += 1) await clock.advance(1_000);
  expect(reads).toBe(before);
  await stop();
});

test("a broker that may have been given up meanwhile deletes none of its packs", async () => {
  const partition = partitionOf(0, [batchOf({ baseOffset: 0 })]);
  const objects = createMemoryObjectStore();
  const clock = createManualClock();
  let isCurrent = true;
  const stop = pack([partition], { objects, clock, log: silentLog }, {}, () => isCurrent);
  await clock.advance(1_000);
  isCurrent = false;
  partition.tieredEnd = 1;
  await clock.advance(5_000);
  expect(await rangesOf(objects)).toHaveLength(1);
  isCurrent = true;
  await clock.advance(5_000);
  expect(await rangesOf(objects)).toHaveLength(0);
  await stop();
});
