import { putInt32, uint32At } from "../../protocol/records/big-endian.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import type { ByteWriter } from "../log/byte-writer.ts";
import { createByteReader, isExhausted, type ByteReader } from "./byte-reader.ts";

// How segments and packs end: batches, then a part that describes them, then a tail that finds it: {bytes of the part, version, magic, CRC-32C of all this}.

export type CorruptObject = {
  readonly kind: "corrupt";
  readonly message: string;
  /** It may be whole: a later version of this code has put it. */
  readonly isOfOtherVersion?: boolean;
};

export type TailFormat = {
  /** For messages: "segment", "pack". */
  readonly object: string;
  /** "footer", "directory". */
  readonly part: string;
  readonly magic: number;
  readonly version: number;
};

export const tailBytes = 16;

/** What the writer has and the tail behind it. */
export function takeWithTail(writer: ByteWriter, { magic, version }: TailFormat): Uint8Array {
  writer.uint32(writer.byteLength);
  writer.uint32(version);
  writer.uint32(magic);
  writer.uint32(0);
  const bytes = writer.take();
  putInt32(bytes, bytes.length - 4, crc32c(bytes, 0, bytes.length - 4));
  return bytes;
}

/** What the last `tailBytes` of an object say: how long the part before them is. The CRC is not looked at yet: it covers the part. */
export function decodeTail(
  bytes: Uint8Array,
  format: TailFormat,
): { readonly partBytes: number } | CorruptObject {
  const at = bytes.length - tailBytes;
  if (at < 0) return corrupt(format, "shorter than its tail");
  if (uint32At(bytes, at + 8) !== format.magic)
    return corrupt(format, `no ${format.object} of ours`);
  const found = uint32At(bytes, at + 4);
  if (found !== format.version)
    return { ...corrupt(format, `version ${found}`), isOfOtherVersion: true };
  return { partBytes: uint32At(bytes, at) };
}

/** Reads the part before the tail. `bytes`: the end of the object, from the part on or more of it. */
export function readPart<Part>(
  bytes: Uint8Array,
  format: TailFormat,
  read: (reader: ByteReader) => Part,
): { readonly kind: "read"; readonly part: Part; readonly partAt: number } | CorruptObject {
  const tail = decodeTail(bytes, format);
  if ("kind" in tail) return tail;
  const partAt = bytes.length - tailBytes - tail.partBytes;
  if (partAt < 0) return corrupt(format, `the ${format.part} is cut off`);
  if (uint32At(bytes, bytes.length - 4) !== crc32c(bytes, partAt, bytes.length - 4)) {
    return corrupt(format, "the CRC does not hold");
  }
  const reader = createByteReader(bytes.subarray(partAt, bytes.length - tailBytes));
  const part = read(reader);
  if (!isExhausted(reader)) return corrupt(format, "the counts do not fit");
  return { kind: "read", part, partAt };
}

export const corrupt = ({ object, part }: TailFormat, message: string): CorruptObject => ({
  kind: "corrupt",
  message: `${object} ${part}: ${message}`,
});
