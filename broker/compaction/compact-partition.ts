import { noteCleaned, nothingExpires, type Expiring, type Manifest } from "../tiering/manifest.ts";
import type { PartitionPath } from "../tiering/object-keys.ts";
import type { SegmentFooters } from "../tiering/segment-footers.ts";
import type {
  CleaningFailure,
  CleaningJob,
  CleaningSummary,
  LiveProducer,
} from "./cleaning-job.ts";
import { keyMapBytes } from "./key-map.ts";
import {
  planCompaction,
  type CompactionPlan,
  type PlannedSegment,
  type Unplanned,
} from "./plan-compaction.ts";
import type { Cleaner, CleaningRun } from "./remote-cleaner.ts";
import { segmentPieces } from "./segment-pieces.ts";
import type { Swapped, SwapTools } from "./swap-segments.ts";
import {
  joins,
  placeRewritten,
  type RewrittenRun,
  type RewrittenSegment,
} from "./write-segments.ts";

// One compaction of one partition's tier: the keys of the dirty segments into a map, then every segment up to the map's end written anew, small neighbours as
// one. Each swap is one put of the manifest, between other changes of it, and leaves the log whole, so it may be stopped, or fail, at any point: what has been swapped is cleaner than it was,
// objects that were put and never listed are orphans, and `cleanedTo`, which is put
// last, says where the next one begins.

export type CompactionTools = SwapTools & {
  readonly footers: SegmentFooters;
  readonly cleaner: Cleaner;
  /** Names of objects on their way into the manifest: the collector of orphans must leave them alone. */
  readonly coming: Set<string>;
  /** Where the log begins by now: what lies wholly below has left the manifest, and its objects go some time later. */
  readonly logStart: () => number;
  /** Of the key map: 128 MiB by default, as `log.cleaner.dedupe.buffer.size`. */
  readonly maxMapBytes?: number;
  /** Small neighbours are merged up to as many bytes of batches: 64 MiB by default. Twice that is held in memory at most, and one segment. */
  readonly targetSegmentBytes?: number;
  /** Read from the store at once: 4 MiB by default. */
  readonly pieceBytes?: number;
  /** Bound on what one batch may decompress to: 64 MiB by default. */
  readonly maxDecompressedBytes?: number;
};

export type PartitionCompaction = {
  readonly path: PartitionPath;
  /** Claimed by the leader that compacts. */
  readonly manifest: Manifest;
  /** The leader's (`liveProducersOf`). */
  readonly producers: readonly LiveProducer[];
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly nowMs: number;
  /** Ends it early, between two pieces. */
  readonly signal?: AbortSignal;
};

export type CompactedPartition =
  | {
      readonly kind: "compacted";
      readonly summary: CleaningSummary;
      /** Segments that gave way to others. */
      readonly replacedCount: number;
      /** Objects that were put and are listed nowhere. */
      readonly orphanCount: number;
    }
  | { readonly kind: "stopped" }
  | Unplanned
  | CleaningFailure
  | Exclude<Swapped, { kind: "done" }>;

const mebibyte = 1024 * 1024;

/**
 * Compacts what is tiered of a partition. But for `compacted`, objects may have been put that nobody lists, and some of the swaps may be in the manifest.
 * Rejects with `CleanerLostError` if the cleaner is lost, which likewise leaves the log whole.
 */
export async function compactPartition(
  tools: CompactionTools,
  compaction: PartitionCompaction,
): Promise<CompactedPartition> {
  const { path, manifest } = compaction;
  const plan = await planCompaction(tools, { path, manifest });
  if (plan.kind !== "plan") return plan;
  const run = await tools.cleaner.start(jobOf(tools, compaction, plan));
  try {
    return await compactSegments(tools, compaction, { plan, run });
  } finally {
    // Does nothing to a run that has ended.
    await run.giveUp();
  }
}

const jobOf = (
  tools: CompactionTools,
  compaction: PartitionCompaction,
  plan: CompactionPlan,
): CleaningJob => ({
  firstDirtyOffset: plan.firstDirtyOffset,
  endOffset: plan.endOffset,
  deleteRetentionMs: compaction.deleteRetentionMs,
  minCompactionLagMs: compaction.minCompactionLagMs,
  nowMs: compaction.nowMs,
  aborted: plan.aborted,
  producers: compaction.producers,
  mapMemoryBytes: Math.min(tools.maxMapBytes ?? 128 * mebibyte, keyMapBytes(plan.dirtyRecordCount)),
  hashSeed: Math.floor(tools.random.float() * 2 ** 32),
  maxDecompressedBytes: tools.maxDecompressedBytes ?? 64 * mebibyte,
});

type Work = { readonly plan: CompactionPlan; readonly run: CleaningRun };

