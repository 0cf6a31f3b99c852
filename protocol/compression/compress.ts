import assert from "node:assert";
import type { Codec, Decompressed } from "./codec.ts";
import { compressGzip, decompressGzip } from "./gzip.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";

/** The records of a batch, compressed. `level` is the codec's own scale; gzip and zstd have one. `none` gives the same bytes, not a copy. */
export const compress = (codec: Codec, bytes: Uint8Array, level?: number): Uint8Array => {
  switch (codec) {
    case "none":
      return bytes;
    case "gzip":
      return compressGzip(bytes, level);
    case "snappy":
      return compressSnappy(bytes);
    case "lz4":
      return compressLz4(bytes);
    case "zstd":
      return compressZstd(bytes, level);
  }
};

/**
 * The inverse, on bytes from anywhere. At most `maxBytes` come out: a few hundred bytes can ask for gigabytes, so a decoder stops at the bound and says
 * `tooLarge`. `none` gives the same bytes, not a copy.
 */
export const decompress = (codec: Codec, bytes: Uint8Array, maxBytes: number): Decompressed => {
  assert(maxBytes >= 1, "a bound of at least one byte");
  switch (codec) {
    case "none":
      return bytes.length > maxBytes
        ? { kind: "tooLarge", message: "the records pass the bound" }
        : { kind: "decompressed", bytes };
    case "gzip":
      return decompressGzip(bytes, maxBytes);
    case "snappy":
      return decompressSnappy(bytes, maxBytes);
    case "lz4":
      return decompressLz4(bytes, maxBytes);
    case "zstd":
      return decompressZstd(bytes, maxBytes);
  }
};
