import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { nextOffsetAt } from "../../protocol/records/batch.ts";
import type { LogOutput } from "../log-output.ts";
import { LogReadError } from "../log/partition-log.ts";
import { startPeriodic } from "../periodic.ts";
import { notePackedEnd, type Partition } from "../replication/partition.ts";
import type { TopicTable } from "../replication/topic-table.ts";
import { deleteObjects } from "../tiering/delete-objects.ts";
import { packKey, type PackName } from "../tiering/object-keys.ts";
import { createPackBuilder, type PackBuilder } from "../tiering/pack.ts";
import { unavailable } from "../tiering/store-failure.ts";
import { packedFrom } from "./packed-from.ts";
import { createPackedStarts } from "./packed-start.ts";

// A safety copy of what is in no segment yet, for the case that every replica is lost at once: every few seconds what the partitions led here have committed
// since, in one object whatever their number. So the loss of all disks costs at most that many seconds (storage.md, "Segments and packs").

export type PackingConfig = {
  /** `tier.max.age`: what the loss of every disk at once may cost. */
  readonly intervalMs: number;
  /** Largest pack. */
  readonly packBytes: number;
};

export const defaultPackingConfig: PackingConfig = {
  intervalMs: 10_000,
  packBytes: 32 * 1024 * 1024,
};

export type PackingOptions = {
  readonly cell: string;
  readonly broker: Pick<PackName, "broker" | "brokerEpoch">;
  readonly topics: TopicTable;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly config: PackingConfig;
};

/** A pack that is still needed: by which partitions, and up to where. */
type Kept = { readonly key: string; readonly needs: { partition: Partition; endOffset: number }[] };

type Packing = PackingOptions & {
  sequence: number;
  readonly kept: Set<Kept>;
  readonly packedStart: (partition: Partition) => number;
  /** Whose damaged batch has been told: it is met again in every round. */
  readonly damaged: WeakSet<Partition>;
};

/** Packs put in one round: what does not fit waits for the next. */
const packsPerRound = 8;
const deletedPerRound = 256;

/** The result stops it, and resolves when nothing of it is under way. */
export function startPacking(options: PackingOptions): () => Promise<void> {
  const packing: Packing = {
    ...options,
    sequence: 0,
    kept: new Set(),
    packedStart: createPackedStarts(),
    damaged: new WeakSet(),
  };
  return startPeriodic({
    clock: options.clock,
    intervalMs: options.config.intervalMs,
    async round() {
      await packAll(packing);
      await dropUnneeded(packing);
    },
    failed: (error) =>
      options.log.error("packing failed; it is tried again", { error: String(error) }),
  });
}

async function packAll(packing: Packing): Promise<void> {
  const behind = Array.from(packing.topics.held()).filter(isBehind);
  for (let count = 0; behind.length > 0 && count < packsPerRound; count += 1) {
    const builder = createPackBuilder(new Uint8Array(packing.config.packBytes));
    const ends = new Map<Partition, number>();
    while (behind.length > 0) {
      const [partition] = behind as [Partition, ...Partition[]];
      const { end, isWhole } = await fill(packing, builder, partition);
      if (end > 0) ends.set(partition, end);
      if (!isWhole) break;
      behind.shift();
    }
    if (ends.size === 0) {
      // The first that is left does not go into an empty pack: another time, or never; the others need not wait for it.
      behind.shift();
      continue;
    }
    if (!(await put(packing, builder, ends))) return;
  }
}

const isBehind = (partition: Partition): boolean =>
  partition.isLeader &&
  partition.log.failure === null &&
  partition.log.highWatermark > packedFrom(partition);

/** Adds what the partition has committed since; where that ends, 0 if nothing was added, and whether it is all. */
async function fill(
  { damaged, log: output }: Pick<Packing, "damaged" | "log">,
  builder: PackBuilder,
  partition: Partition,
): Promise<{ end: number; isWhole: boolean }> {
  const { log } = partition;
  const upTo = log.highWatermark;
  let end = 0;
  try {
    for await (const batch of log.readBatches(packedFrom(partition), upTo)) {
      const added = builder.add(partition, batch);
      if (added.kind === "full") return { end, isWhole: false };
      if (added.kind === "corruptState") {
        if (!damaged.has(partition))
          output.error("a damaged batch is not packed, nor what is behind it", {
            topicId: partition.topicId,
            partition: partition.index,
            reason: added.message,
          });
        damaged.add(partition);
        break;
      }
      end = nextOffsetAt(batch, 0);
    }
  } catch (error) {
    // Cut or begun anew meanwhile: what is there by then is packed in the next round.
    if (!(error instanceof LogReadError)) throw error;
  }
  return { end, isWhole: true };
}

async function put(
  packing: Packing,
  builder: PackBuilder,
  ends: ReadonlyMap<Partition, number>,
): Promise<boolean> {
  const { cell, broker, objects, log } = packing;
  const key = packKey(cell, { ...broker, sequence: packing.sequence });
  const { bytes } = builder.finish();
  try {
    // One that is there is of this process, put by an attempt that was not answered: the next number is free.
    packing.sequence += 1;
    await objects.put(key, bytes, { ifAbsent: true });
  } catch (error) {
    log.warn("a pack could not be put; what it holds goes into the next", {
      reason: unavailable(error).message,
    });
    return false;
  }
  const needs = Array.from(ends, ([partition, endOffset]) => ({ partition, endOffset }));
  packing.kept.add({ key, needs });
  for (const { partition, endOffset } of needs) notePackedEnd(partition, endOffset);
  return true;
}

/** Deletes packs of this life that nothing needs any more; those of former ones are swept (pack-sweep.ts). */
async function dropUnneeded(packing: Packing): Promise<void> {
  const { kept, objects } = packing;
  const unneeded = Array.from(kept)
    .filter(({ needs }) => needs.every((need) => !isNeeded(packing, need)))
    .slice(0, deletedPerRound);
  const { keys } = await deleteObjects(
    objects,
    unneeded.map(({ key }) => key),
  );
  const deleted = new Set(keys);
  for (const pack of unneeded) if (deleted.has(pack.key)) kept.delete(pack);
}

/** Until a manifest has it, the log start has passed it, or the topic is gone. What is led elsewhere by now is told by who leads it. */
function isNeeded(
  { topics, packedStart }: Packing,
  { partition, endOffset }: Kept["needs"][number],
): boolean {
  const { topicId, index, tieredEnd } = partition;
  const local = topics.local(topicId);
  if (local === undefined) return false;
  // The replica has gone elsewhere: nobody tells this broker any more, and whoever sweeps looks for itself.
  if (local.partitions[index] !== partition) return true;
  return endOffset > tieredEnd && endOffset > packedStart(partition);
}