async function compactSegments(
  tools: CompactionTools,
  compaction: PartitionCompaction,
  { plan, run }: Work,
): Promise<CompactedPartition> {
  const mapped = await mapSegments(tools, compaction, { plan, run });
  if (mapped.kind !== "mapped") return mapped;
  const { mappedEnd } = mapped;
  const targetBytes = tools.targetSegmentBytes ?? 64 * mebibyte;
  const { path, manifest, nowMs } = compaction;
  const { leaderEpoch } = manifest;
  let replacedCount = 0;
  let orphanCount = 0;
  let pending: RewrittenSegment[] = [];

  /** Null: placed, or nothing of it is wanted any more. */
  async function place(rewritten: RewrittenRun): Promise<CompactedPartition | null> {
    for (let run = rewritten; ;) {
      run = run.filter((each) => !hasLeft(tools, each));
      if (run.length === 0) return null;
      const placed = await placeRewritten(tools, { path, leaderEpoch, nowMs }, run);
      if (placed.kind === "done") replacedCount += run.length;
      if (placed.kind === "done" || placed.kind === "same") return null;
      // The log start went by meanwhile, as it may in every run: what it left of this one is put by itself.
      const isOvertaken = run.some((each) => hasLeft(tools, each));
      if (!isOvertaken || (placed.kind !== "failed" && placed.kind !== "gone")) return placed;
      orphanCount += 1;
    }
  }

  for (const segment of plan.segments) {
    if (segment.entry.baseOffset >= mappedEnd) break;
    if (hasLeft(tools, segment)) continue;
    if (!joins(pending, segment, targetBytes)) {
      const failure = await place(pending);
      if (failure !== null) return failure;
      pending = [];
    }
    const rewritten = await rewriteSegment(tools, compaction, { run, segment });
    if (rewritten.kind === "gone" && hasLeft(tools, segment)) continue;
    if (rewritten.kind !== "segment") return rewritten;
    pending.push(rewritten);
  }
  const failure = await place(pending);
  if (failure !== null) return failure;
  const summary = await run.end();
  const expiring = expiringOf(summary);
  // Of the bytes alone another run gives another estimate.
  const isNewHorizon = expiring.lastHorizonMs !== manifest.expiring.lastHorizonMs;
  if (mappedEnd > manifest.cleanedTo || isNewHorizon) {
    const noted = await tools.change(async (now) =>
      noteCleaned(now, Math.max(mappedEnd, now.cleanedTo), expiring),
    );
    if (noted.kind !== "done") return noted;
  }
  return { kind: "compacted", summary, replacedCount, orphanCount };
}

const expiringOf = ({ expiringBytes, lastDeleteHorizonMs }: CleaningSummary): Expiring =>
  lastDeleteHorizonMs === null
    ? nothingExpires
    : { bytes: expiringBytes, lastHorizonMs: lastDeleteHorizonMs };

const stopped = { kind: "stopped" } as const;

const hasLeft = ({ logStart }: CompactionTools, { entry }: PlannedSegment): boolean =>
  entry.endOffset <= logStart();

async function mapSegments(
  tools: CompactionTools,
  { path, signal }: PartitionCompaction,
  { plan, run }: Work,
): Promise<{ kind: "mapped"; mappedEnd: number } | CompactedPartition> {
  let mappedEnd = plan.firstDirtyOffset;
  for (const planned of plan.segments) {
    const { entry } = planned;
    if (entry.endOffset <= plan.firstDirtyOffset || hasLeft(tools, planned)) continue;
    if (entry.baseOffset >= plan.endOffset) break;
    const segment = { path, entry };
    for await (const piece of segmentPieces(tools.objects, segment, pieceBytesOf(tools))) {
      if (signal?.aborted === true) return stopped;
      if (piece.kind === "gone" && hasLeft(tools, planned)) break;
      if (piece.kind !== "batches") return piece;
      const mapped = await run.map(piece.bytes);
      if (mapped.kind !== "mapped") return mapped;
      ({ mappedEnd } = mapped);
      if (mapped.stop !== null) return { kind: "mapped", mappedEnd };
    }
  }
  return { kind: "mapped", mappedEnd };
}

async function rewriteSegment(
  tools: CompactionTools,
  { path, signal }: PartitionCompaction,
  { run, segment }: { readonly run: CleaningRun; readonly segment: PlannedSegment },
): Promise<CompactedPartition | ({ readonly kind: "segment" } & RewrittenSegment)> {
  const { entry } = segment;
  const pieces: Uint8Array[] = [];
  let isChanged = false;
  for await (const piece of segmentPieces(tools.objects, { path, entry }, pieceBytesOf(tools))) {
    if (signal?.aborted === true) return stopped;
    if (piece.kind !== "batches") return piece;
    const rewritten = await run.rewrite(piece.bytes);
    if (rewritten.kind !== "rewritten") return rewritten;
    isChanged ||= rewritten.isChanged;
    if (rewritten.bytes.length > 0) pieces.push(rewritten.bytes);
  }
  return { kind: "segment", ...segment, pieces, isChanged };
}

const pieceBytesOf = ({ pieceBytes = 4 * mebibyte }: CompactionTools): number => pieceBytes;
