import { liveProducersOf } from "../compaction/cleaning-job.ts";
import { compactPartition, type CompactedPartition } from "../compaction/compact-partition.ts";
import { CleanerLostError, type Cleaner } from "../compaction/remote-cleaner.ts";
import { nextToClean, type CompactionCandidate } from "../compaction/when-to-clean.ts";
import { LogReadError } from "../log/partition-log.ts";
import { startPeriodic } from "../periodic.ts";
import type { Partition } from "../replication/partition.ts";
import type { LocalTopic } from "../replication/topic-table.ts";
import type { BrokerServices } from "../services.ts";
import type { Manifest } from "../tiering/manifest.ts";
import { compactionCandidate } from "./compaction-candidate.ts";
import type { CompactionConfig } from "./compaction-config.ts";
import { isTieredHere } from "./is-tiered.ts";
import type { TieringConfig } from "./tiering-config.ts";
import type { Written } from "./tier-writer.ts";

// Compacts what the object store has of the compacted topics led here, one partition at a time. Reading, cleaning and putting segments takes minutes and goes
// on beside cuts and moves of the log start; only each swap of the manifest is in line with them (tier-writer.ts).

export type CompactionServices = Pick<
  BrokerServices,
  "topics" | "clock" | "random" | "log" | "stopping" | "tier" | "tierWriter"
> & {
  readonly cleaner: Cleaner;
};

export type CompactionLoopConfig = CompactionConfig &
  Pick<TieringConfig, "segmentBytes" | "graceMs">;

/** What is known of a partition between rounds, in one term of its leader. */
type Watched = {
  readonly leaderEpoch: number;
  /** As it was read before this leader claimed it; undefined before that. */
  read: Manifest | null | undefined;
  notBeforeMs: number;
  pauseMs: number;
};

type Desk = CompactionServices & {
  readonly config: CompactionLoopConfig;
  readonly watched: WeakMap<Partition, Watched>;
  running: { readonly partition: Partition; readonly stop: AbortController } | null;
};

type Candidate = CompactionCandidate & {
  readonly partition: Partition;
  readonly topic: LocalTopic;
};

/** Manifests read in a round, of what is led anew: after a start there are as many as partitions. */
const readsPerRound = 64;

const longestPauseMs = 3_600_000;

/** Ends, in the middle of a partition too, when the broker begins to stop. The result resolves when nothing of it is under way. */
export function startCompaction(
  services: CompactionServices,
  config: CompactionLoopConfig,
): () => Promise<void> {
  const { topics, clock, log } = services;
  const desk: Desk = { ...services, config, watched: new WeakMap(), running: null };
  topics.onLeadership((_topic, partition) => {
    if (!partition.isLeader && desk.running?.partition === partition) desk.running.stop.abort();
  });
  services.stopping.addEventListener("abort", () => desk.running?.stop.abort(), { once: true });
  return startPeriodic({
    clock,
    intervalMs: config.checkMs,
    async round() {
      await readManifests(desk);
      for (;;) {
        const next = nextToClean(candidates(desk), clock.nowMs());
        if (next === null || services.stopping.aborted) return;
        await compactOne(desk, next.candidate);
      }
    },
    failed: (error) => log.error("compaction failed; it is tried again", { error: String(error) }),
  });
}

function* compacted({ topics }: Desk): Generator<[Partition, LocalTopic]> {
  for (const topic of Array.from(topics.all())) {
    if (!topic.settings.isCompacted) continue;
    for (const partition of topic.partitions) {
      if (partition !== undefined && isTieredHere(partition, topic)) yield [partition, topic];
    }
  }
}

function watchedOf({ watched, config }: Desk, partition: Partition): Watched {
  const { leaderEpoch } = partition;
  const known = watched.get(partition);
  if (known?.leaderEpoch === leaderEpoch) return known;
  const made = { leaderEpoch, read: undefined, notBeforeMs: 0, pauseMs: config.pauseMs };
  watched.set(partition, made);
  return made;
}

/** With more failures in a row it is the store that does not answer: each takes its time to fail. */
const failuresAtMost = 3;

/** What nobody writes to is not claimed by anybody, and may be dirty, or have tombstones that may go by now. */
async function readManifests(desk: Desk): Promise<void> {
  let readCount = 0;
  let failureCount = 0;
  for (const [partition] of compacted(desk)) {
    const { stopping, tier, tierWriter, log } = desk;
    const state = watchedOf(desk, partition);
    if (tierWriter.known(partition) === null && state.read === undefined) {
      if (readCount === readsPerRound || stopping.aborted) continue;
      readCount += 1;
      try {
        state.read = await tier.manifest(partition);
        failureCount = 0;
      } catch (error) {
        if (!(error instanceof LogReadError)) throw error;
        const { topicId, index } = partition;
        const about = { topicId, partition: index, reason: error.message };
        log.warn("compaction waits for the object store", about);
        failureCount += 1;
        if (failureCount === failuresAtMost) return;
        continue;
      }
    }
    await letGoOfUncleaned(desk, partition);
  }
}

