import { assert } from "../assert.ts";
import { copyOut, hasBytes, pinRanges, slicesOf, unpin } from "./hot-ring.ts";
import type { LogRange, MaterialisedBytes } from "./log-range.ts";
import { LogReadError } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";
import { entryHeaderBytes, isBatchOfEntry, readEntryHeader } from "./wal-entry.ts";
import { openHandle, pinFile, readFully, unpinFile, type WalFile } from "./wal-file.ts";
import type { Wal } from "./wal.ts";

/** Below this a slice costs more than a copy: each is an element of a writev, and keeps a chunk of the ring from being used again. */
const smallestSlice = 4096;
/** Batches closer together than this are read from disk in one go, with what lies between. */
const widestGap = 64 * 1024;

/** Collects the batches of one log that an answer gives. */
export class WalRange implements LogRange {
  byteLength = 0;
  readonly #log: StoredLog;
  readonly #files: WalFile[] = [];
  readonly #pinned = new Set<WalFile>();
  /** In the file, of the batch. */
  readonly #positions: number[] = [];
  readonly #sizes: number[] = [];
  /** The batch `materialise` was last at, and where in the range it begins. */
  #at = 0;
  #startOfAt = 0;
  /** A batch larger than was asked for at once, read and checked whole. */
  #whole: { place: number; bytes: Uint8Array } | null = null;
  #isReleased = false;

  constructor(log: StoredLog) {
    this.#log = log;
  }

  add(file: WalFile, position: number, size: number): void {
    if (this.#files.at(-1) !== file && !this.#pinned.has(file)) {
      pinFile(file);
      this.#pinned.add(file);
    }
    this.#files.push(file);
    this.#positions.push(position);
    this.#sizes.push(size);
    this.byteLength += size;
  }

