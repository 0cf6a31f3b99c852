import { readVarint, readVarlong, type VarintReader } from "./varint.ts";

// The records inside a batch v2, decompressed. A walk trusts nothing: every length is checked against the bytes that are there before anything is sliced,
// and nothing is allocated by a length or count the bytes claim.

/** Where one record lies in the bytes walked. The walk reuses one object: read it inside `visit`, or copy it. */
export type RecordPosition = {
  timestampDelta: number;
  offsetDelta: number;
  keyStart: number;
  /** -1 for a null key. */
  keyLength: number;
  valueStart: number;
  /** -1 for a null value (a tombstone where the topic is compacted). */
  valueLength: number;
  headerCount: number;
  headersStart: number;
  end: number;
};

export type RecordHeader = { readonly key: string; readonly value: Uint8Array | null };

export type RecordsFailure = {
  readonly kind: "corruptInput";
  /** Index in the batch of the first record that is wrong; the count if there is more behind the last. */
  readonly recordIndex: number;
  readonly message: string;
};

export type RecordsShape = {
  /** Records the batch header claims. */
  readonly count: number;
  /** `dense`: offset deltas are 0, 1, 2... as producers write them. `ascending`: with holes, as compaction leaves them. */
  readonly offsets: "dense" | "ascending";
};

const wrong = (recordIndex: number, message: string): RecordsFailure => ({
  kind: "corruptInput",
  recordIndex,
  message: `record ${recordIndex}: ${message}`,
});

/**
 * Calls `visit(record, index)` for each record; `visit` returns false to stop there. Returns the first thing that is wrong, or null: after a whole walk
 * that means the bytes are exactly `count` well-formed records. Keys of headers are not checked to be UTF-8, as in Kafka.
 */
export const forEachRecord = (
  bytes: Uint8Array,
  shape: RecordsShape,
  visit: (record: RecordPosition, index: number) => boolean | void,
): RecordsFailure | null => {
  const reader: VarintReader = { bytes, end: bytes.length, at: 0, failed: false };
  const record = emptyPosition();
  let lastDelta = -1;
  for (let index = 0; index < shape.count; index += 1) {
    const problem = readPosition(reader, record);
    if (problem !== null) return wrong(index, problem);
    const delta = record.offsetDelta;
    if (shape.offsets === "dense" ? delta !== index : delta <= lastDelta) {
      return wrong(index, `offset delta ${delta}`);
    }
    lastDelta = delta;
    if (visit(record, index) === false) return null;
  }
  if (reader.at !== bytes.length) {
    return wrong(shape.count, `${bytes.length - reader.at} bytes behind the last record`);
  }
  return null;
};

const emptyPosition = (): RecordPosition => ({
  timestampDelta: 0,
  offsetDelta: 0,
  keyStart: 0,
  keyLength: -1,
  valueStart: 0,
  valueLength: -1,
  headerCount: 0,
  headersStart: 0,
  end: 0,
});

/** Reads the record at the reader into `record` and moves past it; returns what is wrong, or null. */
const readPosition = (reader: VarintReader, record: RecordPosition): string | null => {
  const length = readVarint(reader);
  const end = reader.at + length;
  // The shortest record: attributes, two deltas, two lengths and the header count, a byte each.
  if (reader.failed || length < 6 || end > reader.end) return "its length does not fit the batch";
  // Attributes: no bit has a meaning in version 2.
  reader.at += 1;
  record.timestampDelta = readVarlong(reader);
  record.offsetDelta = readVarint(reader);
  record.keyLength = readVarint(reader);
  record.keyStart = reader.at;
  if (!skip(reader, record.keyLength)) return "its key does not fit";
  record.valueLength = readVarint(reader);
  record.valueStart = reader.at;
  if (!skip(reader, record.valueLength)) return "its value does not fit";
  record.headerCount = readVarint(reader);
  record.headersStart = reader.at;
  record.end = end;
  if (!skipHeaders(reader, record.headerCount)) return "its headers do not fit";
  if (reader.at !== end) return "its fields do not fill its length";
  return null;
};

/** Moves past `length` bytes, or none if it is -1 (null); false if that cannot be. */
const skip = (reader: VarintReader, length: number): boolean => {
  if (reader.failed || length < -1 || length > reader.end - reader.at) return false;
  if (length > 0) reader.at += length;
  return true;
};

const skipHeaders = (reader: VarintReader, count: number): boolean => {
  // Two bytes are the least a header takes: a claim beyond that is refused before it is walked.
  if (reader.failed || count < 0 || count > (reader.end - reader.at) / 2) return false;
  for (let index = 0; index < count; index += 1) {
    const keyLength = readVarint(reader);
    if (keyLength < 0 || !skip(reader, keyLength)) return false;
    if (!skip(reader, readVarint(reader))) return false;
  }
  return true;
};

/** The key as a slice of `bytes`. */
export const recordKey = (bytes: Uint8Array, record: RecordPosition): Uint8Array | null =>
  record.keyLength < 0 ? null : bytes.subarray(record.keyStart, record.keyStart + record.keyLength);

/** The value as a slice of `bytes`. */
export const recordValue = (bytes: Uint8Array, record: RecordPosition): Uint8Array | null =>
  record.valueLength < 0
    ? null
    : bytes.subarray(record.valueStart, record.valueStart + record.valueLength);

/** The headers, values as slices of `bytes`. For records that a walk has passed. */
export const recordHeaders = (bytes: Uint8Array, record: RecordPosition): RecordHeader[] => {
  const reader: VarintReader = {
    bytes,
    end: record.end,
    at: record.headersStart,
    failed: false,
  };
  const headers: RecordHeader[] = [];
  for (let index = 0; index < record.headerCount; index += 1) {
    const key = readSlice(reader);
    const value = readSlice(reader);
    headers.push({ key: Buffer.from(key ?? []).toString(), value });
  }
  return headers;
};

const readSlice = (reader: VarintReader): Uint8Array | null => {
  const length = readVarint(reader);
  const start = reader.at;
  if (!skip(reader, length)) return null;
  return length < 0 ? null : reader.bytes.subarray(start, start + length);
};