const manifestOf = (desk: Desk, partition: Partition): Manifest | null =>
  desk.tierWriter.known(partition) ?? watchedOf(desk, partition).read ?? null;

/**
 * Readers are given what is here before what is in the store, and here nothing is ever compacted: so that whoever reads from the beginning finds the clean log,
 * what has been cleaned there is let go of here. A follower keeps it until it leads, or its disk is needed.
 */
async function letGoOfUncleaned(desk: Desk, partition: Partition): Promise<void> {
  const { log, isLeader } = partition;
  const { cleanedTo = 0 } = manifestOf(desk, partition) ?? {};
  const offset = Math.min(cleanedTo, log.highWatermark);
  if (isLeader && offset > log.localStartOffset) await log.releaseLocal(offset);
}

function* candidates(desk: Desk): Generator<Candidate> {
  const nowMs = desk.clock.nowMs();
  for (const [partition, topic] of compacted(desk)) {
    const manifest = manifestOf(desk, partition);
    if (manifest === null) continue;
    const { notBeforeMs } = watchedOf(desk, partition);
    const candidate = compactionCandidate(manifest, topic.settings, { nowMs, notBeforeMs });
    yield { ...candidate, partition, topic };
  }
}

async function compactOne(desk: Desk, { partition, topic }: Candidate): Promise<void> {
  const stop = new AbortController();
  desk.running = { partition, stop };
  const state = watchedOf(desk, partition);
  try {
    const claimed = await desk.tierWriter.claimed(partition);
    if (claimed.kind !== "claimed") return noteOutcome(desk, partition, claimed);
    const { manifest } = claimed;
    const outcome = await compact(desk, { partition, topic, manifest, signal: stop.signal });
    if (outcome.kind !== "compacted") return noteOutcome(desk, partition, outcome);
    const hasComeFurther =
      outcome.replacedCount > 0 || outcome.summary.cleanedTo > manifest.cleanedTo;
    if (outcome.orphanCount > 0) desk.tierWriter.sweep(partition);
    if (hasComeFurther) state.pauseMs = desk.config.pauseMs;
    else rest(desk, state);
    const { recordsRead, recordsKept, bytesRead, bytesKept, cleanedTo } = outcome.summary;
    desk.log.info("a partition was compacted", {
      topicId: partition.topicId,
      partition: partition.index,
      cleanedTo,
      recordsRead,
      recordsKept,
      bytesRead,
      bytesKept,
    });
    await letGoOfUncleaned(desk, partition);
  } catch (error) {
    rest(desk, state);
    throw error;
  } finally {
    desk.running = null;
  }
}

type Order = {
  readonly partition: Partition;
  readonly topic: LocalTopic;
  readonly manifest: Manifest;
  readonly signal: AbortSignal;
};

async function compact(
  { tier, tierWriter, random, cleaner, config, clock }: Desk,
  { partition, topic, manifest, signal }: Order,
): Promise<CompactedPartition | { readonly kind: "failed"; readonly reason: string }> {
  const { objects, pages, reader } = tier;
  const { deleteRetentionMs, minCompactionLagMs } = topic.settings;
  try {
    return await compactPartition(
      {
        objects,
        pages,
        random,
        cleaner,
        footers: { load: (path, entry) => reader.footer({ path, manifest }, entry) },
        coming: tierWriter.coming,
        logStart: () => tierWriter.known(partition)?.logStartOffset ?? manifest.logStartOffset,
        change: (next) => tierWriter.change(partition, next),
        maxMapBytes: config.mapBytes,
        targetSegmentBytes: config.segmentBytes,
      },
      {
        path: tier.pathOf(partition),
        manifest,
        producers: liveProducersOf(partition.log.producers.producers.values()),
        // A reader may find a tombstone that late: by a manifest as old as objects outlive their place in one.
        deleteRetentionMs: deleteRetentionMs + config.graceMs,
        minCompactionLagMs,
        nowMs: clock.nowMs(),
        signal,
      },
    );
  } catch (error) {
    if (!(error instanceof CleanerLostError)) throw error;
    const { cause, message } = error;
    return { kind: "failed", reason: cause instanceof Error ? cause.message : message };
  }
}

type Failure = Exclude<CompactedPartition, { kind: "compacted" }> | Written;

function noteOutcome(desk: Desk, partition: Partition, failure: Failure): void {
  desk.tierWriter.sweep(partition);
  if (failure.kind === "stopped") return;
  const state = watchedOf(desk, partition);
  rest(desk, state);
  // Whoever leads now goes on with it, though this broker may not have heard of that: what was read of the manifest is of before.
  if (failure.kind === "fenced") {
    state.read = undefined;
    return;
  }
  desk.log.warn("a partition could not be compacted; it is tried again", {
    topicId: partition.topicId,
    partition: partition.index,
    kind: failure.kind,
    ...("message" in failure ? { reason: failure.message } : {}),
    ...("reason" in failure ? { reason: failure.reason } : {}),
  });
}

function rest({ clock }: Desk, state: Watched): void {
  state.notBeforeMs = clock.nowMs() + state.pauseMs;
  state.pauseMs = Math.min(longestPauseMs, state.pauseMs * 2);
}
