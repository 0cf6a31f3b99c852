import type { FileHandle } from "node:fs/promises";
import type { DiskFile } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";
import { asDiskError, toDiskError } from "./disk-error.ts";
import { createFileOrder } from "./file-order.ts";
import type { WalThread } from "./wal-thread.ts";
import { isShared } from "./wal-thread.ts";
import { remainingChunks, shortWrite } from "./write-all.ts";

let nextFileNumber = 1;

const wholeFile = { from: 0, to: Number.MAX_SAFE_INTEGER };

/** `walThread` starts the disk's thread at the first write of shared memory. */
export function createNodeDiskFile(handle: FileHandle, walThread: () => WalThread): DiskFile {
  const target = { file: nextFileNumber++, fd: handle.fd };
  const order = createFileOrder();
  let usesThread = false;
  let closing: Promise<void> | null = null;
  let flushFailure: DiskError | null = null;

  function assertUsable(): void {
    if (closing !== null) throw new DiskError("closed", "the file is closed");
  }

  function assertWritable(): void {
    if (flushFailure !== null) throw flushFailure;
  }

  async function writeByPool(chunks: readonly Uint8Array[], position: number): Promise<void> {
    assertWritable();
    await asDiskError(writeAll(handle, chunks, position));
  }

  async function flushOnce(): Promise<void> {
    assertWritable();
    try {
      await (usesThread ? walThread().flush(target) : handle.datasync());
    } catch (error) {
      flushFailure = toDiskError(error);
      throw flushFailure;
    }
  }

  return {
    async size() {
      assertUsable();
      const size = async (): Promise<number> => (await asDiskError(handle.stat())).size;
      return order.add({ kind: "size", ...wholeFile, onThread: false }, size);
    },
    async write(chunks, position) {
      assertUsable();
      const to = chunks.reduce((end, chunk) => end + chunk.byteLength, position);
      if (to === position) return;
      const onThread = chunks.some(isShared);
      usesThread ||= onThread;
      const run = (): Promise<void> =>
        onThread ? walThread().write(target, chunks, position) : writeByPool(chunks, position);
      await order.add({ kind: "write", from: position, to, onThread }, run);
    },
    async flush() {
      assertUsable();
      await order.add({ kind: "flush", ...wholeFile, onThread: usesThread }, flushOnce);
    },
    async read(into, position) {
      assertUsable();
      const to = position + into.byteLength;
      return order.add({ kind: "read", from: position, to, onThread: false }, () =>
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
