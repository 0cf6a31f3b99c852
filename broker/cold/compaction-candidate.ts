import type { TopicSettings } from "../../metadata/settings/topic-settings.ts";
import type { CompactionCandidate } from "../compaction/when-to-clean.ts";
import type { Manifest } from "../tiering/manifest.ts";

type CompactionSettings = Pick<
  TopicSettings,
  "minCleanableDirtyRatio" | "minCompactionLagMs" | "maxCompactionLagMs"
>;

/**
 * What a manifest says of how dirty a partition is. A page counts as one, so with `min.compaction.lag.ms` its segments wait for the youngest of them. A segment
 * of which a full key map left a part is split in proportion to its offsets.
 */
export function compactionCandidate(
  manifest: Manifest,
  settings: CompactionSettings,
  at: { readonly nowMs: number; readonly notBeforeMs: number },
): CompactionCandidate {
  const { minCompactionLagMs, maxCompactionLagMs, minCleanableDirtyRatio } = settings;
  const { cleanedTo, expiring } = manifest;
  const cleanable = {
    cleanBytes: 0,
    dirtyBytes: 0,
    firstDirtyTimestampMs: null as number | null,
  };
  for (const unit of [...manifest.pages, ...manifest.segments]) {
    const { baseOffset, endOffset, sizeBytes, minTimestamp, maxTimestamp } = unit;
    const cleanOffsets = Math.min(Math.max(cleanedTo - baseOffset, 0), endOffset - baseOffset);
    const cleanBytes = (sizeBytes * cleanOffsets) / (endOffset - baseOffset);
    cleanable.cleanBytes += cleanBytes;
    if (cleanOffsets === endOffset - baseOffset) continue;
    // Kafka stops at the first segment that holds a record that young.
    if (minCompactionLagMs > 0 && maxTimestamp > at.nowMs - minCompactionLagMs) break;
    cleanable.dirtyBytes += sizeBytes - cleanBytes;
    if (minTimestamp >= 0) {
      const first = cleanable.firstDirtyTimestampMs ?? minTimestamp;
      cleanable.firstDirtyTimestampMs = Math.min(first, minTimestamp);
    }
  }
  return {
    ...cleanable,
    expiringBytes: expiring.bytes,
    lastDeleteHorizonMs: expiring.lastHorizonMs < 0 ? null : expiring.lastHorizonMs,
    minCleanableDirtyRatio,
    maxCompactionLagMs,
    notBeforeMs: at.notBeforeMs,
  };
}
