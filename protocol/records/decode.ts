import { decompress } from "../compression/compress.ts";
import {
  baseOffsetAt,
  baseTimestampAt,
  batchHeaderBytes,
  batchSizeAt,
  codecAt,
  maxTimestampAt,
  recordCountAt,
  timestampTypeAt,
} from "./batch.ts";
import {
  forEachRecord,
  recordHeaders,
  recordKey,
  recordValue,
  type RecordHeader,
} from "./records.ts";

/** A record as applications know it. Key, value and header values are slices of the bytes decoded: copy what is kept. */
export type DecodedRecord = {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
};

export type DecodingFailure = {
  readonly kind: "corruptInput" | "tooLarge";
  readonly message: string;
};

export type BatchPayload =
  | { readonly kind: "decompressed"; readonly bytes: Uint8Array }
  | DecodingFailure;

/** The records of the batch at `at` (whose header `batchFailureAt` has passed) as bytes: the batch's own if it is not compressed. */
export const batchPayload = (bytes: Uint8Array, at: number, maxBytes: number): BatchPayload => {
  const codec = codecAt(bytes, at);
  if (codec === null) return { kind: "corruptInput", message: "unknown compression codec" };
  return decompress(
    codec,
    bytes.subarray(at + batchHeaderBytes, at + batchSizeAt(bytes, at)),
    maxBytes,
  );
};

/**
 * The records of one stored batch. `offsets` may have holes (compaction). Every record of a LogAppendTime batch has the batch's maximum as its timestamp
 * (KIP-32).
 */
export const decodeBatch = (
  bytes: Uint8Array,
  at: number,
  maxBytes: number,
): { readonly kind: "decoded"; readonly records: DecodedRecord[] } | DecodingFailure => {
  const payload = batchPayload(bytes, at, maxBytes);
  if (payload.kind !== "decompressed") return payload;
  const baseOffset = baseOffsetAt(bytes, at);
  const baseTimestamp = baseTimestampAt(bytes, at);
  const logAppendTime =
    timestampTypeAt(bytes, at) === "LogAppendTime" ? maxTimestampAt(bytes, at) : null;
  const records: DecodedRecord[] = [];
  const failure = forEachRecord(
    payload.bytes,
    { count: recordCountAt(bytes, at), offsets: "ascending" },
    (record) => {
      records.push({
        offset: baseOffset + record.offsetDelta,
        timestamp: logAppendTime ?? baseTimestamp + record.timestampDelta,
        key: recordKey(payload.bytes, record),
        value: recordValue(payload.bytes, record),
        headers: recordHeaders(payload.bytes, record),
      });
    },
  );
  return failure ?? { kind: "decoded", records };
};
