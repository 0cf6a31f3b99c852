import { leaderEpochAt } from "../../protocol/records/batch.ts";
import { decodeBatch } from "../../protocol/records/decode.ts";
import { LogReadError, type TimestampedOffset } from "./partition-log.ts";
import { findPiece, rowsFrom } from "./piece-view.ts";
import { copyRange } from "./read-batches.ts";
import type { StoredLog } from "./stored-log.ts";
import type { IndexRow } from "./wal-index.ts";

/** Bound on what one batch may decompress to while a record is looked up by time. */
const maxDecompressedBytes = 256 * 1024 * 1024;

/** Calls `visit` for the batches of [logStart, upToOffset) whose piece and own largest timestamp is at least `least()`; false ends the walk. */
async function visitRows(
  log: StoredLog,
  upToOffset: number,
  options: { least: () => number; visit: (row: IndexRow) => Promise<boolean> },
): Promise<void> {
  let next = log.localStartOffset;
  while (next < upToOffset) {
    const view = await findPiece(log, next);
    if (view === null || view.firstOffset >= upToOffset) return;
    if (view.maxTimestamp < options.least()) {
      next = view.endOffset;
      continue;
    }
    const { rows } = await rowsFrom(log, view, next);
    if (rows.length === 0) next = Math.max(next + 1, view.endOffset);
    for (const row of rows) {
      if (row.lastOffset >= upToOffset) return;
      if (row.maxTimestamp >= options.least() && !(await options.visit(row))) return;
      next = row.lastOffset + 1;
    }
  }
}

export async function findOffsetByTimestamp(
  log: StoredLog,
  timestamp: number,
  upToOffset: number,
): Promise<TimestampedOffset | null> {
  let found: TimestampedOffset | null = null;
  await visitRows(log, upToOffset, {
    least: () => timestamp,
    visit: async (row) => {
      found = await firstRecord(log, row, timestamp);
      return found === null;
    },
  });
  return found;
}

export async function maxTimestampOffset(
  log: StoredLog,
  upToOffset: number,
): Promise<TimestampedOffset | null> {
  let best: IndexRow | null = null as IndexRow | null;
  await visitRows(log, upToOffset, {
    least: () => (best === null ? 0 : best.maxTimestamp + 1),
    visit: async (row) => {
      best = row;
      return true;
    },
  });
  return best === null ? null : firstRecord(log, best, best.maxTimestamp);
}

/** The batch's first record, not below the log start, with at least that timestamp. */
async function firstRecord(
  log: StoredLog,
  row: IndexRow,
  timestamp: number,
): Promise<TimestampedOffset | null> {
  const read = await log.read({
    fromOffset: Math.max(row.baseOffset, log.localStartOffset),
    maxBytes: 0,
    upToOffset: row.lastOffset + 1,
    atLeastOneBatch: true,
  });
  if (read.kind !== "data")
    throw new LogReadError(`cannot read at ${row.baseOffset}: ${read.kind}`);
  const bytes = await copyRange(read.records);
  const decoded = decodeBatch(bytes, 0, maxDecompressedBytes);
  if (decoded.kind !== "decoded") {
    // A client's own doing (records are not looked into on produce): the batch as a whole stands for them.
    return {
      offset: row.baseOffset,
      timestamp: row.maxTimestamp,
      leaderEpoch: leaderEpochAt(bytes, 0),
    };
  }
  for (const record of decoded.records) {
    if (record.timestamp < timestamp || record.offset < log.localStartOffset) continue;
    return {
      offset: record.offset,
      timestamp: record.timestamp,
      leaderEpoch: leaderEpochAt(bytes, 0),
    };
  }
  return null;
}
