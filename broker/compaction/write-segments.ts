import { baseOffsetAt, forEachBatch, isControlAt } from "../../protocol/records/batch.ts";
import { assert } from "../assert.ts";
import { createEpochCache } from "../log/epoch-cache.ts";
import type { SegmentEntry } from "../tiering/manifest.ts";
import { newObjectId, objectKey, type PartitionPath } from "../tiering/object-keys.ts";
import { createSegmentBuilder } from "../tiering/segment-builder.ts";
import type { SegmentFooter } from "../tiering/segment-footer.ts";
import type { LoadedFooter, SegmentFooters } from "../tiering/segment-footers.ts";
import { unavailable } from "../tiering/store-failure.ts";
import type { PlannedSegment } from "./plan-compaction.ts";
import { swapSegments, type Swapped, type SwapTools } from "./swap-segments.ts";

export type RewrittenSegment = PlannedSegment & {
  /** What is left of it: whole batches in each. */
  readonly pieces: readonly Uint8Array[];
  readonly isChanged: boolean;
};

/** Adjacent segments as they are to be from now on: one object. */
export type RewrittenRun = readonly RewrittenSegment[];

/** Whether the segment becomes one object with the run before it: they meet, are listed at one place, and are small enough. */
export function joins(run: RewrittenRun, next: PlannedSegment, targetBytes: number): boolean {
  const last = run.at(-1);
  return (
    last === undefined ||
    (last.entry.endOffset === next.entry.baseOffset &&
      last.page === next.page &&
      dataBytesOf(run) + next.entry.dataBytes <= targetBytes)
  );
}

const dataBytesOf = (run: RewrittenRun): number => {
  let bytes = 0;
  for (const { pieces } of run) for (const piece of pieces) bytes += piece.length;
  return bytes;
};

export type Placed =
  | Swapped
  | { readonly kind: "same" }
  | Exclude<LoadedFooter, { kind: "footer" }>;

export type Place = {
  readonly path: PartitionPath;
  /** Of the leader that compacts. */
  readonly leaderEpoch: number;
  readonly nowMs: number;
};

/**
 * Stores the run as one object and has it take its segments' place. A single segment of which nothing went stays as it is (`same`). What the footers say of the log where
 * a segment ends (producers, open transactions, epochs, recoveries) is true whatever is left of the segment, so the last one's words stand for the new one.
 */
export async function placeRewritten(
  tools: SwapTools & { readonly footers: SegmentFooters; readonly coming: Set<string> },
  { path, leaderEpoch, nowMs }: Place,
  run: RewrittenRun,
): Promise<Placed> {
  if (run.length === 1 && !run[0]!.isChanged) return { kind: "same" };
  const footers: SegmentFooter[] = [];
  for (const { entry } of run) {
    const loaded = await tools.footers.load(path, entry);
    if (loaded.kind !== "footer") return loaded;
    footers.push(loaded.footer);
  }
  const id = newObjectId(tools.random);
  const { bytes, entry } = buildSegment(run, footers, { id, leaderEpoch });
  tools.coming.add(entry.name);
  try {
    // Its name is of this put alone: one that is there is its own, of which the store lost the answer.
    await tools.objects.put(objectKey(path, entry.name), bytes, { ifAbsent: true });
    const from = run.map((source) => source.entry.name);
    return await swapSegments(tools, path, { from, to: [entry], nowMs });
  } catch (error) {
    return unavailable(error);
  } finally {
    tools.coming.delete(entry.name);
  }
}

/** What a footer adds to those of the segments it stands for: nothing but a new index, which has no more rows than theirs together. */
const footerSlackBytes = 64 * 1024;

function buildSegment(
  run: RewrittenRun,
  footers: readonly SegmentFooter[],
  as: { readonly id: string; readonly leaderEpoch: number },
): { readonly bytes: Uint8Array; readonly entry: SegmentEntry } {
  const first = footers[0];
  const last = footers.at(-1);
  assert(first !== undefined && last !== undefined, "a run has segments");
  const entries = run.map(({ entry }) => entry);
  const footerBytes = entries.reduce((sum, each) => sum + each.sizeBytes - each.dataBytes, 0);
  const footerRoomBytes = footerBytes + footerSlackBytes;
  const builder = createSegmentBuilder({
    topicId: first.topicId,
    index: first.index,
    leaderEpoch: as.leaderEpoch,
    baseOffset: first.baseOffset,
    id: as.id,
    buffer: new Uint8Array(dataBytesOf(run) + footerRoomBytes + 1),
    footerRoomBytes,
    generation: Math.max(...entries.map(({ generation }) => generation)) + 1,
  });
  const markerOffsets = new Set<number>();
  for (const piece of run.flatMap(({ pieces }) => pieces)) {
    const failure = forEachBatch(piece, (at, size) => {
      if (isControlAt(piece, at)) markerOffsets.add(baseOffsetAt(piece, at));
      const added = builder.add(piece.subarray(at, at + size));
      assert(added.kind === "added", "what the cleaner gives is sound, and has its room");
    });
    assert(failure === null, "the cleaner gives whole batches");
  }
  const finished = builder.finish({
    endOffset: last.endOffset,
    producers: last.producers,
    epochs: createEpochCache(last.epochs),
    gaps: last.gaps,
    // As long as the marker is there: readers look for it by this.
    abortedTransactions: footers
      .flatMap(({ abortedTransactions }) => abortedTransactions)
      .filter(({ lastOffset }) => markerOffsets.has(lastOffset)),
    openTransactions: last.openTransactions,
  });
  assert(finished.kind === "finished", "a footer is no larger than those it stands for");
  return finished;
}
