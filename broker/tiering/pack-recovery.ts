import { skipGap } from "../log/gaps.ts";
import type { PackRange } from "./pack.ts";

// Which packs count when all replicas of a partition are lost (replication.md C3).

/** What the metadata log says of a recovery: offsets from `end` up to `start` were skipped. */
export type Recovery = { readonly epoch: number; readonly end: number; readonly start: number };

/** A range, and the pack it was found in. */
export type FoundRange = { readonly key: string; readonly range: PackRange };

/** Of `range`, the batches within [fromOffset, toOffset). */
export type RecoveredPart = FoundRange & { readonly fromOffset: number; readonly toOffset: number };

export type PackRecovery = {
  readonly startOffset: number;
  /** Equal to `startOffset` if the packs add nothing. */
  readonly endOffset: number;
  /** The epoch of the last batch: a range's, or `tier.lastEpoch`. */
  readonly lastEpoch: number;
  /** In the order of their offsets; between two of them there is nothing but a recovery's gap. */
  readonly parts: readonly RecoveredPart[];
  /** Packs hold more, in front of a hole or behind one: where the log start went by, or what a pack held that cannot be had. */
  readonly hasHole: boolean;
};

/**
 * The tiered end and the epoch that wrote what is before it; null for a partition without a manifest. `listsNothing`: the log start may have gone on from
 * there without a word to the manifest.
 */
export type TierEnd = {
  readonly endOffset: number;
  readonly lastEpoch: number;
  readonly listsNothing?: boolean;
};

type Candidate = FoundRange & { readonly baseOffset: number; readonly endOffset: number };

/**
 * The run of one partition's batches that begins where the tier ends, or without a segment with the first offset that any pack holds, and goes on as long as
 * there is no hole. Without a segment a hole is where the log start went by: packs below it are deleted, in no order and not all of them, so the run begins
 * anew behind it. Where packs contradict each other the higher leader epoch is right, and behind it no lower one can be: its leader never had that.
 */
export function recoverFromPacks(
  found: readonly FoundRange[],
  tier: TierEnd | null,
  recoveries: readonly Recovery[],
): PackRecovery {
  const all = found.map((each) => candidateOf(each, recoveries));
  const sweep = sweepOf(all.filter(({ baseOffset, endOffset }) => baseOffset < endOffset));
  const mayBeginLater = tier === null || tier.listsNothing === true;
  let parts: RecoveredPart[] = [];
  let from = tier?.endOffset ?? sweep.leastOffset ?? 0;
  let endOffset = from;
  let lastEpoch = tier?.lastEpoch ?? -1;
  // A log without a segment begins at 0, if not told otherwise: what was there may be what a pack held that cannot be had.
  let isMissingInFront = tier === null && from > skipGap(recoveries, 0);
  let isMissingBehind = false;
  for (;;) {
    const at = skipGap(recoveries, endOffset);
    sweep.moveTo(at);
    const best = sweep.best(lastEpoch);
    if (best === null) {
      const next = sweep.next(lastEpoch);
      isMissingBehind = next !== null && !mayBeginLater;
      if (next === null || !mayBeginLater) break;
      isMissingInFront = true;
      parts = [];
      from = next;
      endOffset = next;
      continue;
    }
    // A leader that came later, and what it has from there on, replaces the rest of this range.
    const later = sweep.next(best.range.lastLeaderEpoch + 1, best.endOffset);
    const toOffset = later ?? best.endOffset;
    parts.push({ key: best.key, range: best.range, fromOffset: at, toOffset });
    endOffset = toOffset;
    lastEpoch = Math.max(lastEpoch, epochBefore(best, toOffset));
  }
  // From where a log is whole nothing in front of it is asked for.
  const hasHole = isMissingBehind || (isMissingInFront && !hasWhole(all, from, endOffset));
  return { startOffset: from, endOffset, lastEpoch, parts, hasHole };
}

/** What an older leader wrote counts only below the end of a recovery that came after it. */
function candidateOf(each: FoundRange, recoveries: readonly Recovery[]): Candidate {
  const { range } = each;
  let { endOffset } = range;
  for (const { epoch, end } of recoveries) {
    if (range.firstLeaderEpoch < epoch) endOffset = Math.min(endOffset, end);
  }
  return { ...each, baseOffset: range.baseOffset, endOffset };
}

/** Goes through what packs hold from one offset to the next: a partition that the object store was away from for a day has thousands of ranges. */
type Sweep = {
  /** Null if there is nothing at all. */
  readonly leastOffset: number | null;
  /** Never back. */
  moveTo(offset: number): void;
  /** What has the offset moved to, by a leader of `leastEpoch` or later. */
  best(leastEpoch: number): Candidate | null;
  /** Where the first such leader's range behind that offset begins, and below `limit`; null if none does. */
  next(leastEpoch: number, limit?: number): number | null;
};

function sweepOf(candidates: readonly Candidate[]): Sweep {
  const sorted = candidates.toSorted((a, b) => a.baseOffset - b.baseOffset);
  /** The first that begins behind the offset. */
  let ahead = 0;
  /** Those that have it. */
  let open: Candidate[] = [];
  return {
    leastOffset: sorted[0]?.baseOffset ?? null,
    moveTo(offset) {
      for (let each = sorted[ahead]; each !== undefined; each = sorted[ahead]) {
        if (each.baseOffset > offset) break;
        open.push(each);
        ahead += 1;
      }
      open = open.filter(({ endOffset }) => endOffset > offset);
    },
    best(leastEpoch) {
      let best: Candidate | null = null;
      for (const each of open) {
        if (each.range.lastLeaderEpoch < leastEpoch) continue;
        if (best === null || isBetter(each, best)) best = each;
      }
      return best;
    },
    next(leastEpoch, limit = Infinity) {
      for (let at = ahead; at < sorted.length; at += 1) {
        const { baseOffset, range } = sorted[at]!;
        if (baseOffset >= limit) return null;
        if (range.lastLeaderEpoch >= leastEpoch) return baseOffset;
      }
      return null;
    },
  };
}

/**
 * Whether the run has all of a pack that had the whole log. Not of one that a recovery has cut: what had been written again in it may lie behind that
 * recovery's end, and counts no more.
 */
const hasWhole = (all: readonly Candidate[], from: number, to: number): boolean =>
  all.some(
    ({ key, range }) =>
      range.wholeInEpoch >= 0 &&
      range.baseOffset >= from &&
      all.every(
        (each) =>
          each.key !== key ||
          (each.endOffset === each.range.endOffset && each.range.endOffset <= to),
      ),
  );

const isBetter = (one: Candidate, other: Candidate): boolean =>
  one.range.lastLeaderEpoch - other.range.lastLeaderEpoch > 0 ||
  (one.range.lastLeaderEpoch === other.range.lastLeaderEpoch && one.endOffset > other.endOffset);

/** Of a range that was cut the epoch of the last batch is not known: at least the first one's. */
const epochBefore = ({ range }: Candidate, toOffset: number): number =>
  toOffset === range.endOffset ? range.lastLeaderEpoch : range.firstLeaderEpoch;
