import type { ExternalBytes } from "../external-bytes.ts";
import { int64Max } from "./types.ts";

/**
 * Where an encoder writes: one growing buffer for everything it encodes itself, and a list of pieces that stay where they are. Values that do
 * not fit their type are bugs of the caller, hence RangeError.
 */
export type WriteCursor = {
  bytes: Buffer;
  view: DataView;
  position: number;
  /** Pieces that belong before byte `at` of the buffer, ascending. */
  splices: Splice[];
  splicedBytes: number;
};

type Splice = { at: number; readonly piece: Uint8Array | ExternalBytes };

const maxStringBytes = 0x7fff;
/** Bytes values from this size on are handed on as they are instead of being copied. */
const spliceFromBytes = 1024;

/**
 * What one message may take in its cursor, pieces that stay where they are not counted. Clients read frames of 100 MB (librdkafka's default); an answer
 * beyond that comes of a request that names one large thing again and again.
 */
const maxCursorBytes = 128 * 1024 * 1024;

const idleBytes = 4096;
/** A cursor that one huge message has grown beyond this is let go. */
const largestIdleBytes = 1 << 20;

// The buffer to encode into is kept between messages: a fresh one costs as much as encoding a small message. No message sees another's bytes,
// since only what was written is copied out, so this state changes nothing but time.
let idle: WriteCursor | null = null;

/** A cursor at 0. Encoding is synchronous: hand it back with `closeWriteCursor`; one lost to an exception is simply replaced. */
export function openWriteCursor(): WriteCursor {
  const cursor = idle;
  if (cursor === null) {
    const bytes = Buffer.allocUnsafeSlow(idleBytes);
    return { bytes, view: viewOf(bytes), position: 0, splices: [], splicedBytes: 0 };
  }
  idle = null;
  return cursor;
}

/** Gives the cursor back, and returns what was written to its buffer in one of its own. */
export function closeWriteCursor(cursor: WriteCursor): Buffer {
  const written = Buffer.allocUnsafe(cursor.position);
  cursor.bytes.copy(written, 0, 0, cursor.position);
  if (cursor.bytes.length <= largestIdleBytes) {
    cursor.position = 0;
    if (cursor.splicedBytes > 0) cursor.splices = [];
    cursor.splicedBytes = 0;
    idle = cursor;
  }
  return written;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Makes room for `count` bytes and returns where they start; the caller writes them all. */
function take(cursor: WriteCursor, count: number): number {
  const at = cursor.position;
  const end = at + count;
  if (end > cursor.bytes.length) grow(cursor, end);
  cursor.position = end;
  return at;
}

function grow(cursor: WriteCursor, neededBytes: number): void {
  if (neededBytes > maxCursorBytes) throw new RangeError(`message of ${neededBytes} bytes`);
  const larger = Buffer.allocUnsafeSlow(Math.max(neededBytes, cursor.bytes.length * 2));
  cursor.bytes.copy(larger, 0, 0, cursor.position);
  cursor.bytes = larger;
  cursor.view = viewOf(larger);
}

function assertInteger(value: number, min: number, max: number): void {
  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    throw new RangeError(`${value} is no integer from ${min} to ${max}`);
  }
}

export function writeBool(cursor: WriteCursor, value: boolean): void {
  const at = take(cursor, 1);
  cursor.view.setInt8(at, value ? 1 : 0);
}

export function writeInt8(cursor: WriteCursor, value: number): void {
  if ((value << 24) >> 24 !== value) assertInteger(value, -0x80, 0x7f);
  const at = take(cursor, 1);
  cursor.view.setInt8(at, value);
}

export function writeInt16(cursor: WriteCursor, value: number): void {
  if ((value << 16) >> 16 !== value) assertInteger(value, -0x8000, 0x7fff);
  const at = take(cursor, 2);
  cursor.view.setInt16(at, value);
}

export function writeUint16(cursor: WriteCursor, value: number): void {
  if ((value & 0xffff) !== value) assertInteger(value, 0, 0xffff);
  const at = take(cursor, 2);
  cursor.view.setUint16(at, value);
}

export function writeInt32(cursor: WriteCursor, value: number): void {
  if ((value | 0) !== value) assertInteger(value, -0x8000_0000, 0x7fff_ffff);
  const at = take(cursor, 4);
  cursor.view.setInt32(at, value);
}

