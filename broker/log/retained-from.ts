import { bytesBetween } from "./log-size.ts";
import { findPiece, rowsFrom, type PieceView } from "./piece-view.ts";
import type { RetentionSettings } from "./partition-log.ts";
import { isExpired, type RetentionUnit } from "./retention.ts";
import type { StoredLog } from "./stored-log.ts";

/**
 * Where the log start belongs, or the local start as it was where that moved on meanwhile: what lies between was not judged. Batches whose index is in memory are judged one by one, those of sealed files by piece: finer than Kafka's segments where it is
 * free, as coarse where it would cost reads. What has no timestamp goes with the next that has one and has expired, or it would keep all behind it for ever.
 */
export async function retainedFrom(
  log: StoredLog,
  settings: RetentionSettings,
  nowMs: number,
): Promise<number> {
  const { localStartOffset } = log;
  if (settings.retentionMs < 0 && settings.retentionBytes < 0) return localStartOffset;
  const start = await expiredEnd(log, settings, nowMs);
  return log.localStartOffset === localStartOffset ? start : localStartOffset;
}

async function expiredEnd(
  log: StoredLog,
  settings: RetentionSettings,
  nowMs: number,
): Promise<number> {
  let start = log.localStartOffset;
  let logBytes = log.sizeBytes;
  for (let next = start; next < log.highWatermark;) {
    const view = await findPiece(log, next);
    const units = view === null ? [] : await unitsOf(log, view, next);
    if (units.length === 0) return start;
    for (const unit of units) {
      if (unit.endOffset > log.highWatermark) return start;
      const isGoing = isExpired(unit, logBytes, settings, nowMs);
      if (!isGoing && unit.maxTimestamp >= 0) return start;
      next = unit.endOffset;
      if (isGoing) start = next;
      logBytes -= unit.sizeBytes;
    }
  }
  return start;
}

type Unit = RetentionUnit & { readonly endOffset: number };

/** Of the piece, what comes at `start` and behind it, the oldest first. */
async function unitsOf(log: StoredLog, view: PieceView, start: number): Promise<readonly Unit[]> {
  if (view.file.index === null) {
    const { maxTimestamp, endOffset } = view;
    const isCut = view.isPart || view.firstOffset < start;
    const sizeBytes = isCut ? await bytesBetween(log, start, endOffset) : view.sizeBytes;
    return [{ sizeBytes, maxTimestamp, endOffset }];
  }
  const { rows } = await rowsFrom(log, view, start);
  return rows.map(({ size, maxTimestamp, lastOffset }) => ({
    sizeBytes: size,
    maxTimestamp,
    endOffset: lastOffset + 1,
  }));
}
