import type { DecompressionFailure } from "./codec.ts";

// Measures what an LZ4 frame decompresses to by walking its blocks' sequences (token, literals, copy) without producing a byte. Reference: the LZ4 frame and
// block format descriptions of the lz4 project.

export type Lz4Measured = { readonly kind: "measured"; readonly size: number };

const frameMagic = 0x184d2204;
const uncompressedBit = 0x8000_0000;

const flag = {
  version: 0xc0,
  versionOne: 0x40,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  reserved: 0x02,
  dictionary: 0x01,
} as const;

/** Sum of all blocks of the one frame that fills `bytes`; `tooLarge` as soon as it passes `maxBytes`. */
export const lz4FrameSize = (
  bytes: Uint8Array,
  maxBytes: number,
): Lz4Measured | DecompressionFailure => {
  const frame = readFrameHeader(bytes);
  if (frame === null) return corrupt("not a frame header this reader knows");
  let at = frame.headerEnd;
  let size = 0;
  for (;;) {
    if (bytes.length - at < 4) return corrupt("the frame has no end mark");
    const word = uint32LittleEndianAt(bytes, at);
    at += 4;
    if (word === 0) break;
    const length = word & ~uncompressedBit;
    if (length > frame.maxBlockBytes || length > bytes.length - at) {
      return corrupt(`a block of ${length} bytes does not fit`);
    }
    const blockSize = word >= uncompressedBit ? length : lz4BlockSize(bytes, at, at + length);
    if (blockSize === null || blockSize > frame.maxBlockBytes) return corrupt("a broken block");
    size += blockSize;
    if (size > maxBytes) return { kind: "tooLarge", message: "lz4 output passes the bound" };
    at += length + (frame.hasBlockChecksum ? 4 : 0);
  }
  at += frame.hasContentChecksum ? 4 : 0;
  if (at !== bytes.length) return corrupt("the frame does not end where the bytes end");
  if (frame.contentSize !== null && frame.contentSize !== size) {
    return corrupt(`the frame claims ${frame.contentSize} bytes and holds ${size}`);
  }
  return { kind: "measured", size };
};

const corrupt = (message: string): DecompressionFailure => ({
  kind: "corruptInput",
  message: `lz4: ${message}`,
});

type FrameHeader = {
  readonly headerEnd: number;
  readonly maxBlockBytes: number;
  readonly hasBlockChecksum: boolean;
  readonly hasContentChecksum: boolean;
  readonly contentSize: number | null;
};

/** Null for anything but a version 1 frame without a dictionary. The header's own checksum is left to the decoder. */
const readFrameHeader = (bytes: Uint8Array): FrameHeader | null => {
  if (bytes.length < 7 || uint32LittleEndianAt(bytes, 0) !== frameMagic) return null;
  const flags = bytes[4]!;
  const blockSizeCode = bytes[5]! >> 4;
  if ((flags & flag.version) !== flag.versionOne) return null;
  if ((flags & (flag.reserved | flag.dictionary)) !== 0) return null;
  if (blockSizeCode < 4 || blockSizeCode > 7) return null;
  const hasContentSize = (flags & flag.contentSize) !== 0;
  const headerEnd = 7 + (hasContentSize ? 8 : 0);
  if (bytes.length < headerEnd) return null;
  return {
    headerEnd,
    maxBlockBytes: 2 ** (8 + 2 * blockSizeCode),
    hasBlockChecksum: (flags & flag.blockChecksum) !== 0,
    hasContentChecksum: (flags & flag.contentChecksum) !== 0,
    contentSize: hasContentSize
      ? uint32LittleEndianAt(bytes, 6) + uint32LittleEndianAt(bytes, 10) * 0x1_0000_0000
      : null,
  };
};

/** What the compressed block `bytes[at, end)` decompresses to, or null if its sequences do not end where it ends. */
const lz4BlockSize = (bytes: Uint8Array, at: number, end: number): number | null => {
  let size = 0;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let byte = 255;
      while (byte === 255 && at < end) literals += byte = bytes[at++]!;
      if (byte === 255) return null;
    }
    if (literals > end - at) return null;
    at += literals;
    size += literals;
    // The last sequence is literals only.
    if (at === end) return size;
    at += 2;
    let copied = (token & 0x0f) + 4;
    if (copied === 19) {
      let byte = 255;
      while (byte === 255 && at < end) copied += byte = bytes[at++]!;
      if (byte === 255) return null;
    }
    size += copied;
  }
  return null;
};

const uint32LittleEndianAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
