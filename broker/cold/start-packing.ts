import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";
import { knowsCommitted, notePackedEnd, type Partition } from "../replication/partition.ts";
import type { TopicTable } from "../replication/topic-table.ts";
import { deleteObjects } from "../tiering/delete-objects.ts";
import { packKey, type PackName } from "../tiering/object-keys.ts";
import { createPackBuilder, type PackBuilder } from "../tiering/pack.ts";
import { unavailable } from "../tiering/store-failure.ts";
import { fillPack, type FillOptions } from "./fill-pack.ts";
import { packedFrom } from "./packed-from.ts";
import { createPackedStarts } from "./packed-start.ts";
import {
  defaultWholeLimits,
  isCoordinators,
  WholeLogs,
  type KeptFor,
  type WholeLimits,
} from "./whole-logs.ts";

// A safety copy of what is in no segment yet, for the case that every replica is lost at once: every few seconds what the partitions led here have committed
// since, in one object whatever their number. So the loss of all disks costs at most that many seconds (storage.md, "Segments and packs").

export type PackingConfig = {
  /** `tier.max.age`: what the loss of every disk at once may cost. */
  readonly intervalMs: number;
  /** Largest pack. */
  readonly packBytes: number;
  /** When coordinators' logs are packed whole. */
  readonly whole?: Partial<WholeLimits>;
};

export const defaultPackingConfig: PackingConfig = {
  intervalMs: 10_000,
  packBytes: 32 * 1024 * 1024,
};

export type PackingOptions = {
  readonly cell: string;
  readonly broker: Pick<PackName, "broker" | "brokerEpoch">;
  readonly topics: TopicTable;
  /** Whether it is certain that this life of the broker has not been given up meanwhile: of its packs others may be making logs by then. */
  readonly isCurrent: () => boolean;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly config: PackingConfig;
};

/** A pack that is still needed: by which partitions, and up to where. */
type Kept = {
  readonly key: string;
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly needs: readonly { readonly partition: Partition; readonly endOffset: number }[];
};

type Packing = PackingOptions &
  FillOptions & {
    sequence: number;
    readonly kept: Set<Kept>;
    readonly packedStart: (partition: Partition) => number;
    readonly wholeLogs: WholeLogs;
  };

/** Packs put in one round: what does not fit waits for the next. */
const packsPerRound = 8;
const deletedPerRound = 256;
/** More than most directories take: a thousand ranges. */
const directoryRoomBytes = 64 * 1024;

