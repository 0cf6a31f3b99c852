import { assert } from "../assert.ts";
import { truncateEpochsFromEnd } from "./epoch-cache.ts";
import { beforeGap, skipGap } from "./gaps.ts";
import { commitControl } from "./log-control.ts";
import { bytesBetween } from "./log-size.ts";
import type { LogBefore } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";
import { flushAll } from "./wal-commit.ts";

// What a replica does to the end of its log: cut it, begin anew, or go on behind a gap. Each looks at the disk before it acts, and meanwhile the replica may
// be made leader, or be cut by somebody else: then what was decided is void, and nothing is done (false). Whoever still wants it asks again.

/** What a change was decided on. */
type Basis = Pick<
  StoredLog,
  "appendEpoch" | "logStartOffset" | "localStartOffset" | "nextOffset" | "cutCount"
>;

const basisOf = (log: StoredLog): Basis => ({
  appendEpoch: log.appendEpoch,
  logStartOffset: log.logStartOffset,
  localStartOffset: log.localStartOffset,
  nextOffset: log.nextOffset,
  cutCount: log.cutCount,
});

const isAsItWas = (log: StoredLog, basis: Basis): boolean =>
  log.failure === null &&
  !log.isDropped &&
  log.appendEpoch === basis.appendEpoch &&
  log.logStartOffset === basis.logStartOffset &&
  log.localStartOffset === basis.localStartOffset &&
  log.nextOffset === basis.nextOffset &&
  log.cutCount === basis.cutCount;

export async function truncateLog(
  log: StoredLog,
  to: number,
  { isRecovery }: { readonly isRecovery: boolean },
): Promise<boolean> {
  assert(to >= log.highWatermark || isRecovery, "nothing below the high watermark is truncated");
  // Behind a gap is where it began, unless something is there.
  const offset = skipGap(log.gaps, to) === to ? to : beforeGap(log.gaps, to);
  if (offset >= log.nextOffset) {
    // An epoch that was led here and wrote nothing is in no other log: said again with each fetch, it would diverge for ever.
    truncateEpochsFromEnd(log.epochs, log.nextOffset);
    return true;
  }
  const basis = basisOf(log);
  if (!(await allWritten(log))) return false;
  const end = await batchStartAt(log, offset);
  // Cut inside a batch the log would have a hole where that began.
  if (end === null || !isAsItWas(log, basis)) return false;
  // The batch that holds the log start goes whole: nothing that can be read is left of this log.
  if (end < log.localStartOffset) return restartLog(log, log.localStartOffset, beforeOf(log));
  const goneBytes = await bytesBetween(log, end, log.nextOffset);
  if (!isAsItWas(log, basis)) return false;
  const committed = commitControl(log, "truncate", { baseOffset: end, goneBytes });
  log.cutAt(end, sequenceOf(log));
  log.sizeBytes -= goneBytes;
  log.endAt(end);
  await committed;
  return true;
}

export async function restartLog(
  log: StoredLog,
  offset: number,
  before: LogBefore | null = null,
): Promise<boolean> {
  const basis = basisOf(log);
  if (!(await allWritten(log)) || !isAsItWas(log, basis)) return false;
  const entry = { baseOffset: offset, goneBytes: log.sizeBytes };
  const committed = commitControl(log, "start", before === null ? entry : { ...entry, before });
  log.beginAnew(offset, { sequence: sequenceOf(log), before });
  await committed;
  return true;
}

export async function skipInLog(log: StoredLog, offset: number): Promise<boolean> {
  const basis = basisOf(log);
  if (!(await allWritten(log)) || !isAsItWas(log, basis)) return false;
  if (offset <= log.nextOffset) return true;
  const committed = commitControl(log, "gap", { baseOffset: offset, goneBytes: 0 });
  log.goOnAt(offset);
  log.logEndOffset = offset;
  await committed;
  return true;
}

/** What is in the object store stays what this log continues. Its producers wrote last in what is cut off, and are not known any more. */
const beforeOf = (log: StoredLog): LogBefore | null =>
  log.logStartOffset === log.localStartOffset
    ? null
    : {
        logStartOffset: log.logStartOffset,
        epochs: log.epochs.entries.filter(({ startOffset }) => startOffset < log.localStartOffset),
        producers: new Uint8Array(0),
        gaps: log.gaps.filter(({ start }) => start <= log.localStartOffset),
      };

/** A commit under way would take for written what is about to be cut. */
async function allWritten({ logEndOffset, nextOffset, context }: StoredLog): Promise<boolean> {
  return logEndOffset >= nextOffset || (await flushAll(context.wal));
}

/** `offset`, or the start of the batch it lies inside of; null if that cannot be read now. */
async function batchStartAt(log: StoredLog, offset: number): Promise<number | null> {
  const found = await log.read({
    fromOffset: offset,
    maxBytes: 0,
    upToOffset: log.nextOffset,
    atLeastOneBatch: true,
  });
  if (found.kind === "unavailable") return null;
  if (found.kind !== "data") return offset;
  found.records.release();
  return Math.min(offset, found.baseOffset);
}

/** Of the file that takes the next entry. */
function sequenceOf({ context: { wal } }: StoredLog): number {
  const { current, next, nextSequence } = wal;
  return (current ?? next)?.sequence ?? nextSequence;
}
