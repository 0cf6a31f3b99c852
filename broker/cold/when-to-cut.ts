import type { TopicSettings } from "../../metadata/settings/topic-settings.ts";

// When a leader makes a segment of what only its log has. Pure: the writer (tier-writer.ts) does it.

export type CutLimits = {
  /** `tier.segment.bytes`: a segment's worth. The topic's `segment.bytes` if that is less. */
  readonly segmentBytes: number;
  /** `tier.segment.max.age`: how long committed records may be in the log alone. */
  readonly maxAgeMs: number;
  /** A full segment goes at once. Where directories outlive their hosts it can wait until it is old or in the way: to write it twice costs as much as to take it in. */
  readonly isEager: boolean;
};

export type Untiered = {
  /** Of batches that are committed and in no segment. */
  readonly bytes: number;
  /** Some of it has been there for too long. */
  readonly isOld: boolean;
  /** They keep a file of the log from being given back that the disk's budget needs. */
  readonly isPressed: boolean;
};

export const isCutDue = (
  { bytes, isOld, isPressed }: Untiered,
  { segmentBytes, isEager }: Pick<CutLimits, "segmentBytes" | "isEager">,
): boolean => bytes > 0 && (isPressed || isOld || (isEager && bytes >= segmentBytes));

/**
 * Of a topic: less than the broker's where the topic wants smaller segments, or sooner ones. Only what is in a segment can be compacted (as in Kafka, whose
 * active segment is left alone), so a topic's `max.compaction.lag.ms` closes one too (KIP-354).
 */
export const cutLimits = (
  broker: CutLimits,
  topic: Pick<TopicSettings, "segmentBytes" | "segmentMs" | "isCompacted" | "maxCompactionLagMs">,
): CutLimits => ({
  ...broker,
  segmentBytes: Math.min(broker.segmentBytes, topic.segmentBytes),
  maxAgeMs: Math.min(
    broker.maxAgeMs,
    topic.segmentMs,
    topic.isCompacted ? topic.maxCompactionLagMs : Infinity,
  ),
});
