import type { SegmentEntry } from "../../../broker/tiering/manifest.ts";
import {
  baseOffsetAt,
  batchSizeAt,
  crcAt,
  isCrcValidAt,
  lastOffsetAt,
  leaderEpochAt,
} from "../../../protocol/records/batch.ts";
import type { BatchView } from "../cell/replica-view.ts";
import type { CommittedLog } from "./committed-log.ts";

/** What is wrong with a segment's batches, given what is committed; null if nothing is. One that compaction has been over may have fewer of them. */
export function segmentProblem(
  entry: SegmentEntry,
  bytes: Uint8Array,
  committed: CommittedLog,
): string | null {
  if (bytes.length !== entry.sizeBytes) return `it has ${bytes.length} bytes`;
  if (entry.endOffset > committed.end) {
    return `it ends at ${entry.endOffset}; ${committed.end} is committed`;
  }
  if (entry.generation > 0) return null;
  let next = entry.baseOffset;
  for (let at = 0; at < entry.dataBytes; at += batchSizeAt(bytes, at)) {
    const batch = batchAt(bytes, at);
    if (!isCrcValidAt(bytes, at)) return `batch ${batch.baseOffset} is damaged`;
    if (batch.baseOffset !== next) return `batch ${batch.baseOffset} is where ${next} belongs`;
    const problem = committed.problemOf(batch);
    if (problem !== null) return problem;
    next = batch.lastOffset + 1;
  }
  return next === entry.endOffset ? null : `its batches end at ${next}, not at ${entry.endOffset}`;
}

const batchAt = (bytes: Uint8Array, at: number): BatchView => ({
  baseOffset: baseOffsetAt(bytes, at),
  lastOffset: lastOffsetAt(bytes, at),
  leaderEpoch: leaderEpochAt(bytes, at),
  crc: crcAt(bytes, at),
});
