import { bytesBetween } from "./log-size.ts";
import { findPiece, rowsFrom, type PieceView } from "./piece-view.ts";
import type { RetentionSettings } from "./partition-log.ts";
import { isExpired } from "./retention.ts";
import type { StoredLog } from "./stored-log.ts";

/**
 * Where the log start belongs. Batches whose index is in memory are judged one by one, those of sealed files by piece: finer than Kafka's segments where it is
 * free, as coarse where it would cost reads.
 */
export async function retainedFrom(
  log: StoredLog,
  settings: RetentionSettings,
  nowMs: number,
): Promise<number> {
  if (settings.retentionMs < 0 && settings.retentionBytes < 0) return log.localStartOffset;
  let start = log.localStartOffset;
  let logBytes = log.sizeBytes;
  while (start < log.highWatermark) {
    const view = await findPiece(log, start);
    if (view === null) return start;
    const unit = await oldestUnit(log, view, start);
    if (unit === null || unit.endOffset > log.highWatermark) return start;
    if (!isExpired(unit, logBytes, settings, nowMs)) return start;
    if (unit.isWhole) {
      start = unit.endOffset;
      logBytes -= unit.sizeBytes;
      continue;
    }
    for (const row of (await rowsFrom(log, view, start)).rows) {
      const batch = { sizeBytes: row.size, maxTimestamp: row.maxTimestamp };
      if (row.lastOffset >= log.highWatermark) return start;
      if (!isExpired(batch, logBytes, settings, nowMs)) return start;
      start = row.lastOffset + 1;
      logBytes -= row.size;
    }
  }
  return start;
}

type Unit = { sizeBytes: number; maxTimestamp: number; endOffset: number; isWhole: boolean };

const oldestUnit = async (log: StoredLog, view: PieceView, start: number): Promise<Unit | null> => {
  if (view.file.index === null) {
    const sizeBytes =
      view.isPart || view.firstOffset < start
        ? await bytesBetween(log, start, view.endOffset)
        : view.sizeBytes;
    return { sizeBytes, maxTimestamp: view.maxTimestamp, endOffset: view.endOffset, isWhole: true };
  }
  const row = (await rowsFrom(log, view, start)).rows[0];
  return row === undefined
    ? null
    : {
        sizeBytes: row.size,
        maxTimestamp: row.maxTimestamp,
        endOffset: row.lastOffset + 1,
        isWhole: false,
      };
};
