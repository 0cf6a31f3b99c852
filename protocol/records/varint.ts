import assert from "node:assert";

// Zigzag varints as records use them. Reading is in two steps, where a varint ends and what it says, so that nothing is allocated and every end is checked
// before a value is used. The walk over records has a shorter way for short ones (records.ts).

/** The position behind the varint at `at`, or -1 if it is not whole before `end` or takes more than `maxBytes`. */
export const varintEnd = (bytes: Uint8Array, at: number, end: number, maxBytes: number): number => {
  for (let count = 0; count < maxBytes && at < end; count += 1) {
    if (bytes[at++]! < 0x80) return at;
  }
  return -1;
};

/** Bytes of the longest int32 and int64. */
export const maxVarintBytes = 5;
export const maxVarlongBytes = 10;

/** The int32 at `at`, where `varintEnd` has found an end. Bits past the 32nd are dropped, as in Kafka. */
export const varintAt = (bytes: Uint8Array, at: number): number => {
  let raw = 0;
  let shift = 0;
  let byte = 0;
  do {
    byte = bytes[at++]!;
    raw |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return (raw >>> 1) ^ -(raw & 1);
};

/** The int64 that fills `bytes[at, end)`, rounded to a double where it is not a safe integer. */
export const varlongAt = (bytes: Uint8Array, at: number, end: number): number => {
  if (end - at < maxVarintBytes) return varintAt(bytes, at);
  // The lowest 28 bits as an integer, the rest as a double: exact as far as the value is a safe integer.
  let low = 0;
  let high = 0;
  let scale = 1;
  for (let index = at; index < end; index += 1) {
    const bits = bytes[index]! & 0x7f;
    if (index - at < 4) {
      low |= bits << (7 * (index - at));
    } else {
      high += bits * scale;
      scale *= 128;
    }
  }
  const half = high * 0x800_0000 + (low >>> 1);
  return (low & 1) === 0 ? half : -half - 1;
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
