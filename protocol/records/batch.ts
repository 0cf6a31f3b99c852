import assert from "node:assert";
import { codecId, codecOfId, type Codec } from "../compression/codec.ts";
import {
  int16At,
  int32At,
  int64At,
  isSafeInt64At,
  putInt16,
  putInt32,
  putInt64,
  uint32At,
} from "./big-endian.ts";
import { crc32c } from "./crc32c.ts";

// Record batch v2 (KIP-98), read and stamped in place at `at` without building objects. `batchFailureAt` (or `forEachBatch`) comes first on bytes from
// outside; the accessors assume it said null.

/** Where each header field starts, from the start of the batch. */
export const batchField = {
  baseOffset: 0,
  length: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

/** The header; the records (compressed or not) follow. */
export const batchHeaderBytes = 61;
/** `length` counts the bytes after itself: base offset and length are not in it. */
export const batchOverheadBytes = 12;
export const currentMagic = 2;

/** Values that stand for "none" in headers. */
export const noProducerId = -1;
export const noProducerEpoch = -1;
export const noSequence = -1;
export const noTimestamp = -1;

export const attributeBits = {
  codec: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const;

export type TimestampType = "CreateTime" | "LogAppendTime";

/** Total bytes of the batch, header included. The only field that can be read before `batchFailureAt`, given 12 bytes. */
export const batchSizeAt = (bytes: Uint8Array, at: number): number =>
  batchOverheadBytes + int32At(bytes, at + batchField.length);

export const baseOffsetAt = (bytes: Uint8Array, at: number): number =>
  int64At(bytes, at + batchField.baseOffset);

export const leaderEpochAt = (bytes: Uint8Array, at: number): number =>
  int32At(bytes, at + batchField.partitionLeaderEpoch);

export const magicAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at + batchField.magic]! << 24) >> 24;

export const crcAt = (bytes: Uint8Array, at: number): number =>
  uint32At(bytes, at + batchField.crc);

export const attributesAt = (bytes: Uint8Array, at: number): number =>
  int16At(bytes, at + batchField.attributes);

export const lastOffsetDeltaAt = (bytes: Uint8Array, at: number): number =>
  int32At(bytes, at + batchField.lastOffsetDelta);

/** The timestamp record deltas count from; with `hasDeleteHorizonAt` it is also the delete horizon (KIP-534). */
export const baseTimestampAt = (bytes: Uint8Array, at: number): number =>
  int64At(bytes, at + batchField.baseTimestamp);

export const maxTimestampAt = (bytes: Uint8Array, at: number): number =>
  int64At(bytes, at + batchField.maxTimestamp);

export const producerIdAt = (bytes: Uint8Array, at: number): number =>
  int64At(bytes, at + batchField.producerId);

export const producerEpochAt = (bytes: Uint8Array, at: number): number =>
  int16At(bytes, at + batchField.producerEpoch);

export const baseSequenceAt = (bytes: Uint8Array, at: number): number =>
  int32At(bytes, at + batchField.baseSequence);

export const recordCountAt = (bytes: Uint8Array, at: number): number =>
  int32At(bytes, at + batchField.recordCount);

/** Null for a codec number that Kafka has not given out. */
export const codecAt = (bytes: Uint8Array, at: number): Codec | null =>
  codecOfId(attributesAt(bytes, at) & attributeBits.codec);

export const timestampTypeAt = (bytes: Uint8Array, at: number): TimestampType =>
  (attributesAt(bytes, at) & attributeBits.logAppendTime) === 0 ? "CreateTime" : "LogAppendTime";

export const isTransactionalAt = (bytes: Uint8Array, at: number): boolean =>
  (attributesAt(bytes, at) & attributeBits.transactional) !== 0;

export const isControlAt = (bytes: Uint8Array, at: number): boolean =>
  (attributesAt(bytes, at) & attributeBits.control) !== 0;

export const hasDeleteHorizonAt = (bytes: Uint8Array, at: number): boolean =>
  (attributesAt(bytes, at) & attributeBits.deleteHorizon) !== 0;

export const lastOffsetAt = (bytes: Uint8Array, at: number): number =>
  baseOffsetAt(bytes, at) + lastOffsetDeltaAt(bytes, at);

/** The offset after the batch. From the last offset, not the count: compaction leaves holes, and batches without records. */
export const nextOffsetAt = (bytes: Uint8Array, at: number): number => lastOffsetAt(bytes, at) + 1;

/** Sequence numbers count 0 to 2^31-1 and begin again at 0. */
export const sequenceAfter = (sequence: number, count: number): number =>
  (sequence + count) % 0x8000_0000;

/** The sequence of the last record, or -1 without idempotence. From the offset delta: compaction drops records and keeps sequences. */
export const lastSequenceAt = (bytes: Uint8Array, at: number): number => {
  const base = baseSequenceAt(bytes, at);
  return base < 0 ? noSequence : sequenceAfter(base, lastOffsetDeltaAt(bytes, at));
};

const computedCrcAt = (bytes: Uint8Array, at: number): number =>
  crc32c(bytes, at + batchField.attributes, at + batchSizeAt(bytes, at));

export const isCrcValidAt = (bytes: Uint8Array, at: number): boolean =>
  computedCrcAt(bytes, at) === crcAt(bytes, at);

/** The base offset is outside the CRC. */
export const stampBaseOffset = (bytes: Uint8Array, at: number, baseOffset: number): void => {
  if (baseOffset < 0) assert.fail("offsets are not negative");
  putInt64(bytes, at + batchField.baseOffset, baseOffset);
};

/** The leader epoch is outside the CRC. */
export const stampLeaderEpoch = (bytes: Uint8Array, at: number, leaderEpoch: number): void =>
  putInt32(bytes, at + batchField.partitionLeaderEpoch, leaderEpoch);

