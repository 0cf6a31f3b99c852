/**
 * Local files. Paths are absolute or relative to nothing: callers join them from the directory they were given.
 * Every method rejects with DiskError; `code` says what a caller can do about it.
 */
export type Disk = {
  /** Creates `path` and its parents; when it resolves their entries are on stable storage. */
  makeDirectory(path: string): Promise<void>;
  /** Names of the entries in `path`, sorted; empty if it does not exist. */
  list(path: string): Promise<string[]>;
  /** The whole file, or null if it does not exist. For small files only. */
  readFile(path: string): Promise<Uint8Array | null>;
  /** Replaces the file atomically: after a crash it holds the old bytes or the new, and once this resolves, the new. Files ending in ".unfinished" are its own. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file durably; nothing happens if it does not exist. */
  remove(path: string): Promise<void>;
  /** Renames within one directory, durably, replacing the target. */
  rename(from: string, to: string): Promise<void>;
  /** Opens for reading and writing. `create` makes an empty file whose directory entry is durable. */
  open(path: string, options?: { create?: boolean }): Promise<DiskFile>;
  /** Takes the exclusive lock `path`, across processes; null if another holder lives. Released by close or process end. */
  lock(path: string): Promise<{ close(): Promise<void> } | null>;
  /** Identity of this kernel boot and file system, or null where the platform cannot tell. Same value: completed writes survived. */
  bootId(path: string): Promise<string | null>;
  /** Bytes free for this process on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
};

/**
 * One open file. Operations on one file take effect as if in the order they were called, without awaiting each other: a read may pass a write of other
 * bytes, so that reading old data never holds up the WAL.
 */
export type DiskFile = {
  /** Current size in bytes. */
  size(): Promise<number>;
  /**
   * Writes the chunks one behind the other from byte `position`. Resolves when the kernel has taken every byte; a short write rejects.
   * The chunks must stay unchanged until then. Chunks over a SharedArrayBuffer are written off the main thread, unless handing them over costs more than
   * writing them.
   */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * Makes everything written before this call durable (fdatasync). A failure is final: every later write and flush of the file rejects. `besideWrites`: writes
   * called after it do not wait for it, only the next flush does.
   */
  flush(options?: { readonly besideWrites: boolean }): Promise<void>;
  /** Fills `target` from byte `position`; resolves with the count read, less than asked only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
};

/** `full`: no space or quota. `gone`: no such file. `closed`: used after close, or whatever does the writing has ended; no later call succeeds. `io`: anything else the system reports. */
export type DiskErrorCode = "full" | "gone" | "closed" | "io";

export class DiskError extends Error {
  readonly code: DiskErrorCode;
  constructor(code: DiskErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "DiskError";
    this.code = code;
  }
}
