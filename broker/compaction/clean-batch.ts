import { compress } from "../../protocol/compression/compress.ts";
import {
  attributeBits,
  attributesAt,
  baseTimestampAt,
  batchField,
  batchHeaderBytes,
  batchOverheadBytes,
  codecAt,
  hasDeleteHorizonAt,
  maxTimestampAt,
  noTimestamp,
  recordCountAt,
  stampCrc,
  timestampTypeAt,
} from "../../protocol/records/batch.ts";
import { putInt16, putInt32, putInt64 } from "../../protocol/records/big-endian.ts";
import { batchPayload, type DecodingFailure } from "../../protocol/records/decode.ts";
import { forEachRecord, type RecordPosition } from "../../protocol/records/records.ts";
import { withBaseTimestamp } from "./rebase-timestamps.ts";

// What compaction makes of one batch. Base offset, last offset delta, base sequence, producer and leader epoch stay as they are whatever is dropped: the
// sequence of a batch's last record is its base sequence plus its last offset delta, and a producer whose last record went would otherwise be told that its
// next one is out of order; a consumer goes on from the last offset, which must not be given out twice (Kafka's MemoryRecords.filterTo does so for magic 2).

export type BatchRetention = {
  /** Whether this record stays. `payload` holds its key and value. */
  readonly keeps: (payload: Uint8Array, record: RecordPosition) => boolean;
  /** Keep the header of a batch that has lost all of its records. */
  readonly keepsHeader: boolean;
  /** Stamped if a tombstone stays in a batch that has no horizon yet (KIP-534); null stamps nothing, and its tombstones stay for good. */
  readonly newDeleteHorizonMs: number | null;
  /** Stamp it though there is no tombstone: a marker whose transaction is gone. */
  readonly stampsAnyRecord: boolean;
};

export type CleanedBatch =
  /** Byte for byte. */
  | { readonly kind: "kept"; readonly recordCount: number; readonly tombstoneBytes: number }
  | {
      readonly kind: "rewritten";
      readonly bytes: Uint8Array;
      readonly recordCount: number;
      readonly tombstoneBytes: number;
    }
  /** The header of a batch without records. */
  | { readonly kind: "emptied"; readonly bytes: Uint8Array }
  | { readonly kind: "dropped" };

/** What of the batch at `at` stays; its header and CRC have been checked. At most `maxBytes` of records are decompressed. */
export function cleanBatch(
  bytes: Uint8Array,
  at: number,
  retention: BatchRetention,
  maxBytes: number,
): CleanedBatch | DecodingFailure {
  const payload = batchPayload(bytes, at, maxBytes);
  if (payload.kind !== "decompressed") return payload;
  const kept = selectRecords(payload.bytes, recordCountAt(bytes, at), retention);
  if (kept.kind !== "selected") return kept;
  if (kept.recordCount === 0) return withoutRecords(bytes, at, retention.keepsHeader);
  const { recordCount, tombstoneBytes } = kept;
  const records = joined(payload.bytes, kept.ranges);
  const stamped = stampedRecords(bytes, at, { retention, kept, records });
  if (stamped === null && kept.isWhole) return { kind: "kept", recordCount, tombstoneBytes };
  const base = baseTimestampAt(bytes, at);
  const rewritten = rebuilt(bytes, at, {
    records: stamped ?? records,
    recordCount,
    deleteHorizonMs: stamped === null ? null : retention.newDeleteHorizonMs,
    maxTimestamp:
      timestampTypeAt(bytes, at) === "LogAppendTime"
        ? maxTimestampAt(bytes, at)
        : base + kept.maxTimestampDelta,
  });
  return { kind: "rewritten", bytes: rewritten, recordCount, tombstoneBytes };
}

/** The batch with none of its records, which need not be read for that: its header, or nothing. */
export function withoutRecords(bytes: Uint8Array, at: number, keepsHeader: boolean): CleanedBatch {
  if (!keepsHeader) return { kind: "dropped" };
  if (recordCountAt(bytes, at) === 0) return { kind: "kept", recordCount: 0, tombstoneBytes: 0 };
  const header = new Uint8Array(bytes.subarray(at, at + batchHeaderBytes));
  putInt32(header, batchField.length, batchHeaderBytes - batchOverheadBytes);
  // No codec, for it would want to decompress nothing; no horizon, for nothing is left to expire.
  const dropped = attributeBits.codec | attributeBits.deleteHorizon;
  putInt16(header, batchField.attributes, attributesAt(bytes, at) & ~dropped);
  putInt64(header, batchField.baseTimestamp, noTimestamp);
  putInt32(header, batchField.recordCount, 0);
  stampCrc(header, 0);
  return { kind: "emptied", bytes: header };
}