/** Computes the CRC anew. */
export const stampCrc = (bytes: Uint8Array, at: number): void =>
  putInt32(bytes, at + batchField.crc, computedCrcAt(bytes, at));

/** Sets the timestamp type and the timestamp that consumers then see on every record; record deltas stay. Computes the CRC anew. */
export const stampLogAppendTime = (bytes: Uint8Array, at: number, timestampMs: number): void => {
  putInt16(
    bytes,
    at + batchField.attributes,
    attributesAt(bytes, at) | attributeBits.logAppendTime,
  );
  stampMaxTimestamp(bytes, at, timestampMs);
};

/** Computes the CRC anew. */
export const stampMaxTimestamp = (bytes: Uint8Array, at: number, timestampMs: number): void => {
  putInt64(bytes, at + batchField.maxTimestamp, timestampMs);
  stampCrc(bytes, at);
};

/** A header over the records that follow it in `bytes`: every byte of the header is written, the CRC last. */
export type BatchHeader = {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly codec: Codec;
  readonly timestampType: TimestampType;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
};

/** Writes the header of a batch that fills `bytes`, whose records are already in place behind it. */
export const writeBatchHeader = (bytes: Uint8Array, header: BatchHeader): void => {
  putInt64(bytes, batchField.baseOffset, header.baseOffset);
  putInt32(bytes, batchField.length, bytes.length - batchOverheadBytes);
  putInt32(bytes, batchField.partitionLeaderEpoch, header.leaderEpoch);
  bytes[batchField.magic] = currentMagic;
  putInt16(
    bytes,
    batchField.attributes,
    codecId(header.codec) |
      (header.timestampType === "LogAppendTime" ? attributeBits.logAppendTime : 0) |
      (header.isTransactional ? attributeBits.transactional : 0) |
      (header.isControl ? attributeBits.control : 0),
  );
  putInt32(bytes, batchField.lastOffsetDelta, header.lastOffsetDelta);
  putInt64(bytes, batchField.baseTimestamp, header.baseTimestamp);
  putInt64(bytes, batchField.maxTimestamp, header.maxTimestamp);
  putInt64(bytes, batchField.producerId, header.producerId);
  putInt16(bytes, batchField.producerEpoch, header.producerEpoch);
  putInt32(bytes, batchField.baseSequence, header.baseSequence);
  putInt32(bytes, batchField.recordCount, header.recordCount);
  stampCrc(bytes, 0);
};

/**
 * `truncated`: the batch goes on past the end (or not even its length is there). `magic`: not version 2. `malformed`: a length or field that no batch
 * can have.
 */
export type BatchFailure = {
  readonly kind: "corruptInput";
  readonly reason: "truncated" | "magic" | "malformed";
  readonly at: number;
  readonly message: string;
};

const failure = (reason: BatchFailure["reason"], at: number, message: string): BatchFailure => ({
  kind: "corruptInput",
  reason,
  at,
  message,
});

/**
 * What is wrong with the structure of the batch at `at`, or null: whole before `end`, magic 2, 64-bit fields in JavaScript's exact range, no negative
 * offset or delta. It looks at the header only; `isCrcValidAt` vouches for the rest.
 */
export const batchFailureAt = (
  bytes: Uint8Array,
  at: number,
  end: number = bytes.length,
): BatchFailure | null => {
  if (at < 0 || end > bytes.length) assert.fail("the range lies in the bytes");
  if (end - at < batchOverheadBytes) {
    return failure("truncated", at, `${end - at} bytes are no record batch`);
  }
  // Magic before size: message sets of v0 and v1 are shorter than a v2 header and have their magic at the same place.
  if (end - at > batchField.magic && magicAt(bytes, at) !== currentMagic) {
    return failure("magic", at, `record batch of magic ${magicAt(bytes, at)}, expected 2`);
  }
  const size = batchSizeAt(bytes, at);
  if (size < batchHeaderBytes) {
    return failure("malformed", at, `record batch of ${size} bytes is smaller than its header`);
  }
  if (size > end - at) {
    return failure("truncated", at, `record batch of ${size} bytes in ${end - at}`);
  }
  if (
    !isSafeInt64At(bytes, at + batchField.baseOffset) ||
    !isSafeInt64At(bytes, at + batchField.baseTimestamp) ||
    !isSafeInt64At(bytes, at + batchField.maxTimestamp) ||
    !isSafeInt64At(bytes, at + batchField.producerId)
  ) {
    return failure("malformed", at, "a 64-bit field of the record batch passes 2^53");
  }
  const lastOffset = baseOffsetAt(bytes, at) + lastOffsetDeltaAt(bytes, at);
  if (
    baseOffsetAt(bytes, at) < 0 ||
    lastOffsetDeltaAt(bytes, at) < 0 ||
    !Number.isSafeInteger(lastOffset + 1)
  ) {
    return failure("malformed", at, "the offsets of the record batch are out of range");
  }
  if (recordCountAt(bytes, at) < 0) {
    return failure("malformed", at, "the record batch counts fewer than no records");
  }
  return null;
};

/**
 * Calls `visit(at, size)` for each of the batches that lie one behind the other in `bytes`; `visit` returns false to stop there. Returns what is wrong
 * with the first one that cannot be visited (`truncated`: those before it are whole), or null.
 */
export const forEachBatch = (
  bytes: Uint8Array,
  visit: (at: number, size: number) => boolean | void,
): BatchFailure | null => {
  let at = 0;
  while (at < bytes.length) {
    const wrong = batchFailureAt(bytes, at);
    if (wrong !== null) return wrong;
    const size = batchSizeAt(bytes, at);
    if (visit(at, size) === false) return null;
    at += size;
  }
  return null;
};
