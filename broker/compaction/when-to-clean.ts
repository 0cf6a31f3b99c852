import { assert } from "../assert.ts";

// Which partition is cleaned next. Kafka's rules: one whose oldest dirty record has waited for max.compaction.lag.ms, else one that is dirtier than
// min.cleanable.dirty.ratio, the dirtiest first. Two things are our own. What has waited too long comes before what is dirtier: the lag is a promise (data
// must be gone by then), the ratio a matter of cost. And tombstones past their horizon count as dirt: in Kafka those of a topic that is no longer written to
// stay for good.

/** What is known of a compacted partition without reading its records; all of it below the last stable offset, and older than min.compaction.lag.ms. */
export type CompactionCandidate = {
  /** Bytes below where the last run's map ended. */
  readonly cleanBytes: number;
  /** Bytes from there to where cleaning may go. */
  readonly dirtyBytes: number;
  /** The oldest timestamp among those, or null where there are none. */
  readonly firstDirtyTimestampMs: number | null;
  /** `expiringBytes` and `lastDeleteHorizonMs` of the last run's statistics. */
  readonly expiringBytes: number;
  readonly lastDeleteHorizonMs: number | null;
  /** `min.cleanable.dirty.ratio`. */
  readonly minCleanableDirtyRatio: number;
  /** `max.compaction.lag.ms`, since the record's timestamp. */
  readonly maxCompactionLagMs: number;
  /** Not before then: the last run failed, or gave nothing. 0 for at once. */
  readonly notBeforeMs: number;
};

/** `lag`: forced by max.compaction.lag.ms, which was over `overdueMs` ago. `dirt`: worth its cost. */
export type CompactionReason =
  | { readonly kind: "lag"; readonly overdueMs: number }
  | { readonly kind: "dirt"; readonly dirtyRatio: number };

/** Why this partition is to be cleaned now, or null if it is not. */
export function reasonToClean(
  candidate: CompactionCandidate,
  nowMs: number,
): CompactionReason | null {
  if (nowMs < candidate.notBeforeMs) return null;
  const { firstDirtyTimestampMs, dirtyBytes, maxCompactionLagMs } = candidate;
  if (firstDirtyTimestampMs !== null && dirtyBytes > 0) {
    const overdueMs = nowMs - firstDirtyTimestampMs - maxCompactionLagMs;
    if (overdueMs > 0) return { kind: "lag", overdueMs };
  }
  const dirtyRatio = dirtyRatioOf(candidate, nowMs);
  return dirtyRatio > candidate.minCleanableDirtyRatio ? { kind: "dirt", dirtyRatio } : null;
}

/**
 * The share of what can be cleaned that is dirty, from 0 to 1. What expires counts only when all of it may go: a topic that is written to is cleaned for its
 * other dirt, and takes what may go then along.
 */
export function dirtyRatioOf(candidate: CompactionCandidate, nowMs: number): number {
  const { cleanBytes, dirtyBytes, expiringBytes, lastDeleteHorizonMs } = candidate;
  assert(cleanBytes >= 0 && dirtyBytes >= 0 && expiringBytes >= 0, "sizes are not negative");
  const hasExpired = lastDeleteHorizonMs !== null && lastDeleteHorizonMs <= nowMs;
  // Counted as they are uncompressed, they may seem to be more than all there is.
  const expiredBytes = hasExpired ? Math.min(expiringBytes, cleanBytes) : 0;
  const totalBytes = cleanBytes + dirtyBytes;
  return totalBytes === 0 ? 0 : (dirtyBytes + expiredBytes) / totalBytes;
}

export type NextToClean<Candidate> = {
  readonly candidate: Candidate;
  readonly reason: CompactionReason;
};

/** The most urgent of them, in one pass that holds no more than the one; null if none is due. The first of equals. */
export function nextToClean<Candidate extends CompactionCandidate>(
  candidates: Iterable<Candidate>,
  nowMs: number,
): NextToClean<Candidate> | null {
  let next: NextToClean<Candidate> | null = null;
  for (const candidate of candidates) {
    const reason = reasonToClean(candidate, nowMs);
    if (reason === null) continue;
    if (next === null || isMoreUrgent(reason, next.reason)) next = { candidate, reason };
  }
  return next;
}

const isMoreUrgent = (reason: CompactionReason, than: CompactionReason): boolean => {
  if (reason.kind === "lag") return than.kind === "dirt" || reason.overdueMs > than.overdueMs;
  return than.kind === "dirt" && reason.dirtyRatio > than.dirtyRatio;
};
