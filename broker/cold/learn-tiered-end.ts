import type { Clock } from "../../ports/clock.ts";
import { DiskError } from "../../ports/disk.ts";
import { LogReadError } from "../log/partition-log.ts";
import { startPeriodic } from "../periodic.ts";
import { noteTieredEnd, type Partition } from "../replication/partition.ts";
import type { LocalTopic, TopicTable } from "../replication/topic-table.ts";
import type { LogOutput } from "../log-output.ts";
import { tieredEnd } from "../tiering/manifest.ts";
import { isTieredHere } from "./is-tiered.ts";
import { unkeptEnd } from "./local-release.ts";
import type { Tier } from "./tier.ts";

// A leader that has just started knows nothing of what is in the object store until it claims a manifest, and it claims none before it has something to put.
// Whoever needs to know before has it read the manifest: of thousands of partitions at rest nothing is asked.

/** Reads where the tier ends, if this leader does not know. Throws LogReadError where the store does not answer. */
export async function learnTieredEnd(
  tier: Pick<Tier, "manifest">,
  partition: Partition,
): Promise<void> {
  const { leaderEpoch, log } = partition;
  if (!partition.isLeader || partition.tieredEnd >= 0) return;
  const manifest = await tier.manifest(partition, { isFresh: true });
  if (!partition.isLeader || partition.leaderEpoch !== leaderEpoch) return;
  // True, and not asked again.
  if (manifest === null) return noteTieredEnd(partition, 0);
  const end = tieredEnd(manifest);
  // Not claimed, it may be another leader's, and grow: what it lists stays there all the same. But whoever claims it first makes the log start the same here
  // and there, and of one that ends above the log nobody is to be told (tier-writer.ts).
  if (manifest.logStartOffset > log.logStartOffset || end > log.logEndOffset) return;
  noteTieredEnd(partition, end);
}

/** For a store that does not answer, and for a manifest that has to be claimed first. */
const pauseMs = 60_000;

type Services = {
  readonly topics: TopicTable;
  readonly tier: Pick<Tier, "manifest">;
  readonly clock: Clock;
  readonly log: LogOutput;
};

/** Has leaders read their manifests where `local.retention.*` could let go of something, one after the other. The result stops it. */
export function startLearning(services: Services, checkMs: number): () => Promise<void> {
  const { topics, tier, clock, log } = services;
  const notBeforeMs = new WeakMap<Partition, number>();
  let storeNotBeforeMs = 0;

  async function learn(partition: Partition): Promise<void> {
    notBeforeMs.set(partition, clock.monotonicMs() + pauseMs);
    try {
      await learnTieredEnd(tier, partition);
    } catch (error) {
      if (!(error instanceof LogReadError)) throw error;
      storeNotBeforeMs = clock.monotonicMs() + pauseMs;
      const { topicId, index } = partition;
      const about = { topicId, partition: index, reason: error.message };
      log.warn("what is in the object store cannot be told now; all of it stays here", about);
    }
  }

  return startPeriodic({
    clock,
    intervalMs: checkMs,
    async round(isStopped) {
      for (const [partition, topic] of unknown(topics)) {
        const nowMs = clock.monotonicMs();
        if (isStopped() || nowMs < storeNotBeforeMs) return;
        if (nowMs < (notBeforeMs.get(partition) ?? 0)) continue;
        if (await isAnyUnkept(partition, topic, clock)) await learn(partition);
      }
    },
    failed: (error) =>
      log.error("reading where the object store ends failed; it is tried again", {
        error: String(error),
      }),
  });
}

function* unknown(topics: TopicTable): Generator<[Partition, LocalTopic]> {
  for (const topic of Array.from(topics.all()))
    for (const partition of topic.partitions)
      if (partition !== undefined && partition.tieredEnd < 0 && isTieredHere(partition, topic))
        yield [partition, topic];
}

async function isAnyUnkept(
  { log }: Partition,
  { settings }: LocalTopic,
  clock: Clock,
): Promise<boolean> {
  try {
    return (await unkeptEnd(log, settings, clock)) > log.localStartOffset;
  } catch (error) {
    // Said by those who read it for its own sake.
    if (error instanceof LogReadError || error instanceof DiskError) return false;
    throw error;
  }
}