type Selected = {
  readonly kind: "selected";
  /** Start and end of each stretch of records that stay, in pairs. */
  readonly ranges: readonly number[];
  readonly recordCount: number;
  readonly isWhole: boolean;
  readonly tombstoneBytes: number;
  readonly minTimestampDelta: number;
  readonly maxTimestampDelta: number;
};

const selectRecords = (
  payload: Uint8Array,
  count: number,
  { keeps }: BatchRetention,
): Selected | DecodingFailure => {
  const ranges: number[] = [];
  let recordCount = 0;
  let tombstoneBytes = 0;
  let minTimestampDelta = Infinity;
  let maxTimestampDelta = -Infinity;
  const failure = forEachRecord(payload, { count, offsets: "ascending" }, (record) => {
    if (!keeps(payload, record)) return;
    recordCount += 1;
    if (record.valueLength < 0) tombstoneBytes += record.end - record.start;
    if (record.timestampDelta < minTimestampDelta) minTimestampDelta = record.timestampDelta;
    if (record.timestampDelta > maxTimestampDelta) maxTimestampDelta = record.timestampDelta;
    if (ranges.length > 0 && ranges.at(-1) === record.start) ranges[ranges.length - 1] = record.end;
    else ranges.push(record.start, record.end);
  });
  if (failure !== null) return { kind: "corruptInput", message: failure.message };
  return {
    kind: "selected",
    ranges,
    recordCount,
    isWhole: recordCount === count,
    tombstoneBytes,
    minTimestampDelta,
    maxTimestampDelta,
  };
};

const joined = (payload: Uint8Array, ranges: readonly number[]): Uint8Array => {
  if (ranges.length === 2) return payload.subarray(ranges[0], ranges[1]);
  let size = 0;
  for (let index = 0; index < ranges.length; index += 2)
    size += ranges[index + 1]! - ranges[index]!;
  const bytes = new Uint8Array(size);
  let to = 0;
  for (let index = 0; index < ranges.length; index += 2) {
    bytes.set(payload.subarray(ranges[index], ranges[index + 1]), to);
    to += ranges[index + 1]! - ranges[index]!;
  }
  return bytes;
};

/**
 * The records with timestamps relative to the new delete horizon, which takes the place of the base timestamp (KIP-534), or null where none is to be stamped.
 * A record of a time so odd that its distance from the horizon is no exact number keeps its batch without one.
 */
const stampedRecords = (
  bytes: Uint8Array,
  at: number,
  { retention, kept, records }: { retention: BatchRetention; kept: Selected; records: Uint8Array },
): Uint8Array | null => {
  const horizon = retention.newDeleteHorizonMs;
  if (horizon === null || hasDeleteHorizonAt(bytes, at)) return null;
  if (kept.tombstoneBytes === 0 && !retention.stampsAnyRecord) return null;
  const shift = baseTimestampAt(bytes, at) - horizon;
  const isExact =
    Number.isSafeInteger(shift + kept.minTimestampDelta) &&
    Number.isSafeInteger(shift + kept.maxTimestampDelta);
  return isExact ? withBaseTimestamp(records, shift) : null;
};

type Remains = {
  readonly records: Uint8Array;
  readonly recordCount: number;
  readonly deleteHorizonMs: number | null;
  readonly maxTimestamp: number;
};

const rebuilt = (bytes: Uint8Array, at: number, remains: Remains): Uint8Array => {
  const payload = compress(codecAt(bytes, at)!, remains.records);
  const batch = new Uint8Array(batchHeaderBytes + payload.length);
  batch.set(bytes.subarray(at, at + batchHeaderBytes));
  batch.set(payload, batchHeaderBytes);
  putInt32(batch, batchField.length, batch.length - batchOverheadBytes);
  if (remains.deleteHorizonMs !== null) {
    putInt16(batch, batchField.attributes, attributesAt(bytes, at) | attributeBits.deleteHorizon);
    putInt64(batch, batchField.baseTimestamp, remains.deleteHorizonMs);
  }
  putInt64(batch, batchField.maxTimestamp, remains.maxTimestamp);
  putInt32(batch, batchField.recordCount, remains.recordCount);
  stampCrc(batch, 0);
  return batch;
};
