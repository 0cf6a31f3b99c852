import {
  int32At,
  isSafeInt64At,
  roundedInt64At,
  uint32At,
} from "../../protocol/records/big-endian.ts";

// Big-endian fields one behind the other, out of bytes that may be damaged: what is not there reads as 0 or empty and sets `failed`, and no count makes it
// allocate more than the bytes can hold.

export type ByteReader = { readonly bytes: Uint8Array; at: number; failed: boolean };

export const createByteReader = (bytes: Uint8Array): ByteReader => ({
  bytes,
  at: 0,
  failed: false,
});

/** Whether all was there and nothing is left. */
export const isExhausted = (reader: ByteReader): boolean =>
  !reader.failed && reader.at === reader.bytes.length;

const take = (reader: ByteReader, count: number): number => {
  if (reader.failed || reader.bytes.length - reader.at < count) {
    reader.failed = true;
    return -1;
  }
  reader.at += count;
  return reader.at - count;
};

export const readInt32 = (reader: ByteReader): number => {
  const at = take(reader, 4);
  return at < 0 ? 0 : int32At(reader.bytes, at);
};

export const readUint32 = (reader: ByteReader): number => {
  const at = take(reader, 4);
  return at < 0 ? 0 : uint32At(reader.bytes, at);
};

/** Fails on what passes 2^53. */
export const readInt64 = (reader: ByteReader): number => {
  const at = take(reader, 8);
  if (at < 0) return 0;
  if (isSafeInt64At(reader.bytes, at)) return roundedInt64At(reader.bytes, at);
  reader.failed = true;
  return 0;
};

/** An offset, a size or a count: fails on what is negative. */
export const readOffset = (reader: ByteReader): number => {
  const value = readInt64(reader);
  if (value < 0) reader.failed = true;
  return value;
};

/** A length, and as many bytes: a view of the reader's. */
export const readBytes = (reader: ByteReader): Uint8Array => {
  const length = readUint32(reader);
  const at = take(reader, length);
  return at < 0 ? new Uint8Array(0) : reader.bytes.subarray(at, at + length);
};

export const readString = (reader: ByteReader): string => Buffer.from(readBytes(reader)).toString();

/** How many items of `itemBytes` (at least) follow: fails if they cannot all be there. */
export const readCount = (reader: ByteReader, itemBytes: number): number => {
  const count = readUint32(reader);
  if (!reader.failed && count * itemBytes <= reader.bytes.length - reader.at) return count;
  reader.failed = true;
  return 0;
};

/** A count, and as many items of `itemBytes` each (at least). */
export const readList = <Item>(
  reader: ByteReader,
  itemBytes: number,
  readItem: (reader: ByteReader) => Item,
): Item[] => {
  const items: Item[] = [];
  for (let left = readCount(reader, itemBytes); left > 0 && !reader.failed; left -= 1) {
    items.push(readItem(reader));
  }
  return items;
};
