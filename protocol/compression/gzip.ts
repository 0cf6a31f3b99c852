import { constants, gunzipSync, gzipSync } from "node:zlib";
import type { Decompressed } from "./codec.ts";
import { zlibFailure } from "./zlib-failure.ts";

export const compressGzip = (
  bytes: Uint8Array,
  level: number = constants.Z_DEFAULT_COMPRESSION,
): Uint8Array => gzipSync(bytes, { level });

/** Reads one gzip member or several in a row; stops at `maxBytes` of output. */
export const decompressGzip = (bytes: Uint8Array, maxBytes: number): Decompressed => {
  try {
    return { kind: "decompressed", bytes: gunzipSync(bytes, { maxOutputLength: maxBytes }) };
  } catch (error) {
    return zlibFailure(error, "gzip");
  }
};