  materialise(
    from: number,
    maxBytes: number,
    giveUp: () => void,
  ): MaterialisedBytes | Promise<MaterialisedBytes> {
    assert(!this.#isReleased, "a range is read before it is released");
    assert(from >= 0 && from < this.byteLength && maxBytes > 0, "a piece of the range");
    if (from < this.#startOfAt) this.#at = this.#startOfAt = 0;
    while (from >= this.#startOfAt + this.#sizes[this.#at]!) {
      this.#startOfAt += this.#sizes[this.#at]!;
      this.#at += 1;
    }
    return this.#fromMemory(from, maxBytes, giveUp) ?? this.#fromDisk(from, maxBytes);
  }

  /** What of it is in the ring, in one go from `from`; null if the first batch is not. */
  #fromMemory(from: number, maxBytes: number, giveUp: () => void): MaterialisedBytes | null {
    const { ring } = this.#log.context.wal;
    const ranges: { address: number; byteLength: number }[] = [];
    let skip = from - this.#startOfAt;
    let smallBytes = 0;
    let left = maxBytes;
    for (let place = this.#at; place < this.#sizes.length && left > 0; place += 1) {
      const { address } = this.#files[place]!;
      if (address === null) break;
      const byteLength = Math.min(this.#sizes[place]! - skip, left);
      const start = address + this.#positions[place]! + skip;
      if (!hasBytes(ring, start, byteLength)) break;
      ranges.push({ address: start, byteLength });
      if (byteLength < smallestSlice) smallBytes += byteLength;
      left -= byteLength;
      skip = 0;
    }
    if (ranges.length === 0) return null;
    return takeFromRing(this.#log.context.wal, ranges, { smallBytes, giveUp });
  }

  async #fromDisk(from: number, maxBytes: number): Promise<MaterialisedBytes> {
    const place = this.#at;
    const skip = from - this.#startOfAt;
    if (skip > 0 || this.#sizes[place]! > maxBytes) {
      // A batch is checked whole before any of it is sent, or not at all.
      if (this.#whole?.place !== place) {
        const bytes = await this.#read(place, place + 1);
        this.#whole = { place, bytes: bytes[0]! };
      }
      const end = Math.min(skip + maxBytes, this.#sizes[place]!);
      return unpinned([this.#whole.bytes.subarray(skip, end)]);
    }
    let end = place + 1;
    let left = maxBytes - this.#sizes[place]!;
    while (end < this.#sizes.length && this.#sizes[end]! <= left && this.#isNear(end)) {
      left -= this.#sizes[end]!;
      end += 1;
    }
    return unpinned(await this.#read(place, end));
  }

  /** Whether batch `place` is best read together with the one before. */
  #isNear(place: number): boolean {
    const gap = this.#positions[place]! - this.#positions[place - 1]! - this.#sizes[place - 1]!;
    return this.#files[place] === this.#files[place - 1] && gap >= 0 && gap < widestGap;
  }

  /** Batches [first, end), which lie in one file one behind the other, from disk, each checked. */
  async #read(first: number, end: number): Promise<Uint8Array[]> {
    const log = this.#log;
    const file = this.#files[first]!;
    const start = this.#positions[first]! - entryHeaderBytes;
    const window = Buffer.allocUnsafeSlow(
      this.#positions[end - 1]! + this.#sizes[end - 1]! - start,
    );
    // Also after `release`: the file must not be recycled under the read.
    pinFile(file);
    try {
      const handle = await openHandle(log.context.wal.disk, file);
      if (!(await readFully(handle, window, start))) throw new LogReadError("the file is cut off");
    } finally {
      unpinFile(file);
    }
    const batches: Uint8Array[] = [];
    for (let place = first; place < end; place += 1) {
      const at = this.#positions[place]! - start;
      const bytes = window.subarray(at, at + this.#sizes[place]!);
      if (!isStoredBatch(log, file, { window, at, bytes })) {
        const where = `${file.path} at ${this.#positions[place]}`;
        log.context.onDamage(log, `a batch fails its checks: ${where}`);
        throw new LogReadError(`damaged: ${where}`);
      }
      batches.push(bytes);
    }
    return batches;
  }

  release(): void {
    assert(!this.#isReleased, "a range is released once");
    this.#isReleased = true;
    this.#whole = null;
    for (const file of this.#pinned) unpinFile(file);
  }
}

/** Whether the entry in front of `bytes` is of this file and log, and the batch what it says. */
const isStoredBatch = (
  log: StoredLog,
  file: WalFile,
  read: { window: Uint8Array; at: number; bytes: Uint8Array },
): boolean => {
  const { window, at, bytes } = read;
  const header = readEntryHeader(window, at - entryHeaderBytes, file.sequence);
  return (
    header !== null &&
    header.kind === "append" &&
    header.partition === log.number &&
    isBatchOfEntry(header, bytes)
  );
};

const unpinned = (chunks: Uint8Array[]): MaterialisedBytes => ({
  chunks,
  byteLength: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  release() {},
});

/** Large pieces as slices of the ring, pinned; neighbouring small ones copied together. */
const takeFromRing = (
  wal: Wal,
  ranges: readonly { address: number; byteLength: number }[],
  options: { smallBytes: number; giveUp: () => void },
): MaterialisedBytes => {
  const { ring, scratch } = wal;
  const { smallBytes } = options;
  const buffer = smallBytes > 0 ? scratch.take(smallBytes) : null;
  const chunks: Uint8Array[] = [];
  const pinnedRanges: { address: number; byteLength: number }[] = [];
  let byteLength = 0;
  let copied = 0;
  let copiedFrom = 0;
  const endCopy = (): void => {
    if (copied > copiedFrom) chunks.push(buffer!.subarray(copiedFrom, copied));
    copiedFrom = copied;
  };
  for (const range of ranges) {
    byteLength += range.byteLength;
    if (range.byteLength < smallestSlice) {
      copyOut(ring, range.address, range.byteLength, buffer!.subarray(copied));
      copied += range.byteLength;
      continue;
    }
    endCopy();
    chunks.push(...slicesOf(ring, range.address, range.byteLength)!);
    pinnedRanges.push(range);
  }
  endCopy();
  const pin = pinnedRanges.length > 0 ? pinRanges(ring, pinnedRanges, options.giveUp) : null;
  return {
    chunks,
    byteLength,
    release() {
      if (pin !== null) unpin(ring, pin);
      if (buffer !== null) scratch.give(buffer);
    },
  };
};
