import type { ErrorName } from "../../protocol/errors.ts";
import { compress } from "../../protocol/compression/compress.ts";
import type { Codec } from "../../protocol/compression/codec.ts";
import {
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  batchFailureAt,
  batchHeaderBytes,
  batchSizeAt,
  codecAt,
  hasDeleteHorizonAt,
  isControlAt,
  isCrcValidAt,
  isTransactionalAt,
  lastOffsetDeltaAt,
  leaderEpochAt,
  maxTimestampAt,
  noTimestamp,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
  stampLogAppendTime,
  stampMaxTimestamp,
  timestampTypeAt,
  type TimestampType,
} from "../../protocol/records/batch.ts";
import { assembleBatch } from "../../protocol/records/build.ts";
import { batchPayload } from "../../protocol/records/decode.ts";
import { forEachRecord, minRecordBytes } from "../../protocol/records/records.ts";

// What a produce request hands to one partition, judged before it is appended, in Kafka's order (ProduceRequest, then UnifiedLog, then LogValidator).
//
// Checked on every batch, from the header and the checksum: everything in `headerRejection`. Checked on every batch that is not compressed, and on a
// compressed one only if the topic needs its records (`cleanup.policy` has compact, `message.timestamp.before.max.ms` is limited,
// `compression.type` re-compresses, `checksRecords` asks) or the header's largest timestamp is too far in the future: that the records are whole, number
// what the header says, and have offsets 0 to n-1; that each timestamp is within limits; that each record of a compacted topic has a key; that the header's
// largest timestamp is the records' (corrected if not). So a client that lies inside a compressed batch misleads the readers of its own topic, no one else:
// offsets come from the header, which is checked always.

