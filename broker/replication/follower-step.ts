import type { ErrorName } from "../../protocol/errors.ts";

// What a follower does with its leader's answer for one partition (replication.md F1-F8). Pure: the caller's log does it.

/** Offsets from `end` to `start` were skipped when the partition was recovered with a possible loss: what older epochs wrote at or above `end` does not count. */
export type Recovery = { readonly epoch: number; readonly end: number; readonly start: number };

/** A replica's own log. */
export type FollowerLog = {
  readonly logStartOffset: number;
  readonly localStartOffset: number;
  /** End of what is written, and of what is appended. */
  readonly logEndOffset: number;
  readonly nextOffset: number;
  readonly highWatermark: number;
  /** Of the last batch; -1 for an empty log. */
  readonly leaderEpoch: number;
  /** The largest epoch not above the one asked for, and where it ends here. */
  epochEndOffset(epoch: number): { readonly epoch: number; readonly endOffset: number };
};

/** The leader's answer, as Fetch carries it. */
export type LeaderAnswer = {
  readonly error: ErrorName;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** Everything below is in the object store; -1 if that is not known. */
  readonly tieredEnd: number;
  readonly packedEnd: number;
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null;
  readonly recordsBytes: number;
};

export type FollowerStep =
  /** Append what came (perhaps nothing), then follow the high watermark and the log start. */
  | { readonly kind: "append" }
  /** `isRecovery`: what is cut was given up, though it may lie below the high watermark. */
  | { readonly kind: "truncate"; readonly toOffset: number; readonly isRecovery: boolean }
  /** Nothing of ours continues the leader's log any more (F5): drop it and start there. */
  | { readonly kind: "restart"; readonly atOffset: number }
  /** The leader has it no longer, the object store has: drop it and start where that ends. */
  | { readonly kind: "restartAtTier" }
  /** Write a gap from our log's end to that offset (F8). */
  | { readonly kind: "skip"; readonly toOffset: number }
  /** The metadata log knows better than one of us; ask again after a pause. */
  | { readonly kind: "backOff"; readonly reason: string }
  /** Obeying would destroy committed records (F6): stop and call for help. */
  | { readonly kind: "alarm"; readonly reason: string };

/** F8, before anything is fetched under a new epoch and after every truncation; null if no recovery is ahead of this log's end. */
export function recoveryStep(
  log: FollowerLog,
  recoveries: readonly Recovery[],
): FollowerStep | null {
  for (const { epoch, end, start } of standing(recoveries)) {
    if (log.leaderEpoch >= epoch || log.nextOffset >= start) continue;
    // Nothing of it was kept: cut, it would still begin behind that. Where the leader begins is told by the leader.
    if (log.localStartOffset > end) return { kind: "restart", atOffset: 0 };
    // What an older epoch wrote here was given up by whoever recovered the partition.
    if (log.nextOffset > end) return { kind: "truncate", toOffset: end, isRecovery: true };
    return log.nextOffset === end ? { kind: "skip", toOffset: start } : null;
  }
  return null;
}

/** Without those of which a later one left nothing: their gap and all behind it were given up as well, and the two are one. */
function standing(recoveries: readonly Recovery[]): readonly Recovery[] {
  if (recoveries.length < 2) return recoveries;
  const found: Recovery[] = [];
  for (const recovery of recoveries) {
    let { end } = recovery;
    for (let last = found.at(-1); last !== undefined && end < last.start; last = found.at(-1)) {
      end = Math.min(end, last.end);
      found.pop();
    }
    found.push({ ...recovery, end });
  }
  return found;
}

export function followerStep(
  log: FollowerLog,
  answer: LeaderAnswer,
  recoveries: readonly Recovery[],
): FollowerStep {
  switch (answer.error) {
    case "NONE":
      break;
    case "OFFSET_OUT_OF_RANGE":
      return outOfRange(log, answer, recoveries);
    case "OFFSET_MOVED_TO_TIERED_STORAGE":
      return { kind: "restartAtTier" };
    default:
      return { kind: "backOff", reason: answer.error };
  }
  if (answer.diverging !== null) return truncation(log, answer.diverging, recoveries);
  if (answer.logStartOffset > log.nextOffset) return outOfRange(log, answer, recoveries);
  // A new replica copies from its leader only what is nowhere else.
  const isEmpty = log.nextOffset === log.localStartOffset;
  if (isEmpty && answer.tieredEnd > log.nextOffset) return { kind: "restartAtTier" };
  return { kind: "append" };
}

/** F2. Never to the high watermark: what lies above it may be committed without our knowing. */
function truncation(
  log: FollowerLog,
  diverging: { readonly epoch: number; readonly endOffset: number },
  recoveries: readonly Recovery[],
): FollowerStep {
  const own = log.epochEndOffset(diverging.epoch);
  const ends = [log.nextOffset, diverging.endOffset, ...(own.epoch >= 0 ? [own.endOffset] : [])];
  const toOffset = Math.max(0, Math.min(...ends));
  const isRecovered = recoveries.some(({ epoch }) => log.leaderEpoch < epoch);
  // A log begins where others were known to have what lies before: that is committed, too.
  const committed = Math.max(log.highWatermark, log.localStartOffset);
  if (toOffset < committed && !isRecovered) {
    return {
      kind: "alarm",
      reason: `the leader's log leaves ours at ${toOffset}, below what is committed at ${committed}`,
    };
  }
  // Not where they part: what lies before may be in the object store, and a log begun anew would say that it begins here. Where it does, the leader tells.
  if (toOffset < log.localStartOffset) return { kind: "restart", atOffset: 0 };
  return { kind: "truncate", toOffset, isRecovery: isRecovered };
}

/** F5, the leader's log starts above our end; or it ends below it, which a divergence would have told. */
function outOfRange(
  log: FollowerLog,
  { logStartOffset }: LeaderAnswer,
  recoveries: readonly Recovery[],
): FollowerStep {
  if (logStartOffset > log.nextOffset) {
    // In a gap it is the same place as behind it, and there a log need not be cut.
    const gap = recoveries.find(({ end, start }) => end < logStartOffset && logStartOffset < start);
    return { kind: "restart", atOffset: gap?.start ?? logStartOffset };
  }
  return {
    kind: "backOff",
    reason: `offset ${log.logEndOffset} is out of the range of a leader that starts at ${logStartOffset}`,
  };
}

/** F4, and the log start with it: never back, never beyond what is written here. */
export function followedWatermarks(
  log: Pick<FollowerLog, "logEndOffset" | "highWatermark" | "logStartOffset">,
  answer: Pick<LeaderAnswer, "highWatermark" | "logStartOffset">,
): { highWatermark: number; logStartOffset: number } {
  const highWatermark = Math.max(
    log.highWatermark,
    Math.min(answer.highWatermark, log.logEndOffset),
  );
  const logStartOffset = Math.max(
    log.logStartOffset,
    Math.min(answer.logStartOffset, highWatermark),
  );
  return { highWatermark, logStartOffset };
}
