import type { DecompressionFailure } from "./codec.ts";

/**
 * What an error thrown by node:zlib says about the input. Node names the bound ERR_BUFFER_TOO_LARGE; zlib's and zstd's own codes (Z_*, ZSTD_*) are about
 * the bytes. Anything else is a bug of ours and goes on.
 */
export const zlibFailure = (error: unknown, codec: string): DecompressionFailure => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return { kind: "tooLarge", message: `${codec} output passes the bound` };
  }
  if (code.startsWith("Z_") || code.startsWith("ZSTD_")) {
    return { kind: "corruptInput", message: `${codec}: ${(error as Error).message}` };
  }
  throw error;
};
