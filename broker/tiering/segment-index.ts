import { baseOffsetAt, maxTimestampAt, recordCountAt } from "../../protocol/records/batch.ts";
import type { OffsetIndex, TimeIndex } from "./segment-footer.ts";

/** A row for each so many bytes of batches: what a reader scans at most before the batch it looks for. */
const bytesPerRow = 32 * 1024;
/** However large the segment. */
const maxRows = 4096;

/** What a footer says of the batches, gathered as they are added. */
export type SegmentIndex = {
  readonly bytesPerRow: number;
  readonly offsets: number[];
  readonly positions: number[];
  readonly timestamps: number[];
  readonly timeOffsets: number[];
  recordCount: number;
  minTimestamp: number;
  maxTimestamp: number;
  maxTimestampOffset: number;
};

/** For a segment of at most `maxDataBytes` of batches. */
export const createSegmentIndex = (maxDataBytes: number): SegmentIndex => ({
  bytesPerRow: Math.max(bytesPerRow, Math.ceil(maxDataBytes / maxRows)),
  offsets: [],
  positions: [],
  timestamps: [],
  timeOffsets: [],
  recordCount: 0,
  minTimestamp: -1,
  maxTimestamp: -1,
  maxTimestampOffset: -1,
});

/** Notes the batch that begins `at` bytes into the segment. */
export function indexBatch(index: SegmentIndex, bytes: Uint8Array, at: number): void {
  const offset = baseOffsetAt(bytes, at);
  const lastPosition = index.positions.at(-1) ?? -Infinity;
  if (at - lastPosition >= index.bytesPerRow) {
    index.offsets.push(offset);
    index.positions.push(at);
    // Only where the largest timestamp has risen: the row before says the same of more batches.
    if (index.maxTimestamp > (index.timestamps.at(-1) ?? -1)) {
      index.timestamps.push(index.maxTimestamp);
      index.timeOffsets.push(offset);
    }
  }
  const recordCount = recordCountAt(bytes, at);
  // A header that compaction has left still says how late its records were: none of them is found by that, or kept for it.
  if (recordCount === 0) return;
  index.recordCount += recordCount;
  const timestamp = maxTimestampAt(bytes, at);
  if (timestamp < 0) return;
  if (timestamp > index.maxTimestamp) {
    index.maxTimestamp = timestamp;
    index.maxTimestampOffset = offset;
  }
  index.minTimestamp = index.minTimestamp < 0 ? timestamp : Math.min(index.minTimestamp, timestamp);
}

/** Where to begin to read for `offset`: the position of the last batch with a row that begins at or before it, or 0. */
export function positionOf({ offsets, positions }: OffsetIndex, offset: number): number {
  const row = countAtMost(offsets, offset) - 1;
  return row < 0 ? 0 : positions[row]!;
}

/** Where the row behind `position` begins, or `dataBytes`: what lies between holds the batch that `positionOf` was asked for. */
export function nextPosition({ positions }: OffsetIndex, position: number, dataBytes: number) {
  return positions[countAtMost(positions, position)] ?? dataBytes;
}

/** An offset before which no batch has a timestamp of `timestamp` or later; null if the index says nothing of it. */
export function offsetBefore({ timestamps, offsets }: TimeIndex, timestamp: number): number | null {
  // Below the first row that has it or more lies the last one whose batches are all older.
  return offsets[countAtMost(timestamps, timestamp - 1) - 1] ?? null;
}

/** How many of the ascending values are at most `limit`. */
function countAtMost(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
