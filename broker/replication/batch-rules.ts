import type { TopicSettings } from "../../metadata/settings/topic-settings.ts";
import type { BatchRules } from "../log/batch-validation.ts";

/** A batch that decompresses to more than this is refused where its records must be looked at. Nothing is allocated by a claimed size. */
const minDecompressedBoundBytes = 64 * 1024 * 1024;

/** What produced batches are judged by, from a topic's settings. */
export function batchRules(settings: TopicSettings): BatchRules {
  const isUnlimited = settings.messageTimestampBeforeMaxMs >= Number.MAX_SAFE_INTEGER;
  const level = compressionLevel(settings);
  return {
    maxMessageBytes: settings.maxMessageBytes,
    segmentBytes: settings.segmentBytes,
    isCompacted: settings.isCompacted,
    compressionType: settings.compressionType,
    ...(level === null ? {} : { compressionLevel: level }),
    timestampType: settings.messageTimestampType,
    timestampBeforeMaxMs: isUnlimited ? Infinity : settings.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: settings.messageTimestampAfterMaxMs,
    checksRecords: false,
    maxDecompressedBytes: Math.max(minDecompressedBoundBytes, 2 * settings.maxMessageBytes),
  };
}

function compressionLevel(settings: TopicSettings): number | null {
  switch (settings.compressionType) {
    case "gzip":
      return settings.gzipLevel;
    case "zstd":
      return settings.zstdLevel;
    case "lz4":
    case "snappy":
    case "uncompressed":
    case "producer":
      return null;
  }
}
