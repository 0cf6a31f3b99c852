import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Decompressed } from "./codec.ts";
import { zlibFailure } from "./zlib-failure.ts";

/** Kafka's default for `compression.zstd.level`, and zstd's. */
const defaultLevel = 3;

/**
 * Windows up to 128 MiB, as zstd-jni (the Java clients) reads them: level 22 writes such frames. zstd reserves the window a header claims, but touches only
 * what it fills, so the output's bound holds for the memory used as well.
 */
const maxWindowLog = 27;

export const compressZstd = (bytes: Uint8Array, level: number = defaultLevel): Uint8Array =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } });

/** Clients write one frame. Each costs a decoder context, some 80 us, so a batch of ten thousand empty frames must not be read. */
const maxFrames = 16;

/** Reads one zstd frame or a few in a row; stops at `maxBytes` of output in all. */
export const decompressZstd = (bytes: Uint8Array, maxBytes: number): Decompressed => {
  const frames: Uint8Array[] = [];
  let at = 0;
  let total = 0;
  try {
    do {
      if (frames.length === maxFrames) {
        return { kind: "corruptInput", message: `zstd: more than ${maxFrames} frames` };
      }
      // The bound is at least 1 for Node; one byte over ours is caught below.
      const { buffer, engine } = decodeFrame(bytes.subarray(at), Math.max(maxBytes - total, 1));
      frames.push(buffer);
      total += buffer.length;
      at += engine.bytesWritten;
      if (total > maxBytes) return { kind: "tooLarge", message: "zstd output passes the bound" };
    } while (at < bytes.length);
  } catch (error) {
    return zlibFailure(error, "zstd");
  }
  return { kind: "decompressed", bytes: frames.length === 1 ? frames[0]! : Buffer.concat(frames) };
};

type FrameRead = { buffer: Uint8Array; engine: { bytesWritten: number } };

/** Decodes the first frame. Node ignores what follows it; only the engine, given with `info`, knows how far it read. */
const decodeFrame = (bytes: Uint8Array, maxOutputLength: number): FrameRead => {
  const options = {
    info: true,
    maxOutputLength,
    params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
  };
  // @types/node gives the result without `info`.
  return zstdDecompressSync(bytes, options) as unknown as FrameRead;
};
