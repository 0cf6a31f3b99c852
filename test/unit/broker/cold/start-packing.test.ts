import { expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryObjectStore } from "../../../../adapters/memory/object-store.ts";
import { startPacking, type PackingOptions } from "../../../../broker/cold/start-packing.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import type { TopicTable } from "../../../../broker/replication/topic-table.ts";
import { packedRanges } from "../../../../broker/tiering/packed-ranges.ts";
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
  const ends = { packedEnd: 0, tieredEnd: 0 };
  return { topicId, index, isLeader: true, log, stirs: new Set(), ...ends } as unknown as Partition;
}

/** Every second, what these have. */
function pack(
  partitions: readonly Partition[],
  ports: Pick<PackingOptions, "objects" | "clock" | "log">,
): () => Promise<void> {
  const topics = { held: () => partitions, local: () => ({ partitions }) };
  return startPacking({
    ...ports,
    cell,
    broker: { broker: 1, brokerEpoch: 2 },
    topics: topics as unknown as TopicTable,
    config: { intervalMs: 1_000, packBytes: 64 * 1024 },
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
