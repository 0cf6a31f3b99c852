import type { TopicSettings } from "../../metadata/settings/topic-settings.ts";

// When a leader makes a segment of what only its log has. Pure: the writer (tier-writer.ts) does it.

export type CutLimits = {
  /** `tier.segment.bytes`: a segment's worth. The topic's `segment.bytes` if that is less. */
  readonly segmentBytes: number;
  /** `tier.segment.max.age`: how long committed records may be in the log alone. */
  readonly maxAgeMs: number;
};

export type Untiered = {
  /** Of batches that are committed and in no segment. */
  readonly bytes: number;
  /** Since when there have been any. */
  readonly ageMs: number;
  /** They keep a file of the log from being given back that the disk's budget needs. */
  readonly isPressed: boolean;
};

export const isCutDue = (
  { bytes, ageMs, isPressed }: Untiered,
  { segmentBytes, maxAgeMs }: CutLimits,
): boolean => bytes > 0 && (isPressed || bytes >= segmentBytes || ageMs >= maxAgeMs);

/**
 * Of a topic: less than the broker's where the topic wants smaller segments, or sooner ones. Only what is in a segment can be compacted (as in Kafka, whose
 * active segment is left alone), so a topic's `max.compaction.lag.ms` closes one too (KIP-354).
 */
export const cutLimits = (
  broker: CutLimits,
  topic: Pick<TopicSettings, "segmentBytes" | "segmentMs" | "isCompacted" | "maxCompactionLagMs">,
): CutLimits => ({
  segmentBytes: Math.min(broker.segmentBytes, topic.segmentBytes),
  maxAgeMs: Math.min(
    broker.maxAgeMs,
    topic.segmentMs,
    topic.isCompacted ? topic.maxCompactionLagMs : Infinity,
  ),
});
