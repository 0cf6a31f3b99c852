import { openHandle, type WalFile } from "./wal-file.ts";
import type { Wal } from "./wal.ts";

// What is written of a file beyond its entries, only to make the writing of entries cheap.

const blockBytes = 4096;

const zeroBlock = new Uint8Array(new SharedArrayBuffer(blockBytes));

/**
 * Zeros that complete the last block of a write. The kernel reads a block from the disk before it changes a part of it, unless it has it in memory, and of a
 * file used again after a long time it has not: 57 us for a write of 16 KB instead of 8, on a disk that reads in 50.
 */
export function blockPadding(file: WalFile, end: number): Uint8Array | null {
  const padded = Math.min(Math.ceil(end / blockBytes) * blockBytes, file.fileBytes);
  return padded === end ? null : zeroBlock.subarray(0, padded - end);
}

/** What the files in use will still take of the disk, footers and all. */
export function growingBytes(wal: Wal): number {
  const files = wal.next === null ? wal.files : [...wal.files, wal.next];
  return files.reduce((sum, { footer, fileBytes, allocatedEnd, writtenEnd }) => {
    return footer !== null ? sum : sum + fileBytes - Math.max(allocatedEnd, writtenEnd);
  }, 0);
}

/** Flushes of less than this are many: each saves the file system's own commit (0.09 ms instead of 0.16 here), which is worth writing the bytes twice. */
const smallFlushBytes = 64 * 1024;
const stepBytes = 512 * 1024;
/** What is appended while zeros are written must not wait for them, so they begin this far ahead. */
const leadBytes = 64 * 1024;

const zeros = new Uint8Array(stepBytes);

/** After a flush that someone waited for: has a new file grow ahead of its entries, in steps, so that the next flushes find its blocks there. */
export function growAhead(wal: Wal, file: WalFile, flushedBytes: number): void {
  if (flushedBytes > smallFlushBytes || file !== wal.current || wal.isClosed) return;
  if (file.allocatedEnd - file.end >= 2 * leadBytes) return;
  const nearest = Math.ceil((file.end + leadBytes) / blockBytes) * blockBytes;
  const from = Math.max(file.allocatedEnd, nearest);
  const to = Math.min(from + stepBytes, file.fileBytes);
  if (from >= to) return;
  file.allocatedEnd = to;
  void writeZeros(wal, file, { from, to });
}

async function writeZeros(
  wal: Wal,
  file: WalFile,
  { from, to }: { from: number; to: number },
): Promise<void> {
  try {
    const handle = await openHandle(wal.disk, file);
    await handle.write([zeros.subarray(0, to - from)], from);
  } catch {
    // They are not needed. Whatever is wrong with the file, the next commit finds out and says so.
  }
}
