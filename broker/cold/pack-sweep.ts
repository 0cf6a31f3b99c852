import { systemClusterId, type Image } from "../../metadata/image/image.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { noLeader } from "../../metadata/records/partition.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogOutput } from "../log-output.ts";
import { LogReadError } from "../log/partition-log.ts";
import { startPeriodic } from "../periodic.ts";
import { deleteObjects } from "../tiering/delete-objects.ts";
import { tieredEnd } from "../tiering/manifest.ts";
import { listPacks, loadPackDirectory, type ListedPack } from "../tiering/pack-reading.ts";
import type { FoundRange } from "../tiering/pack-recovery.ts";
import type { PackRange } from "../tiering/pack.ts";
import type { Partition } from "../replication/partition.ts";
import { keptTopics } from "./kept-topics.ts";
import type { Keeping } from "./kept-topics.ts";
import { createPackedWhole, isPackedAgain, type PackedWhole } from "./packed-whole.ts";
import { createPackedStarts } from "./packed-start.ts";
import type { Tier, TierPlace } from "./tier.ts";

// Packs of lives that are over: nobody remembers what they hold. The controller's broker goes through them, a few at a time, and deletes those of which every
// range is in a manifest by now, below its log's start, packed again by a later leader, or of a topic that is gone. Internal topics have no manifest: where
// their logs begin it knows of those that it leads, and of the others it looks for packs that have them whole.

export type PackSweepOptions = {
  readonly cell: string;
  readonly tier: Tier;
  readonly metadata: Pick<MetadataReplica, "image" | "readToHead">;
  readonly partitionOf: (place: TierPlace) => Partition | undefined;
  readonly isController: () => boolean;
  readonly clock: Clock;
  readonly log: LogOutput;
  readonly intervalMs: number;
};

type Sweep = PackSweepOptions & {
  readonly packedStart: (partition: Partition) => number;
  readonly packedWhole: () => Promise<PackedWhole>;
};

const packsPerRound = 64;

export function startPackSweep(options: PackSweepOptions): () => Promise<void> {
  const { clock, log, intervalMs, isController, tier, cell } = options;
  let startAfter: string | null = null;
  const packedStart = createPackedStarts();
  const packedWhole = createPackedWhole({ objects: tier.objects, cell });
  return startPeriodic({
    clock,
    intervalMs,
    async round(isStopped) {
      const all = { ...options, packedStart, packedWhole };
      startAfter = isController() ? await sweep(all, startAfter, isStopped) : null;
    },
    failed: (error) =>
      log.warn("packs could not be swept; it is tried again", { error: String(error) }),
  });
}

/** One round; where the next goes on, null from the beginning. */
async function sweep(
  { cell, tier, metadata, log, partitionOf, packedStart, packedWhole }: Sweep,
  startAfter: string | null,
  isStopped: () => boolean,
): Promise<string | null> {
  const { objects } = tier;
  const listed = await listPacks(objects, cell, { startAfter, limit: packsPerRound });
  if (listed.kind === "unavailable") return startAfter;
  if (listed.packs.length === 0) return listed.startAfter;
  try {
    // After the look at the store: what a pack holds is of topics that were made before it was put.
    await metadata.readToHead();
  } catch (error) {
    if (error instanceof MetadataLogError) return startAfter;
    throw error;
  }
  const kept = once(() => keptTopics({ objects, cell, metadata }));
  const whole = once(packedWhole);
  const at: Judging = { tier, metadata, partitionOf, packedStart, kept, whole };
  const unneeded: string[] = [];
  for (const pack of listed.packs) {
    if (isStopped()) return startAfter;
    if (isOfThisLife(metadata.image, pack)) continue;
    const loaded = await loadPackDirectory(objects, pack);
    if (loaded.kind === "corrupt")
      log.error("a pack is damaged; it is kept", { key: pack.key, reason: loaded.message });
    if (loaded.kind === "directory" && (await areAllHeld(at, pack.key, loaded.ranges)))
      unneeded.push(pack.key);
  }
  await deleteObjects(objects, unneeded);
  return listed.startAfter;
}

/** Whoever puts it remembers what it holds, and deletes it. */
const isOfThisLife = ({ brokers }: Image, { broker, brokerEpoch }: ListedPack): boolean => {
  const registered = brokers.get(broker);
  return registered !== undefined && registered.epoch === brokerEpoch;
};

type Judging = Pick<Sweep, "tier" | "metadata" | "partitionOf" | "packedStart"> & {
  /** Topics that a restored cell does not know, and keeps. */
  readonly kept: () => Promise<Keeping>;
  readonly whole: () => Promise<PackedWhole>;
};

/** Asks the store when it is first wanted: hardly ever. */
function once<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let asked: Promise<Answer> | null = null;
  return () => (asked ??= ask());
}

async function areAllHeld(
  at: Judging,
  key: string,
  ranges: readonly PackRange[],
): Promise<boolean> {
  for (const range of ranges) if (!(await isHeld(at, { key, range }))) return false;
  return true;
}

async function isHeld(
  { tier, metadata, partitionOf, packedStart, kept, whole }: Judging,
  found: FoundRange,
): Promise<boolean> {
  const { topicId, index, endOffset } = found.range;
  if (!metadata.image.topics.has(topicId)) return !(await kept()).isKept(topicId);
  const partition = partitionOf({ topicId, index });
  // A follower's high watermark may lag behind the start it was told of.
  if (partition?.isLeader === true && endOffset <= packedStart(partition)) return true;
  try {
    const manifest = await tier.manifest({ topicId, index });
    const isInManifest =
      manifest !== null && endOffset <= Math.max(tieredEnd(manifest), manifest.logStartOffset);
    if (isInManifest) return true;
    if (metadata.image.topics.get(topicId)?.clusterId !== systemClusterId) return false;
    const again = await whole();
    const state = metadata.image.topics.get(topicId)?.partitions[index];
    // Without a leader it may be about to be recovered, from packs that were found before the later one came.
    if (state === undefined || state.leader === noLeader) return false;
    return isPackedAgain(again, found, state.recoveries);
  } catch (error) {
    if (error instanceof LogReadError) return false;
    throw error;
  }
}
