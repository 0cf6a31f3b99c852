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
};

/**
 * The tiered end and the epoch that wrote what is before it, -1 where nothing is listed before it: then it is where the log began when that was put. Null for
 * a partition without a manifest.
 */
export type TierEnd = { readonly endOffset: number; readonly lastEpoch: number };

type Candidate = FoundRange & { readonly baseOffset: number; readonly endOffset: number };

/**
 * The run of one partition's batches that begins where the tier ends, or without a segment behind the last hole, and goes on as long as there is none. Where packs contradict each other the higher leader epoch is right, and behind it no lower one can be: its leader never had that.
 */
export function recoverFromPacks(
  found: readonly FoundRange[],
  tier: TierEnd | null,
  recoveries: readonly Recovery[],
): PackRecovery {
  const candidates = found
    .map((each) => candidateOf(each, recoveries))
    .filter(({ baseOffset, endOffset }) => baseOffset < endOffset);
  const isTiered = tier !== null && tier.lastEpoch >= 0;
  const least = tier?.endOffset ?? 0;
  const startOffset = isTiered ? least : lastRunStart(candidates, recoveries, least);
  const parts: RecoveredPart[] = [];
  let endOffset = startOffset;
  let lastEpoch = tier?.lastEpoch ?? -1;
  for (;;) {
    const at = skipGap(recoveries, endOffset);
    const best = bestAt(candidates, at, lastEpoch);
    if (best === null) break;
    // A leader that came later, and what it has from there on, replaces the rest of this range.
    const later = candidates.filter(
      ({ range, baseOffset }) =>
        range.lastLeaderEpoch > best.range.lastLeaderEpoch && baseOffset > at,
    );
    const toOffset = later.reduce(
      (least, { baseOffset }) => Math.min(least, baseOffset),
      best.endOffset,
    );
    parts.push({ key: best.key, range: best.range, fromOffset: at, toOffset });
    endOffset = toOffset;
    lastEpoch = Math.max(lastEpoch, epochBefore(best, toOffset));
  }
  return { startOffset, endOffset, lastEpoch, parts };
}

/**
 * Where what packs hold to its end without a hole begins; `least` if there is nothing behind that. A pack is deleted once the log start has passed all that is in
 * it, and moves of the log start are in no manifest that lists nothing: so a hole lies below the log start, and what is before it, in packs that others need or
 * that nobody remembers, was let go of.
 */
function lastRunStart(
  candidates: readonly Candidate[],
  recoveries: readonly Recovery[],
  least: number,
): number {
  let start = least;
  let end = -1;
  for (const each of candidates.toSorted((a, b) => a.baseOffset - b.baseOffset)) {
    if (each.endOffset <= least) continue;
    if (each.baseOffset > skipGap(recoveries, end)) start = each.baseOffset;
    end = Math.max(end, each.endOffset);
  }
  return start;
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

function bestAt(
  candidates: readonly Candidate[],
  offset: number,
  leastEpoch: number,
): Candidate | null {
  let best: Candidate | null = null;
  for (const each of candidates) {
    if (each.baseOffset > offset || each.endOffset <= offset) continue;
    if (each.range.lastLeaderEpoch < leastEpoch) continue;
    if (best === null || isBetter(each, best)) best = each;
  }
  return best;
}

const isBetter = (one: Candidate, other: Candidate): boolean =>
  one.range.lastLeaderEpoch - other.range.lastLeaderEpoch > 0 ||
  (one.range.lastLeaderEpoch === other.range.lastLeaderEpoch && one.endOffset > other.endOffset);

/** Of a range that was cut the epoch of the last batch is not known: at least the first one's. */
const epochBefore = ({ range }: Candidate, toOffset: number): number =>
  toOffset === range.endOffset ? range.lastLeaderEpoch : range.firstLeaderEpoch;
