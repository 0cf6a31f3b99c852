import assert from "node:assert";
import type { Codec } from "../compression/codec.ts";
import { compress } from "../compression/compress.ts";
import {
  batchHeaderBytes,
  noProducerEpoch,
  noProducerId,
  noSequence,
  noTimestamp,
  writeBatchHeader,
  type BatchHeader,
  type TimestampType,
} from "./batch.ts";
import { putVarint, putVarlong, varintBytes, varlongBytes } from "./varint.ts";

export type NewRecord = {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[];
};

/** Everything has Kafka's "none" as default; base offset 0 and leader epoch -1 are for the log to stamp. */
export type BatchOptions = {
  readonly codec?: Codec;
  readonly compressionLevel?: number;
  readonly baseOffset?: number;
  readonly leaderEpoch?: number;
  readonly timestampType?: TimestampType;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
};

/** One batch of these records, offsets 0 to n-1 behind the base. The caller owns the bytes. */
export const buildBatch = (
  records: readonly NewRecord[],
  options: BatchOptions = {},
): Uint8Array => {
  const first = records[0];
  assert(first !== undefined, "a batch has at least one record");
  const payload = encodeRecords(records, first.timestamp);
  let maxTimestamp = noTimestamp;
  for (const { timestamp } of records) maxTimestamp = Math.max(maxTimestamp, timestamp);
  const { codec = "none", compressionLevel } = options;
  return assembleBatch(compress(codec, payload, compressionLevel), {
    baseOffset: options.baseOffset ?? 0,
    leaderEpoch: options.leaderEpoch ?? -1,
    codec,
    timestampType: options.timestampType ?? "CreateTime",
    isTransactional: options.isTransactional ?? false,
    isControl: options.isControl ?? false,
    lastOffsetDelta: records.length - 1,
    baseTimestamp: first.timestamp,
    maxTimestamp,
    producerId: options.producerId ?? noProducerId,
    producerEpoch: options.producerEpoch ?? noProducerEpoch,
    baseSequence: options.baseSequence ?? noSequence,
    recordCount: records.length,
  });
};

/** A batch of records that are already encoded, and compressed with the header's codec. */
export const assembleBatch = (payload: Uint8Array, header: BatchHeader): Uint8Array => {
  const bytes = Buffer.allocUnsafe(batchHeaderBytes + payload.length);
  bytes.set(payload, batchHeaderBytes);
  writeBatchHeader(bytes, header);
  return bytes;
};

const encodeRecords = (records: readonly NewRecord[], baseTimestamp: number): Uint8Array => {
  const bodySizes = records.map((record, index) => bodyBytes(record, index, baseTimestamp));
  const size = bodySizes.reduce((sum, body) => sum + varintBytes(body) + body, 0);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [index, record] of records.entries()) {
    at = putVarint(bytes, at, bodySizes[index]!);
    bytes[at++] = 0;
    at = putVarlong(bytes, at, record.timestamp - baseTimestamp);
    at = putVarint(bytes, at, index);
    at = putNullable(bytes, at, record.key);
    at = putNullable(bytes, at, record.value);
    at = putVarint(bytes, at, record.headers?.length ?? 0);
    for (const header of record.headers ?? []) {
      at = putNullable(bytes, at, Buffer.from(header.key));
      at = putNullable(bytes, at, header.value);
    }
  }
  assert(at === size, "every byte that was allocated is written");
  return bytes;
};

/** Size of a record without its own length. */
const bodyBytes = (record: NewRecord, index: number, baseTimestamp: number): number => {
  let size = 1 + varlongBytes(record.timestamp - baseTimestamp) + varintBytes(index);
  size += nullableBytes(record.key?.length ?? null) + nullableBytes(record.value?.length ?? null);
  size += varintBytes(record.headers?.length ?? 0);
  for (const { key, value } of record.headers ?? []) {
    size += nullableBytes(Buffer.byteLength(key)) + nullableBytes(value?.length ?? null);
  }
  return size;
};

const nullableBytes = (length: number | null): number =>
  length === null ? 1 : varintBytes(length) + length;

const putNullable = (bytes: Uint8Array, at: number, value: Uint8Array | null): number => {
  if (value === null) return putVarint(bytes, at, -1);
  const start = putVarint(bytes, at, value.length);
  bytes.set(value, start);
  return start + value.length;
};
