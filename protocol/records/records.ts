import { maxVarintBytes, maxVarlongBytes, varintAt, varintEnd, varlongAt } from "./varint.ts";

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
  /** Where the count of headers is; they follow. */
  headersAt: number;
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
  const record = emptyPosition();
  let at = 0;
  let lastDelta = -1;
  for (let index = 0; index < shape.count; index += 1) {
    at = readPosition(bytes, at, record);
    if (at < 0) return wrong(index, problems.get(at)!);
    const delta = record.offsetDelta;
    if (shape.offsets === "dense" ? delta !== index : delta <= lastDelta) {
      return wrong(index, `offset delta ${delta}`);
    }
    lastDelta = delta;
    if (visit(record, index) === false) return null;
  }
  if (at !== bytes.length) {
    return wrong(shape.count, `${bytes.length - at} bytes behind the last record`);
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
  headersAt: 0,
});

// Negative where `readPosition` and the functions under it otherwise give a position.
const lengthProblem = -1;
const deltaProblem = -2;
const fieldProblem = -3;
const headersProblem = -4;
const endProblem = -5;

const problems: ReadonlyMap<number, string> = new Map([
  [lengthProblem, "its length does not fit the batch"],
  [deltaProblem, "its timestamp or offset is malformed"],
  [fieldProblem, "its key or value does not fit"],
  [headersProblem, "its headers do not fit"],
  [endProblem, "its fields do not fill its length"],
]);

/** The shortest record: attributes, two deltas, two lengths and the header count, a byte each. */
const minBodyBytes = 6;
/** The same with its own length. */
export const minRecordBytes = minBodyBytes + 1;

/** Reads the record at `at` into `record`; returns the position behind it, or one of the problems. */
const readPosition = (bytes: Uint8Array, at: number, record: RecordPosition): number => {
  const body = varintEnd(bytes, at, bytes.length, maxVarintBytes);
  if (body < 0) return lengthProblem;
  const length = varintAt(bytes, at);
  const end = body + length;
  if (length < minBodyBytes || end > bytes.length) return lengthProblem;
  // One byte of attributes: none has a meaning in version 2.
  const offsetAt = varintEnd(bytes, body + 1, end, maxVarlongBytes);
  if (offsetAt < 0) return deltaProblem;
  record.timestampDelta = varlongAt(bytes, body + 1, offsetAt);
  const keyAt = varintEnd(bytes, offsetAt, end, maxVarintBytes);
  if (keyAt < 0 || !Number.isSafeInteger(record.timestampDelta)) return deltaProblem;
  record.offsetDelta = varintAt(bytes, offsetAt);
  record.keyStart = fieldStart(bytes, keyAt, end);
  if (record.keyStart < 0) return fieldProblem;
  record.keyLength = varintAt(bytes, keyAt);
  const valueAt = record.keyStart + Math.max(record.keyLength, 0);
  record.valueStart = fieldStart(bytes, valueAt, end);
  if (record.valueStart < 0) return fieldProblem;
  record.valueLength = varintAt(bytes, valueAt);
  record.headersAt = record.valueStart + Math.max(record.valueLength, 0);
  const fieldsEnd = headersEnd(bytes, record.headersAt, end);
  return fieldsEnd < 0 || fieldsEnd === end ? fieldsEnd : endProblem;
};

/** Where the bytes of the nullable field at `at` start, or a problem if they do not end before `end`. */
const fieldStart = (bytes: Uint8Array, at: number, end: number): number => {
  const start = varintEnd(bytes, at, end, maxVarintBytes);
  if (start < 0) return fieldProblem;
  const length = varintAt(bytes, at);
  return length < -1 || length > end - start ? fieldProblem : start;
};

const headersEnd = (bytes: Uint8Array, at: number, end: number): number => {
  let next = varintEnd(bytes, at, end, maxVarintBytes);
  if (next < 0) return headersProblem;
  const count = varintAt(bytes, at);
  // Two bytes are the least a header takes: a claim beyond that is refused before it is walked.
  if (count < 0 || count > (end - next) / 2) return headersProblem;
  for (let index = 0; index < count; index += 1) {
    const keyStart = fieldStart(bytes, next, end);
    if (keyStart < 0 || varintAt(bytes, next) < 0) return headersProblem;
    const valueAt = keyStart + varintAt(bytes, next);
    const valueStart = fieldStart(bytes, valueAt, end);
    if (valueStart < 0) return headersProblem;
    next = valueStart + Math.max(varintAt(bytes, valueAt), 0);
  }
  return next;
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
  const count = varintAt(bytes, record.headersAt);
  let at = varintEnd(bytes, record.headersAt, bytes.length, maxVarintBytes);
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index += 1) {
    const keyStart = varintEnd(bytes, at, bytes.length, maxVarintBytes);
    const valueAt = keyStart + varintAt(bytes, at);
    const valueStart = varintEnd(bytes, valueAt, bytes.length, maxVarintBytes);
    const valueLength = varintAt(bytes, valueAt);
    headers.push({
      key: Buffer.from(bytes.subarray(keyStart, valueAt)).toString(),
      value: valueLength < 0 ? null : bytes.subarray(valueStart, valueStart + valueLength),
    });
    at = valueStart + Math.max(valueLength, 0);
  }
  return headers;
};