/** The topic's settings that bear on one batch, and ours. */
export type BatchRules = {
  /** `max.message.bytes`. */
  readonly maxMessageBytes: number;
  /** `segment.bytes`. */
  readonly segmentBytes: number;
  /** `cleanup.policy` contains `compact`. */
  readonly isCompacted: boolean;
  /** `compression.type`. */
  readonly compressionType: "producer" | "uncompressed" | Exclude<Codec, "none">;
  /** `compression.gzip.level` or `compression.zstd.level`, whichever goes with `compressionType`. */
  readonly compressionLevel?: number;
  /** `message.timestamp.type`. */
  readonly timestampType: TimestampType;
  /** `message.timestamp.before.max.ms`; Kafka's default, 2^63-1, and anything past the safe integers is Infinity here. */
  readonly timestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`. */
  readonly timestampAfterMaxMs: number;
  /** Look at the records of every compressed batch, whatever the topic needs. */
  readonly checksRecords: boolean;
  /** Bound on what one batch may decompress to; past it the batch is refused. */
  readonly maxDecompressedBytes: number;
};

export type ProduceContext = {
  readonly produceVersion: number;
  readonly nowMs: number;
};

/** What the log and the producer state need to know of a batch; all from its header. */
export type BatchFacts = {
  readonly codec: Codec;
  readonly recordCount: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly timestampType: TimestampType;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly isTransactional: boolean;
  readonly sizeBytes: number;
};

/** `batchIndex` is the record's index within the batch, under Kafka's name for it. */
export type RecordError = { readonly batchIndex: number; readonly message: string };

export type BatchRejection = {
  readonly kind: "rejected";
  readonly error: ErrorName;
  readonly message: string;
  readonly recordErrors?: readonly RecordError[];
};

export type BatchValidation =
  /** `bytes` is what to append: the input itself, perhaps stamped in place, or a new buffer if it was re-compressed. */
  | { readonly kind: "valid"; readonly bytes: Uint8Array; readonly facts: BatchFacts }
  | BatchRejection;

/** One response names at most this many records: Kafka names all, which a batch of a million bad timestamps would turn into a reply of 60 MB. */
const maxRecordErrors = 100;

/**
 * Judges the `records` field of one partition of a Produce request. May write to `records`: the log append time, or the largest timestamp. Base offset
 * and leader epoch are stamped by the log.
 */
export function validateBatch(
  records: Uint8Array | null,
  rules: BatchRules,
  context: ProduceContext,
): BatchValidation {
  if (records === null || records.length === 0) {
    return rejected("INVALID_RECORD", "the partition has no record batch");
  }
  const wrong = headerRejection(records, rules, context);
  if (wrong !== null) return wrong;
  if (codecAt(records, 0) !== "none" && !needsRecords(records, rules, context)) {
    return accepted(records, rules, context);
  }
  return validateRecords(records, rules, context);
}

const rejected = (
  error: ErrorName,
  message: string,
  recordErrors?: readonly RecordError[],
): BatchRejection => ({
  kind: "rejected",
  error,
  message,
  ...(recordErrors === undefined || recordErrors.length === 0 ? {} : { recordErrors }),
});

/** Checks on the structure, the checksum and the header, in Kafka's order. */
const headerRejection = (
  bytes: Uint8Array,
  rules: BatchRules,
  context: ProduceContext,
): BatchRejection | null => {
  const failure = batchFailureAt(bytes, 0);
  if (failure !== null) {
    // A batch that claims an impossible size or field was broken on its way; a cut or old one was sent so.
    const error = failure.reason === "malformed" ? "CORRUPT_MESSAGE" : "INVALID_RECORD";
    return rejected(error, failure.message);
  }
  const size = batchSizeAt(bytes, 0);
  if (size !== bytes.length) {
    return rejected("INVALID_RECORD", "produce takes exactly one record batch per partition");
  }
  const codec = codecAt(bytes, 0);
  if (codec === "zstd" && context.produceVersion < 7) {
    return rejected("UNSUPPORTED_COMPRESSION_TYPE", "zstd needs Produce version 7 or later");
  }
  if (baseOffsetAt(bytes, 0) !== 0) {
    return rejected("INVALID_RECORD", `base offset ${baseOffsetAt(bytes, 0)}, expected 0`);
  }
  const tooLarge = sizeRejection(size, rules);
  if (tooLarge !== null) return tooLarge;
  if (!isCrcValidAt(bytes, 0)) {
    return rejected("CORRUPT_MESSAGE", "the record batch fails its CRC");
  }
  if (codec === null) return rejected("INVALID_RECORD", "unknown compression codec");
  if (timestampTypeAt(bytes, 0) === "LogAppendTime") {
    return rejected("INVALID_TIMESTAMP", "clients do not set the log append time");
  }
  return countRejection(bytes, rules) ?? producerRejection(bytes);
};

const sizeRejection = (size: number, rules: BatchRules): BatchRejection | null => {
  // The Java producer splits the batch and tries again on this error, and on no other.
  if (size > rules.maxMessageBytes) {
    return rejected(
      "MESSAGE_TOO_LARGE",
      `the record batch of ${size} bytes passes max.message.bytes ${rules.maxMessageBytes}`,
    );
  }
  return null;
};

const countRejection = (bytes: Uint8Array, rules: BatchRules): BatchRejection | null => {
  const count = recordCountAt(bytes, 0);
  const lastOffsetDelta = lastOffsetDeltaAt(bytes, 0);
  if (count === 0) return rejected("INVALID_RECORD", "the record batch has no records");
  if (lastOffsetDelta !== count - 1) {
    return rejected(
      "INVALID_RECORD",
      `the record batch has ${count} records and a last offset delta of ${lastOffsetDelta}`,
    );
  }
  // Without looking inside: a hundred compressed bytes must not take two thousand million offsets.
  if (count * minRecordBytes > rules.maxDecompressedBytes) {
    return rejected("INVALID_RECORD", `a record batch cannot hold ${count} records`);
  }
  return null;
};

const producerRejection = (bytes: Uint8Array): BatchRejection | null => {
  const producerId = producerIdAt(bytes, 0);
  if (isControlAt(bytes, 0)) {
    return rejected("INVALID_RECORD", "clients do not write control batches");
  }
  // KIP-534: only compaction gives a batch a delete horizon, and a client that did would set when its tombstones vanish.
  if (hasDeleteHorizonAt(bytes, 0)) {
    return rejected("INVALID_RECORD", "clients do not set a delete horizon");
  }
  if (producerId >= 0 && (baseSequenceAt(bytes, 0) < 0 || producerEpochAt(bytes, 0) < 0)) {
    return rejected("INVALID_RECORD", `producer ${producerId} sent no sequence or no epoch`);
  }
  if (producerId < 0 && isTransactionalAt(bytes, 0)) {
    return rejected("INVALID_RECORD", "a transactional batch has a producer id");
  }
  return null;
};

/** Whether the records of a compressed batch must be looked at. */
const needsRecords = (bytes: Uint8Array, rules: BatchRules, context: ProduceContext): boolean =>
  rules.checksRecords ||
  rules.isCompacted ||
  targetCodec(bytes, rules) !== codecAt(bytes, 0) ||
  // The header tells the largest timestamp, so it clears a batch of the upper limit; of the lower one nothing can.
  (rules.timestampType === "CreateTime" &&
    (Number.isFinite(rules.timestampBeforeMaxMs) ||
      maxTimestampAt(bytes, 0) > context.nowMs + rules.timestampAfterMaxMs));

const targetCodec = (bytes: Uint8Array, rules: BatchRules): Codec => {
  if (rules.compressionType === "producer") return codecAt(bytes, 0)!;
  return rules.compressionType === "uncompressed" ? "none" : rules.compressionType;
};

/** The records of a batch, from `from` on. */
type Payload = { readonly bytes: Uint8Array; readonly from: number };
type TimestampLimits = { readonly earliest: number; readonly latest: number };

const anyTime: TimestampLimits = { earliest: -Infinity, latest: Infinity };

const validateRecords = (
  bytes: Uint8Array,
  rules: BatchRules,
  context: ProduceContext,
): BatchValidation => {
  const payload = payloadOf(bytes, rules);
  if (payload.kind === "rejected") return payload;
  const hasOwnTime = rules.timestampType === "CreateTime";
  const limits = hasOwnTime
    ? {
        earliest: context.nowMs - rules.timestampBeforeMaxMs,
        latest: context.nowMs + rules.timestampAfterMaxMs,
      }
    : anyTime;
  const seen = inspectRecords(bytes, payload, rules, limits);
  if (seen.kind === "rejected") return seen;
  if (hasOwnTime && seen.maxTimestamp !== maxTimestampAt(bytes, 0)) {
    // The time index and ListOffsets go by this field: Kafka, too, puts the truth there.
    stampMaxTimestamp(bytes, 0, seen.maxTimestamp);
  }
  const codec = targetCodec(bytes, rules);
  if (codec === codecAt(bytes, 0)) return accepted(bytes, rules, context);
  const records = payload.bytes.subarray(payload.from);
  const recompressed = recompress(bytes, records, codec, rules.compressionLevel);
  return sizeRejection(recompressed.length, rules) ?? accepted(recompressed, rules, context);
};

/** Records that are not compressed are looked at where they are: this is every batch of most producers. */
const payloadOf = (
  bytes: Uint8Array,
  rules: BatchRules,
): (Payload & { readonly kind: "payload" }) | BatchRejection => {
  if (codecAt(bytes, 0) === "none") return { kind: "payload", bytes, from: batchHeaderBytes };
  const payload = batchPayload(bytes, 0, rules.maxDecompressedBytes);
  if (payload.kind === "decompressed") return { kind: "payload", bytes: payload.bytes, from: 0 };
  // Splitting, which a too large message asks for, helps with the one and not with the other.
  const error = payload.kind === "tooLarge" ? "MESSAGE_TOO_LARGE" : "INVALID_RECORD";
  return rejected(error, payload.message);
};

/** Walks the records of a batch; gives their largest timestamp if all is well with them. */
const inspectRecords = (
  batch: Uint8Array,
  payload: Payload,
  rules: BatchRules,
  { earliest, latest }: TimestampLimits,
): BatchRejection | { readonly kind: "inspected"; readonly maxTimestamp: number } => {
  const baseTimestamp = baseTimestampAt(batch, 0);
  const recordErrors: RecordError[] = [];
  let hasInvalidTime = false;
  let maxTimestamp = noTimestamp;
  const failure = forEachRecord(
    payload.bytes,
    { from: payload.from, count: recordCountAt(batch, 0), offsets: "dense" },
    (record, batchIndex) => {
      const timestamp = baseTimestamp + record.timestampDelta;
      if (timestamp > maxTimestamp) maxTimestamp = timestamp;
      const isInTime = timestamp === noTimestamp || (timestamp >= earliest && timestamp <= latest);
      if (isInTime && (record.keyLength >= 0 || !rules.isCompacted)) return;
      if (!isInTime) hasInvalidTime = true;
      if (recordErrors.length < maxRecordErrors) {
        const message = isInTime
          ? "a record of a compacted topic has a key"
          : `timestamp ${timestamp} is not within ${earliest} to ${latest}`;
        recordErrors.push({ batchIndex, message });
      }
    },
  );
  if (failure !== null) return rejected("INVALID_RECORD", failure.message);
  if (hasInvalidTime) {
    return rejected("INVALID_TIMESTAMP", "a record has a timestamp out of range", recordErrors);
  }
  if (recordErrors.length > 0) {
    return rejected("INVALID_RECORD", "a record of a compacted topic has no key", recordErrors);
  }
  if (!Number.isSafeInteger(maxTimestamp)) {
    return rejected("INVALID_RECORD", "a record has a timestamp past 2^53");
  }
  return { kind: "inspected", maxTimestamp };
};

/** The same records under another codec: offsets and timestamps in them are relative to the header, so their bytes stay. */
const recompress = (
  bytes: Uint8Array,
  payload: Uint8Array,
  codec: Codec,
  level: number | undefined,
): Uint8Array =>
  assembleBatch(compress(codec, payload, level), {
    baseOffset: baseOffsetAt(bytes, 0),
    leaderEpoch: leaderEpochAt(bytes, 0),
    codec,
    timestampType: timestampTypeAt(bytes, 0),
    isTransactional: isTransactionalAt(bytes, 0),
    isControl: false,
    lastOffsetDelta: lastOffsetDeltaAt(bytes, 0),
    baseTimestamp: baseTimestampAt(bytes, 0),
    maxTimestamp: maxTimestampAt(bytes, 0),
    producerId: producerIdAt(bytes, 0),
    producerEpoch: producerEpochAt(bytes, 0),
    baseSequence: baseSequenceAt(bytes, 0),
    recordCount: recordCountAt(bytes, 0),
  });

const accepted = (
  bytes: Uint8Array,
  rules: BatchRules,
  context: ProduceContext,
): BatchValidation => {
  if (bytes.length > rules.segmentBytes) {
    return rejected(
      "RECORD_LIST_TOO_LARGE",
      `the record batch of ${bytes.length} bytes passes segment.bytes ${rules.segmentBytes}`,
    );
  }
  if (rules.timestampType === "LogAppendTime") stampLogAppendTime(bytes, 0, context.nowMs);
  return { kind: "valid", bytes, facts: batchFactsAt(bytes, 0) };
};

/** The facts of a batch that is known to be sound: one just validated, or one read back from the log. */
export function batchFactsAt(bytes: Uint8Array, at: number): BatchFacts {
  return {
    codec: codecAt(bytes, at) ?? "none",
    recordCount: recordCountAt(bytes, at),
    lastOffsetDelta: lastOffsetDeltaAt(bytes, at),
    baseTimestamp: baseTimestampAt(bytes, at),
    maxTimestamp: maxTimestampAt(bytes, at),
    timestampType: timestampTypeAt(bytes, at),
    producerId: producerIdAt(bytes, at),
    producerEpoch: producerEpochAt(bytes, at),
    baseSequence: baseSequenceAt(bytes, at),
    isTransactional: isTransactionalAt(bytes, at),
    sizeBytes: batchSizeAt(bytes, at),
  };
}
