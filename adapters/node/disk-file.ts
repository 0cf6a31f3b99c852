import type { FileHandle } from "node:fs/promises";
import type { DiskFile } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";
import { asDiskError } from "./disk-error.ts";
import { createFileFlushes } from "./file-flushes.ts";
import { createFileOrder } from "./file-order.ts";
import { isShared } from "./wal-thread.ts";
import type { WalWriter } from "./wal-writer.ts";
import { remainingChunks, shortWrite } from "./write-all.ts";

let nextFileNumber = 1;

const wholeFile = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** `walWriter` writes shared memory. */
export function createNodeDiskFile(handle: FileHandle, walWriter: WalWriter): DiskFile {
  const target = { file: nextFileNumber++, fd: handle.fd };
  const order = createFileOrder();
  let hasWritten = false;
  let closing: Promise<void> | null = null;
  const flushes = createFileFlushes();

  function assertUsable(): void {
    if (closing !== null) throw new DiskError("closed", "the file is closed");
  }

  const sync = (): Promise<void> => handle.datasync();

  return {
    async size() {
      assertUsable();
      const size = async (): Promise<number> => (await asDiskError(handle.stat())).size;
      return order.add({ kind: "size", ...wholeFile, ofWal: false }, size);
    },
    async write(chunks, position) {
      assertUsable();
      const to = chunks.reduce((end, chunk) => end + chunk.byteLength, position);
      if (to === position) return;
      const ofWal = chunks.some(isShared);
      hasWritten ||= ofWal;
      const run = async (): Promise<void> => {
        flushes.assertWritable();
        await (ofWal
          ? walWriter.write(target, chunks, position)
          : asDiskError(writeAll(handle, chunks, position)));
      };
      await order.add({ kind: "write", from: position, to, ofWal }, run);
    },
    async flush(options) {
      assertUsable();
      if (options?.besideWrites === true) {
        // By one of libuv's threads: the WAL's has the writes to do.
        const flushBeside = () => flushes.flushBesideWrites(sync);
        await order.add({ kind: "flush", ...wholeFile, ofWal: false }, flushBeside);
        return;
      }
      const byWhom = hasWritten ? () => walWriter.flush(target) : sync;
      const flush = () => flushes.flush(byWhom);
      await order.add({ kind: "flush", ...wholeFile, ofWal: hasWritten }, flush);
    },
    async read(into, position) {
      assertUsable();
      const to = position + into.byteLength;
      return order.add({ kind: "read", from: position, to, ofWal: false }, () =>
        asDiskError(readFully(handle, into, position)),
      );
    },
    close() {
      closing ??= order.idle().then(() => asDiskError(handle.close()));
      return closing;
    },
  };
}

async function writeAll(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let written = 0;
  for (let rest = remainingChunks(chunks, 0); rest.length > 0;) {
    const { bytesWritten } = await handle.writev(rest, position + written);
    if (bytesWritten === 0) throw shortWrite();
    written += bytesWritten;
    rest = remainingChunks(chunks, written);
  }
}

async function readFully(
  handle: FileHandle,
  target: Uint8Array,
  position: number,
): Promise<number> {
  let count = 0;
  while (count < target.byteLength) {
    const options = {
      offset: count,
      length: target.byteLength - count,
      position: position + count,
    };
    const { bytesRead } = await handle.read(target, options);
    if (bytesRead === 0) break;
    count += bytesRead;
  }
  return count;
}
