import { writevSync } from "node:fs";
import { DiskError } from "../../ports/disk.ts";

/** Chunks per system call, at most (IOV_MAX on Linux and macOS). */
const maxChunksPerCall = 1024;

/** The next chunks to write, `written` bytes into `chunks`; empty once all are written. */
export function remainingChunks(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skip = written;
  for (const chunk of chunks) {
    if (rest.length === maxChunksPerCall) break;
    if (skip >= chunk.byteLength) skip -= chunk.byteLength;
    else {
      rest.push(chunk.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}

/** Writes every byte. After a short write the rest is tried, which succeeds or says why it was short (on a full disk: ENOSPC). */
export function writeAllSync(fd: number, chunks: readonly Uint8Array[], position: number): void {
  let written = 0;
  for (let rest = remainingChunks(chunks, 0); rest.length > 0;) {
    const count = writevSync(fd, rest, position + written);
    if (count === 0) throw shortWrite();
    written += count;
    rest = remainingChunks(chunks, written);
  }
}

export function shortWrite(): DiskError {
  return new DiskError("io", "the system wrote fewer bytes than it was given");
}