/** The result stops it, and resolves when nothing of it is under way. */
export function startPacking(options: PackingOptions): () => Promise<void> {
  const packing: Packing = {
    ...options,
    sequence: 0,
    kept: new Set(),
    packedStart: createPackedStarts(),
    wholeLogs: new WholeLogs(options.clock, { ...defaultWholeLimits, ...options.config.whole }),
    damaged: new WeakSet(),
  };
  return startPeriodic({
    clock: options.clock,
    intervalMs: options.config.intervalMs,
    async round() {
      await packAll(packing);
      await dropUnneeded(packing);
      await packWholeLogs(packing);
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
      if (isToBeginOne(builder, partition, packing.config)) break;
      const from = { partition, fromOffset: packedFrom(partition) };
      const { end, kind } = await fillPack(builder, from, packing);
      if (end > 0) ends.set(partition, end);
      if (kind === "full") break;
      behind.shift();
    }
    if (ends.size === 0) {
      // The first that is left does not go into an empty pack: another time, or never; the others need not wait for it.
      behind.shift();
      continue;
    }
    if ((await put(packing, builder, ends)) === null) return;
  }
}

/**
 * Its log start has gone on from what is packed, or nobody here knows what is: of a pack that has some of it a recovery takes the log to begin there, though
 * what was written again may reach further. So it goes into one pack, if it fits at all.
 */
const isToBeginOne = (
  { dataBytes }: PackBuilder,
  partition: Partition,
  { packBytes }: PackingConfig,
): boolean => {
  const { localStartOffset, sizeBytes } = partition.log;
  const isAnew = localStartOffset > 0 && packedFrom(partition) === localStartOffset;
  return isAnew && dataBytes > 0 && dataBytes + sizeBytes + directoryRoomBytes > packBytes;
};

const isLed = ({ isLeader, log }: Partition): boolean => isLeader && log.failure === null;

const isBehind = (partition: Partition): boolean =>
  isLed(partition) && partition.log.highWatermark > packedFrom(partition);

/** Packs of coordinators' logs alone (whole-logs.ts). Nothing is done most of the time. */
async function packWholeLogs(packing: Packing): Promise<void> {
  const { topics, wholeLogs } = packing;
  const led = Array.from(topics.held()).filter(
    (partition) =>
      isLed(partition) &&
      isCoordinators(topics, partition) &&
      // What lies below the log's start is written again further up: no log is whole without that.
      knowsCommitted(partition) &&
      partition.log.highWatermark > wholeFrom(partition),
  );
  const due = wholeLogs.due(led, keptForCoordinators(packing));
  if (due.length === 0) return;
  for (const left = [...due]; left.length > 0;) {
    const builder = createPackBuilder(new Uint8Array(packing.config.packBytes));
    const ends = new Map<Partition, number>();
    while (left.length > 0) {
      const [partition] = left as [Partition, ...Partition[]];
      // Of one that has moved on meanwhile no more is claimed than was read.
      const { leaderEpoch } = partition;
      const from = { partition, fromOffset: wholeFrom(partition) };
      const { end, kind } = await fillPack(builder, from, packing);
      // It begins the next one, unless it has had this one for itself.
      if (kind !== "full" || ends.size === 0) left.shift();
      if (kind === "full") break;
      if (kind === "partly" || end === 0) continue;
      builder.markWhole(partition, leaderEpoch);
      ends.set(partition, end);
    }
    if (ends.size === 0) continue;
    const sequence = await put(packing, builder, ends);
    if (sequence === null) return;
    for (const [partition, endOffset] of ends)
      wholeLogs.notePacked(partition, { sequence, endOffset });
    // They may be many, and large: what has come meanwhile does not wait for all of them.
    await packAll(packing);
  }
  wholeLogs.noteTried(due);
  await dropUnneeded(packing);
  wholeLogs.noteLeft(keptForCoordinators(packing));
}

/** What segments do not have of it, if a sleep has made some, is here. */
const wholeFrom = ({ tieredEnd, log }: Partition): number =>
  Math.max(tieredEnd, log.localStartOffset);

/** Kept for logs that are led here, and nothing else: what others need is not let go of by packing these once more. */
function keptForCoordinators(packing: Packing): KeptFor[] {
  const found: KeptFor[] = [];
  const isLedLog = (each: Partition): boolean =>
    isLed(each) && isCoordinators(packing.topics, each);
  for (const pack of packing.kept) {
    const partitions = pack.needs
      .filter((need) => isNeeded(packing, pack, need))
      .map(({ partition }) => partition);
    if (partitions.length > 0 && partitions.every(isLedLog))
      found.push({ sizeBytes: pack.sizeBytes, partitions });
  }
  return found;
}

/** Its number; null if the store has not taken it. */
async function put(
  packing: Packing,
  builder: PackBuilder,
  ends: ReadonlyMap<Partition, number>,
): Promise<number | null> {
  const { cell, broker, objects, log, sequence } = packing;
  const key = packKey(cell, { ...broker, sequence });
  const { bytes } = builder.finish();
  try {
    // One that is there is of this process, put by an attempt that was not answered: the next number is free.
    packing.sequence += 1;
    await objects.put(key, bytes, { ifAbsent: true });
  } catch (error) {
    log.warn("a pack could not be put; what it holds goes into the next", {
      reason: unavailable(error).message,
    });
    return null;
  }
  const needs = Array.from(ends, ([partition, endOffset]) => ({ partition, endOffset }));
  packing.kept.add({ key, sequence, sizeBytes: bytes.length, needs });
  for (const { partition, endOffset } of needs) notePackedEnd(partition, endOffset);
  return sequence;
}

/** Deletes packs of this life that nothing needs any more; those of former ones are swept (pack-sweep.ts). */
async function dropUnneeded(packing: Packing): Promise<void> {
  const { kept, objects, isCurrent } = packing;
  if (!isCurrent()) return;
  const unneeded = Array.from(kept)
    .filter((pack) => pack.needs.every((need) => !isNeeded(packing, pack, need)))
    .slice(0, deletedPerRound);
  const { keys } = await deleteObjects(
    objects,
    unneeded.map(({ key }) => key),
  );
  const deleted = new Set(keys);
  for (const pack of unneeded) if (deleted.has(pack.key)) kept.delete(pack);
}

/** Until a manifest has it, or a later pack, the log start has passed it, or the topic is gone. What is led elsewhere by now is told by who leads it. */
function isNeeded(
  { topics, packedStart, wholeLogs }: Packing,
  { sequence }: Kept,
  { partition, endOffset }: Kept["needs"][number],
): boolean {
  const { topicId, index, tieredEnd } = partition;
  const local = topics.local(topicId);
  if (local === undefined) return false;
  // The replica has gone elsewhere: nobody tells this broker any more, and whoever sweeps looks for itself.
  if (local.partitions[index] !== partition) return true;
  if (endOffset <= tieredEnd || endOffset <= packedStart(partition)) return false;
  return !wholeLogs.hasLater(partition, { sequence, endOffset });
}
