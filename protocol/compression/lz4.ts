import { compressFrameSync, decompressFrameSync } from "lz4-napi";
import type { Decompressed } from "./codec.ts";
import { lz4FrameSize } from "./lz4-frame-size.ts";

/** One LZ4 frame of independent 64 KiB blocks, which is what Java's reader accepts. The library has one level: `compression.lz4.level` does nothing. */
export const compressLz4 = (bytes: Uint8Array): Uint8Array => compressFrameSync(asBuffer(bytes));

/**
 * Reads one LZ4 frame, with or without content size and checksums, blocks independent or linked. The library has no bound on its output, so the frame is
 * measured first; it is decoded only if it fits `maxBytes`.
 */
export const decompressLz4 = (bytes: Uint8Array, maxBytes: number): Decompressed => {
  const measured = lz4FrameSize(bytes, maxBytes);
  if (measured.kind !== "measured") return measured;
  let decoded: Uint8Array;
  try {
    decoded = decompressFrameSync(asBuffer(bytes));
  } catch (error) {
    // The decoder throws for one reason only: a checksum or a reference back does not hold.
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "corruptInput", message: `lz4: ${message}` };
  }
  if (decoded.length !== measured.size) {
    return { kind: "corruptInput", message: `lz4: ${decoded.length} bytes, not ${measured.size}` };
  }
  return { kind: "decompressed", bytes: decoded };
};

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
