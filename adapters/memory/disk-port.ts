import type { Disk, DiskFile } from "../../ports/disk.ts";
import { DiskError } from "../../ports/disk.ts";
import type { DiskOperation } from "./disk-faults.ts";
import type { DiskContents } from "./disk-space.ts";
import {
  existingFile,
  freeBytes,
  listDirectory,
  makeDirectories,
  replaceFile,
  writeWhatFits,
} from "./disk-space.ts";
import type { StoredFile } from "./stored-file.ts";

/** A call on a disk: what it does, apart from when it does it and whether it succeeds. */
export type DiskCall<T = unknown> = {
  readonly operation: DiskOperation;
  readonly path: string;
  /** The other name of a rename. */
  readonly otherPath: string | null;
  /** The bytes [from, to) of the file that are read or written; all of it for anything else. */
  readonly from: number;
  readonly to: number;
  /** A flush that writes pass. */
  readonly isBesideWrites: boolean;
  /** Takes effect, at once, or throws DiskError. A write takes `maxBytes` of its bytes at most. */
  readonly effect: (maxBytes?: number) => T;
  /** The disk has taken the call up, some time before it takes effect or fails. */
  readonly begun: () => void;
  /** The disk reports a failure instead: what that does to the file. */
  readonly failed: () => void;
};

/** Decides when a call takes effect, and whether; settles as the call does. */
export type SubmitDiskCall = <T>(call: DiskCall<T>) => Promise<T>;

export type DiskPortOptions = {
  readonly contents: DiskContents;
  readonly submit: SubmitDiskCall;
  /** Takes the lock for this port's process; null if another holds it. */
  readonly takeLock: (path: string) => (() => void) | null;
};

/** The Disk port over what is stored in memory. */
export function createDiskPort(options: DiskPortOptions): Disk {
  const { contents, submit } = options;
  const { files } = contents;
  const call = <T>(operation: DiskOperation, path: string, effect: () => T): Promise<T> =>
    submit(wholeFileCall(operation, path, effect));
  return {
    makeDirectory: (path) => call("makeDirectory", path, () => makeDirectories(contents, path)),
    list: (path) => call("list", path, () => listDirectory(contents, path)),
    readFile: (path) =>
      call("readFile", path, () => {
        const file = files.get(path);
        if (file === undefined) return null;
        const bytes = new Uint8Array(file.size());
        file.read(bytes, 0);
        return bytes;
      }),
    writeFile(path, bytes) {
      const copy = bytes.slice();
      return call("writeFile", path, () => replaceFile(contents, path, copy));
    },
    remove: (path) => call("remove", path, () => void files.delete(path)),
    rename: (from, to) =>
      submit({
        ...wholeFileCall("rename", from, () => {
          files.set(to, existingFile(contents, from));
          files.delete(from);
        }),
        otherPath: to,
      }),
    open: (path, { create = false } = {}) =>
      call("open", path, () => {
        if (create && !files.has(path)) replaceFile(contents, path, new Uint8Array(0));
        return openFile(options, path, existingFile(contents, path));
      }),
    lock: (path) =>
      call("lock", path, () => {
        const release = options.takeLock(path);
        return release === null ? null : lockHandle(release);
      }),
    bootId: (path) => call("bootId", path, () => contents.bootId),
    freeBytes: (path) => call("freeBytes", path, () => freeBytes(contents)),
  };
}

function lockHandle(release: () => void): { close(): Promise<void> } {
  let isHeld = true;
  return {
    async close() {
      if (isHeld) release();
      isHeld = false;
    },
  };
}

function nothing(): void {}

function wholeFileCall<T>(operation: DiskOperation, path: string, effect: () => T): DiskCall<T> {
  return {
    operation,
    path,
    otherPath: null,
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
    isBesideWrites: false,
    effect,
    begun: nothing,
    failed: nothing,
  };
}

function openFile({ contents, submit }: DiskPortOptions, path: string, file: StoredFile): DiskFile {
  const pending = new Set<Promise<unknown>>();
  let isClosed = false;
  let flushFailure: unknown = null;

  function add<T>(call: DiskCall<T>): Promise<T> {
    if (isClosed) return Promise.reject(new DiskError("closed", `${path} is closed`));
    const result = submit(call);
    pending.add(result);
    const forget = (): void => void pending.delete(result);
    result.then(forget, forget);
    return result;
  }
  const assertNoFlushFailed = (): void => {
    if (flushFailure !== null) throw flushFailure;
  };
  return {
    size: () => add(wholeFileCall("size", path, () => file.size())),
    write(chunks, position) {
      const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      return add({
        ...wholeFileCall("write", path, nothing),
        from: position,
        to: position + length,
        effect(maxBytes = length) {
          assertNoFlushFailed();
          writeWhatFits(contents, file, { chunks, position, length, maxBytes });
        },
      });
    },
    async flush(options) {
      const isUsable = !isClosed;
      try {
        await add({
          ...wholeFileCall("flush", path, () => {
            assertNoFlushFailed();
            file.flush();
          }),
          isBesideWrites: options?.besideWrites === true,
          begun: () => file.beginFlush(),
          failed: () => file.failFlush(),
        });
      } catch (error) {
        if (isUsable) flushFailure ??= error;
        throw error;
      }
    },
    read: (target, position) =>
      add({
        ...wholeFileCall("read", path, () => file.read(target, position)),
        from: position,
        to: position + target.byteLength,
      }),
    async close() {
      isClosed = true;
      while (pending.size > 0) await Promise.allSettled(pending);
    },
  };
}
