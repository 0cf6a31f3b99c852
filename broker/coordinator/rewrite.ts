import { sizeBytes } from "./coordinator-log.ts";
import type { KeyValue } from "./coordinator-log.ts";
import type { StateMachine } from "./state-machine.ts";

/**
 * A coordinator's log holds every commit ever made; its state is the last of each key. So a shard now and then writes its live state again at the head
 * and moves the log start past everything older: neither disk nor start time grows with the number of commits. The rewrite rides on ordinary appends, a
 * bounded piece each. Until its last piece is committed the old copy stays, and replaying old copy, new commits and pieces in log order gives the same
 * state at every point, so a crash costs nothing but the work.
 */
export type RewriteLimits = {
  /** Rewrites begin when the log holds this many bytes more than `growthFactor` times what the last rewrite found alive. */
  readonly minimumBytes: number;
  readonly growthFactor: number;
  /** Piece that one append carries. */
  readonly pieceBytes: number;
};

export type Rewrite<Entry> = {
  /** Nothing below this is needed once the rewrite is done: the end of the log when it began. */
  readonly startOffset: number;
  readonly entries: Iterator<Entry>;
  /** Bytes of live state written again so far. */
  liveBytes: number;
  /** Bytes appended since it began, commits included: what the log will hold after it. */
  appendedBytes: number;
  isDone: boolean;
};

export function isRewriteDue(logBytes: number, liveBytes: number, limits: RewriteLimits): boolean {
  return logBytes > limits.minimumBytes + limits.growthFactor * liveBytes;
}

export function beginRewrite<Entry>(
  machine: StateMachine<Entry>,
  startOffset: number,
): Rewrite<Entry> {
  return {
    startOffset,
    entries: machine.liveEntries(),
    liveBytes: 0,
    appendedBytes: 0,
    isDone: false,
  };
}

/** The next piece; sets `isDone` when there is nothing behind it. */
export function nextPiece<Entry>(
  rewrite: Rewrite<Entry>,
  machine: StateMachine<Entry>,
  limits: RewriteLimits,
): KeyValue[] {
  const piece: KeyValue[] = [];
  let pieceBytes = 0;
  while (pieceBytes < limits.pieceBytes) {
    const next = rewrite.entries.next();
    if (next.done === true) {
      rewrite.isDone = true;
      break;
    }
    const record = machine.encode(next.value);
    piece.push(record);
    pieceBytes += sizeBytes(record);
  }
  rewrite.liveBytes += pieceBytes;
  return piece;
}
