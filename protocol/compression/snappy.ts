import assert from "node:assert";
import { compressSync, uncompressSync } from "snappy";
import type { Decompressed, DecompressionFailure } from "./codec.ts";

// Java clients frame snappy the way xerial's snappy-java streams do: a 16-byte header, then chunks of {length int32, raw snappy block}. Others (librdkafka,
// some Go clients) send one raw block. Kafka's consumers read both, so both are read here; the framed form is written, which every client reads.

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** Magic, version 1, oldest compatible version 1. */
const header = Buffer.concat([magic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
/** Input per block; snappy-java's default. */
const blockBytes = 32 * 1024;

/**
 * Three bytes of snappy (a copy with a two-byte offset) make at most 64. A block that claims more is broken, and is refused before its claim is allocated.
 */
const maxExpansion = 64 / 3;

/**
 * Clients write chunks of some 32 KiB, and smaller ones where they flush. Each costs a call of some 3 us, so a megabyte of chunks with nothing in them
 * must not be read: a thousand are, and beyond that one per 64 bytes.
 */
const maxChunks = (streamBytes: number): number => 1_000 + streamBytes / 64;

export const compressSnappy = (bytes: Uint8Array): Uint8Array => {
  const parts: Uint8Array[] = [header];
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = compressSync(bytes.subarray(at, at + blockBytes));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
};

/** Reads xerial-framed or raw snappy; stops at `maxBytes` of output in all. */
export const decompressSnappy = (bytes: Uint8Array, maxBytes: number): Decompressed => {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!startsWithMagic(input, 0)) return decompressBlock(input, maxBytes);
  const blocks: Uint8Array[] = [];
  let total = 0;
  let at = 0;
  while (at < input.length) {
    // snappy-java allows another header between chunks, where streams were put one behind the other.
    if (startsWithMagic(input, at)) {
      if (input.length - at < header.length) return corrupt("a stream header is cut off");
      at += header.length;
      continue;
    }
    if (input.length - at < 4) return corrupt("a chunk length is cut off");
    if (blocks.length >= maxChunks(input.length)) return corrupt("too many chunks");
    const length = input.readInt32BE(at);
    at += 4;
    if (length <= 0 || length > input.length - at) {
      return corrupt(`a chunk of ${length} bytes in ${input.length - at}`);
    }
    const block = decompressBlock(input.subarray(at, at + length), maxBytes - total);
    if (block.kind !== "decompressed") return block;
    blocks.push(block.bytes);
    total += block.bytes.length;
    at += length;
  }
  return { kind: "decompressed", bytes: blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks) };
};

const startsWithMagic = (input: Buffer, at: number): boolean =>
  input.length - at >= magic.length &&
  input.compare(magic, 0, magic.length, at, at + magic.length) === 0;

const corrupt = (message: string): DecompressionFailure => ({
  kind: "corruptInput",
  message: `snappy: ${message}`,
});

const decompressBlock = (block: Buffer, maxBytes: number): Decompressed => {
  const claimed = claimedLength(block);
  if (claimed === null || claimed > block.length * maxExpansion) {
    return corrupt("a block claims more than it can hold");
  }
  if (claimed > maxBytes) return { kind: "tooLarge", message: "snappy output passes the bound" };
  try {
    const bytes = uncompressSync(block, { asBuffer: true });
    assert(typeof bytes !== "string", "asBuffer gives a buffer");
    return { kind: "decompressed", bytes };
  } catch (error) {
    // The decoder throws for one reason only: the block is not snappy.
    return corrupt(error instanceof Error ? error.message : String(error));
  }
};

/** The decompressed length at the start of a raw block (a little-endian base-128 uint32), or null. */
const claimedLength = (block: Uint8Array): number | null => {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block[index];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return value;
  }
  return null;
};
