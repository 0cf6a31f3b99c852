import type { RetentionSettings } from "./partition-log.ts";

/** The oldest batches of a log, as far as they come and go together. */
export type RetentionUnit = {
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
};

/**
 * Whether a log of `logBytes` lets go of its oldest unit. By size as in Kafka: only if what is left is still `retention.bytes` or more. A unit without
 * timestamps is not judged by time.
 */
export function isExpired(
  unit: RetentionUnit,
  logBytes: number,
  settings: RetentionSettings,
  nowMs: number,
): boolean {
  const { retentionMs, retentionBytes } = settings;
  const isOld =
    retentionMs >= 0 && unit.maxTimestamp >= 0 && nowMs - unit.maxTimestamp > retentionMs;
  return isOld || (retentionBytes >= 0 && logBytes - unit.sizeBytes >= retentionBytes);
}