export function writeUint32(cursor: WriteCursor, value: number): void {
  if (value >>> 0 !== value) assertInteger(value, 0, 0xffff_ffff);
  const at = take(cursor, 4);
  cursor.view.setUint32(at, value);
}

export function writeInt64(cursor: WriteCursor, value: number): void {
  const at = take(cursor, 8);
  if ((value | 0) === value) {
    cursor.view.setInt32(at, value < 0 ? -1 : 0);
    cursor.view.setInt32(at + 4, value);
  } else if (value === int64Max) {
    cursor.view.setInt32(at, 0x7fff_ffff);
    cursor.view.setInt32(at + 4, -1);
  } else {
    assertInteger(value, Number.MIN_SAFE_INTEGER, int64Max);
    cursor.view.setInt32(at, Math.floor(value / 0x1_0000_0000));
    cursor.view.setUint32(at + 4, value >>> 0);
  }
}

export function writeFloat64(cursor: WriteCursor, value: number): void {
  const at = take(cursor, 8);
  cursor.view.setFloat64(at, value);
}

export function writeUnsignedVarint(cursor: WriteCursor, value: number): void {
  let rest = value;
  let at = take(cursor, 1);
  while (rest > 0x7f) {
    cursor.view.setUint8(at, (rest & 0x7f) | 0x80);
    rest >>>= 7;
    at = take(cursor, 1);
  }
  cursor.view.setUint8(at, rest);
}

export function writeUuid(cursor: WriteCursor, value: string): void {
  const at = take(cursor, 16);
  if (value.length !== 22 || cursor.bytes.write(value, at, 16, "base64url") !== 16) {
    throw new RangeError(`"${value}" is no uuid in base64`);
  }
}

export function writeCompactString(cursor: WriteCursor, value: string): void {
  // A UTF-16 unit is at most 3 bytes, so that up to 42 units the length fits one byte of varint and can be filled in afterwards.
  if (value.length > 42) {
    const length = checkedStringLength(value);
    writeUnsignedVarint(cursor, length + 1);
    writeText(cursor, value, length);
    return;
  }
  const at = take(cursor, 1 + value.length * 3);
  const length = cursor.bytes.write(value, at + 1, "utf8");
  cursor.view.setUint8(at, length + 1);
  cursor.position = at + 1 + length;
}

export function writeClassicString(cursor: WriteCursor, value: string): void {
  const length = checkedStringLength(value);
  writeInt16(cursor, length);
  writeText(cursor, value, length);
}

function writeText(cursor: WriteCursor, value: string, length: number): void {
  const at = take(cursor, length);
  cursor.bytes.write(value, at, length, "utf8");
}

function checkedStringLength(value: string): number {
  const length = Buffer.byteLength(value);
  if (length > maxStringBytes) throw new RangeError(`string of ${length} bytes`);
  return length;
}

/** The bytes themselves, their length already written. Small ones are copied, large and external ones keep their place in memory. */
export function writeBytes(cursor: WriteCursor, value: Uint8Array | ExternalBytes): void {
  if (value instanceof Uint8Array && value.byteLength < spliceFromBytes) {
    const at = take(cursor, value.byteLength);
    cursor.bytes.set(value, at);
  } else if (value.byteLength > 0) {
    cursor.splices.push({ at: cursor.position, piece: value });
    cursor.splicedBytes += value.byteLength;
  }
}

/** Writes what `write` writes, behind its size as a varint: the form of a tagged field. */
export function writeSized<T>(
  cursor: WriteCursor,
  value: T,
  write: (cursor: WriteCursor, value: T) => void,
): void {
  const sizeAt = take(cursor, 1);
  const spliceIndex = cursor.splices.length;
  const splicedBefore = cursor.splicedBytes;
  write(cursor, value);
  const encodedBytes = cursor.position - sizeAt - 1;
  const size = encodedBytes + cursor.splicedBytes - splicedBefore;
  if (size <= 0x7f) {
    cursor.view.setUint8(sizeAt, size);
    return;
  }
  // The size needs more than the one byte kept for it: move what was written.
  const shift = Math.floor((31 - Math.clz32(size)) / 7);
  take(cursor, shift);
  cursor.bytes.copyWithin(sizeAt + 1 + shift, sizeAt + 1, sizeAt + 1 + encodedBytes);
  for (const splice of cursor.splices.slice(spliceIndex)) splice.at += shift;
  const end = cursor.position;
  cursor.position = sizeAt;
  writeUnsignedVarint(cursor, size);
  cursor.position = end;
}
