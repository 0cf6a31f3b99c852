import { isExpired } from "../log/retention.ts";
import type { RetentionSettings } from "../log/partition-log.ts";
import type { PageEntry, SegmentEntry } from "./manifest.ts";

/** A segment, or a page of them, the oldest first. */
export type TieredUnit = Pick<
  SegmentEntry | PageEntry,
  "baseOffset" | "endOffset" | "sizeBytes" | "maxTimestamp"
>;

/**
 * Where the log start belongs: behind the segments that have expired, by the same rules as what is still here (retention.ts). `localBytes`: of what only the
 * log has, which counts for `retention.bytes` and goes last.
 */
export function retainedTier(
  units: readonly TieredUnit[],
  at: {
    readonly logStartOffset: number;
    readonly localBytes: number;
    readonly settings: RetentionSettings;
    readonly nowMs: number;
  },
): number {
  const live = units.filter(({ endOffset }) => endOffset > at.logStartOffset);
  let bytes = live.reduce((sum, { sizeBytes }) => sum + sizeBytes, at.localBytes);
  let start = at.logStartOffset;
  for (const unit of live) {
    if (!isExpired(unit, bytes, at.settings, at.nowMs)) break;
    start = unit.endOffset;
    bytes -= unit.sizeBytes;
  }
  return start;
}
