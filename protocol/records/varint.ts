import assert from "node:assert";

/**
 * Reads zigzag varints from `bytes[at, end)`, one behind the other. After a read that could not be, `failed` stays true and every read gives 0: callers
 * read what they expect in a row and look once.
 */
export type VarintReader = {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  failed: boolean;
};

const fail = (reader: VarintReader): 0 => {
  reader.failed = true;
  return 0;
};

/** A zigzag int32 of at most five bytes. Bits past the 32nd fail: no writer produces them. */
export const readVarint = (reader: VarintReader): number => {
  const { bytes, end } = reader;
  let at = reader.at;
  if (reader.failed || at >= end) return fail(reader);
  let byte = bytes[at++]!;
  let raw = byte & 0x7f;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    if (at >= end || shift > 28) return fail(reader);
    byte = bytes[at++]!;
    if (shift === 28 && byte > 0x0f) return fail(reader);
    raw |= (byte & 0x7f) << shift;
  }
  reader.at = at;
  return (raw >>> 1) ^ -(raw & 1);
};

/** A zigzag int64 of at most ten bytes; fails if the value is not a safe integer. */
export const readVarlong = (reader: VarintReader): number => {
  const { bytes, end } = reader;
  let at = reader.at;
  // The lowest 28 bits as an integer, the rest as a double: exact as far as the value is a safe integer.
  let low = 0;
  let high = 0;
  let scale = 1;
  for (let count = 0; ; count += 1) {
    if (reader.failed || at >= end || count === 10) return fail(reader);
    const byte = bytes[at++]!;
    if (count < 4) {
      low |= (byte & 0x7f) << (7 * count);
    } else {
      high += (byte & 0x7f) * scale;
      scale *= 128;
    }
    if (byte < 0x80) break;
  }
  const half = high * 0x800_0000 + (low >>> 1);
  const value = (low & 1) === 0 ? half : -half - 1;
  if (!Number.isSafeInteger(value)) return fail(reader);
  reader.at = at;
  return value;
};

/** Bytes that `putVarint` takes for the int32 `value`. */
export const varintBytes = (value: number): number => {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x20_0000) return 3;
  return raw < 0x1000_0000 ? 4 : 5;
};

/** Writes the int32 `value`; returns the position behind it. */
export const putVarint = (bytes: Uint8Array, at: number, value: number): number => {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  while (raw >= 0x80) {
    bytes[at++] = (raw & 0x7f) | 0x80;
    raw >>>= 7;
  }
  bytes[at++] = raw;
  return at;
};

const isInt32 = (value: number): boolean => (value | 0) === value;

/** The lowest seven bits of a value's zigzag form, and the bits above them. */
const splitZigzag = (value: number): { low: number; high: number } => {
  assert(Number.isSafeInteger(value), "64-bit fields are safe integers");
  const half = value < 0 ? -value - 1 : value;
  return { low: (half % 64) * 2 + (value < 0 ? 1 : 0), high: Math.floor(half / 64) };
};

/** Bytes that `putVarlong` takes for `value`. */
export const varlongBytes = (value: number): number => {
  if (isInt32(value)) return varintBytes(value);
  let count = 1;
  for (let { high } = splitZigzag(value); high > 0; high = Math.floor(high / 128)) count += 1;
  return count;
};

/** Writes any safe integer; returns the position behind it. */
export const putVarlong = (bytes: Uint8Array, at: number, value: number): number => {
  if (isInt32(value)) return putVarint(bytes, at, value);
  let { low, high } = splitZigzag(value);
  while (high > 0) {
    bytes[at++] = low | 0x80;
    low = high % 128;
    high = Math.floor(high / 128);
  }
  bytes[at++] = low;
  return at;
};
