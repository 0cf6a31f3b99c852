import { int16At, int32At, uint32At } from "../records/big-endian.ts";
import { knownString, rememberString } from "./known-strings.ts";
import { int64Max, zeroUuid } from "./types.ts";

/**
 * A position in bytes that may be hostile. A read past the end, or of something that cannot be, marks the cursor failed, moves it to the end
 * and gives a zero value: nothing throws, loops stop at the mark, and the first failure is the one reported.
 */
export type ReadCursor = {
  bytes: Buffer;
  position: number;
  /** Reads stop here: the end of the input, or of the tagged field being read. */
  end: number;
  /** Array elements that may still be decoded: bounds memory, since an element can be one byte on the wire and a hundred in memory. */
  elementsLeft: number;
  failure: string | null;
  failedAt: number;
  /** Field path of the failure, built on the way out. */
  path: string;
};

// Kafka's own limit, also for compact strings.
const maxStringBytes = 0x7fff;

const noBytes = Buffer.alloc(0);

// One cursor serves message after message: reading is synchronous, and a cursor with a view of its own costs as much as reading a small message.
let idle: ReadCursor | null = null;

/** A cursor over `input[offset, end)`. Hand it back with `closeReadCursor`; one lost to an exception is simply replaced. */
export function openReadCursor(
  input: Uint8Array,
  range: { readonly offset: number; readonly end: number },
  maxElements: number,
): ReadCursor {
  const cursor = idle ?? {
    bytes: noBytes,
    position: 0,
    end: 0,
    elementsLeft: 0,
    failure: null,
    failedAt: 0,
    path: "",
  };
  idle = null;
  cursor.bytes = Buffer.isBuffer(input)
    ? input
    : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  cursor.position = range.offset;
  cursor.end = range.end;
  cursor.elementsLeft = maxElements;
  cursor.failure = null;
  cursor.failedAt = 0;
  cursor.path = "";
  return cursor;
}

export function closeReadCursor(cursor: ReadCursor): void {
  cursor.bytes = noBytes;
  idle = cursor;
}

export function fail(cursor: ReadCursor, reason: string): 0 {
  if (cursor.failure === null) {
    cursor.failure = reason;
    cursor.failedAt = cursor.position;
  }
  cursor.position = cursor.end;
  return 0;
}

const shortInput = "the input ends inside the value";

export function readBool(cursor: ReadCursor): boolean {
  return readInt8(cursor) !== 0;
}

export function readInt8(cursor: ReadCursor): number {
  const at = cursor.position;
  if (at + 1 > cursor.end) return fail(cursor, shortInput);
  cursor.position = at + 1;
  return (cursor.bytes[at]! << 24) >> 24;
}

export function readInt16(cursor: ReadCursor): number {
  const at = cursor.position;
  if (at + 2 > cursor.end) return fail(cursor, shortInput);
  cursor.position = at + 2;
  return int16At(cursor.bytes, at);
}

export function readUint16(cursor: ReadCursor): number {
  const at = cursor.position;
  if (at + 2 > cursor.end) return fail(cursor, shortInput);
  cursor.position = at + 2;
  return int16At(cursor.bytes, at) & 0xffff;
}

export function readInt32(cursor: ReadCursor): number {
  const at = cursor.position;
  if (at + 4 > cursor.end) return fail(cursor, shortInput);
  cursor.position = at + 4;
  return int32At(cursor.bytes, at);
}

export function readUint32(cursor: ReadCursor): number {
  const at = cursor.position;
  if (at + 4 > cursor.end) return fail(cursor, shortInput);
  cursor.position = at + 4;
  return uint32At(cursor.bytes, at);
}

export function readInt64(cursor: ReadCursor): number {
  const at = cursor.position;
  if (at + 8 > cursor.end) return fail(cursor, shortInput);
  const high = int32At(cursor.bytes, at);
  const low = uint32At(cursor.bytes, at + 4);
  const value = high * 0x1_0000_0000 + low;
  if (!Number.isSafeInteger(value)) {
    if (high !== 0x7fff_ffff || low !== 0xffff_ffff) {
      return fail(cursor, "64-bit value beyond 2^53");
    }
    cursor.position = at + 8;
    return int64Max;
  }
  cursor.position = at + 8;
  return value;
}

export function readFloat64(cursor: ReadCursor): number {
  const at = cursor.position;
  if (at + 8 > cursor.end) return fail(cursor, shortInput);
  cursor.position = at + 8;
  return cursor.bytes.readDoubleBE(at);
}

/** Base-128, least significant group first, at most 32 bits. */
export function readUnsignedVarint(cursor: ReadCursor): number {
  const { bytes, end } = cursor;
  let at = cursor.position;
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) return fail(cursor, shortInput);
    const byte = bytes[at++]!;
    if (shift === 28 && byte > 0x0f) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      cursor.position = at;
      return value >>> 0;
    }
  }
  return fail(cursor, "varint longer than 32 bits");
}

export function readUuid(cursor: ReadCursor): string {
  const at = cursor.position;
  if (at + 16 > cursor.end) {
    fail(cursor, shortInput);
    return zeroUuid;
  }
  cursor.position = at + 16;
  return cursor.bytes.toString("base64url", at, at + 16);
}

/** Length of what follows, -1 for null. Anything longer than what is left of the input fails here, before it is believed. */
export function readLength(cursor: ReadCursor, form: "compact" | "int16" | "int32"): number {
  let length: number;
  if (form === "compact") length = readUnsignedVarint(cursor) - 1;
  else if (form === "int16") length = readInt16(cursor);
  else length = readInt32(cursor);
  if (length < -1) return fail(cursor, `negative length ${length}`);
  if (length > cursor.end - cursor.position) {
    return fail(cursor, `length ${length} with ${cursor.end - cursor.position} bytes left`);
  }
  return length;
}

export function readString(cursor: ReadCursor, length: number): string {
  const at = cursor.position;
  if (length > maxStringBytes) {
    fail(cursor, `string of ${length} bytes`);
    return "";
  }
  const known = knownString(cursor.bytes, at, length);
  if (known !== undefined) {
    cursor.position = at + length;
    return known;
  }
  const text = cursor.bytes.toString("utf8", at, at + length);
  // Bytes that are no UTF-8 become U+FFFD, as in Java, and grow threefold: what could then be too long to be sent back is refused.
  if (length > maxStringBytes / 3 && Buffer.byteLength(text) > maxStringBytes) {
    fail(cursor, "string is not UTF-8");
    return "";
  }
  cursor.position = at + length;
  rememberString(cursor.bytes, at, text);
  return text;
}

export function readBytes(cursor: ReadCursor, length: number): Uint8Array {
  const at = cursor.position;
  cursor.position = at + length;
  return cursor.bytes.subarray(at, at + length);
}
