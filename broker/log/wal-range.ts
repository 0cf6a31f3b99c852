import { assert } from "../assert.ts";
import { DiskPieces, planPiece, smallestSlice, type PiecePlan } from "./disk-pieces.ts";
import { copyOut, hasBytes, pinRanges, slicesOf, unpin } from "./hot-ring.ts";
import type { LogRange, MaterialisedBytes } from "./log-range.ts";
import { LogReadError } from "./partition-log.ts";
import type { PieceBuffer } from "./piece-buffers.ts";
import type { QueuedRange } from "./reading.ts";
import type { StoredLog } from "./stored-log.ts";
import { pinFile, unpinFile, type WalFile } from "./wal-file.ts";
import type { Wal } from "./wal.ts";

type Ahead = {
  readonly from: number;
  readonly arriving: Promise<MaterialisedBytes>;
  piece: MaterialisedBytes | null;
};

/** Collects the batches of one log that an answer gives. */
export class WalRange implements LogRange, QueuedRange {
  byteLength = 0;
  giveUp: () => void = () => undefined;
  readonly pinned: WalFile[] = [];
  readonly #log: StoredLog;
  readonly #files: WalFile[] = [];
  /** In the file, of the batch. */
  readonly #positions: number[] = [];
  readonly #sizes: number[] = [];
  #disk: DiskPieces | null = null;
  /** The batch `materialise` was last at, and where in the range it begins. */
  #at = 0;
  #startOfAt = 0;
  #ahead: Ahead | null = null;
  #isReading = false;
  #isReleased = false;

  constructor(log: StoredLog) {
    this.#log = log;
  }

  add(file: WalFile, position: number, size: number): void {
    if (this.#files.at(-1) !== file && !this.pinned.includes(file)) {
      pinFile(file);
      this.pinned.push(file);
    }
    this.#files.push(file);
    this.#positions.push(position);
    this.#sizes.push(size);
    this.byteLength += size;
  }

  queued(giveUp: () => void): void {
    assert(!this.#isReleased, "a range stands in line before it is released");
    this.giveUp = giveUp;
    this.#log.context.wal.reading.queued.add(this);
  }

  materialise(from: number, maxBytes: number): MaterialisedBytes | Promise<MaterialisedBytes> {
    assert(!this.#isReleased, "a range is read before it is released");
    assert(from >= 0 && from < this.byteLength && maxBytes > 0, "a piece of the range");
    const ahead = this.#ahead;
    if (ahead !== null) {
      assert(ahead.from === from, "what was read ahead comes next");
      this.#ahead = null;
      return ahead.piece ?? ahead.arriving;
    }
    assert(!this.#isReading, "a range is read piece by piece");
    this.#goTo(from);
    return this.#fromMemory(from, maxBytes) ?? this.#fromDisk(from, maxBytes);
  }

  readAhead(from: number, maxBytes: number): void {
    if (this.#ahead !== null || this.#isReading || this.#isReleased) return;
    if (from >= this.byteLength) return;
    const { buffers } = this.#log.context.wal.reading;
    this.#goTo(from);
    if (this.#isInRing(this.#at, from - this.#startOfAt, 1) || !buffers.hasPlenty) return;
    const plan = this.#plan(from, maxBytes);
    const buffer = buffers.tryTake(plan.bufferBytes, this.giveUp);
    if (buffer === null) return;
    const ahead: Ahead = { from, arriving: this.#read(plan, buffer), piece: null };
    ahead.arriving.then(
      (piece) => (ahead.piece = piece),
      // Whoever asks for it is told.
      () => undefined,
    );
    this.#ahead = ahead;
  }

  #goTo(from: number): void {
    if (from < this.#startOfAt) this.#at = this.#startOfAt = 0;
    while (from >= this.#startOfAt + this.#sizes[this.#at]!) {
      this.#startOfAt += this.#sizes[this.#at]!;
      this.#at += 1;
    }
  }

  #isInRing(place: number, skip: number, byteLength: number): boolean {
    const { address } = this.#files[place]!;
    const { ring } = this.#log.context.wal;
    return address !== null && hasBytes(ring, address + this.#positions[place]! + skip, byteLength);
  }

  /** What of it is in the ring, in one go from `from`; null if the first batch is not. */
  #fromMemory(from: number, maxBytes: number): MaterialisedBytes | null {
    const ranges: { address: number; byteLength: number }[] = [];
    const { slabBytes } = this.#log.context.wal.reading.buffers;
    let skip = from - this.#startOfAt;
    let smallBytes = 0;
    let left = maxBytes;
    for (let place = this.#at; place < this.#sizes.length && left > 0; place += 1) {
      const byteLength = Math.min(this.#sizes[place]! - skip, left);
      if (!this.#isInRing(place, skip, byteLength)) break;
      if (byteLength < smallestSlice) {
        if (smallBytes + byteLength > slabBytes) break;
        smallBytes += byteLength;
      }
      const address = this.#files[place]!.address! + this.#positions[place]! + skip;
      ranges.push({ address, byteLength });
      left -= byteLength;
      skip = 0;
    }
    if (ranges.length === 0) return null;
    return takeFromRing(this.#log.context.wal, ranges, { smallBytes, giveUp: this.giveUp });
  }

  #plan(from: number, maxBytes: number): PiecePlan {
    const place = { place: this.#at, skip: from - this.#startOfAt };
    return planPiece(this.#batches(), place, maxBytes);
  }

  #batches() {
    return {
      log: this.#log,
      files: this.#files,
      positions: this.#positions,
      sizes: this.#sizes,
    };
  }

  async #fromDisk(from: number, maxBytes: number): Promise<MaterialisedBytes> {
    const { buffers } = this.#log.context.wal.reading;
    // While many read at once, everyone gets less at a time.
    const most = buffers.hasPlenty ? maxBytes : Math.min(maxBytes, buffers.fairBytes);
    const plan = this.#plan(from, most);
    const buffer = buffers.tryTake(plan.bufferBytes, this.giveUp);
    return this.#read(plan, buffer ?? (await buffers.take(plan.bufferBytes, this.giveUp)));
  }

  async #read(plan: PiecePlan, buffer: PieceBuffer): Promise<MaterialisedBytes> {
    const file = this.#files[plan.place]!;
    const isLate = this.#isReleased;
    // Also after `release`: the file must not be recycled under the read.
    if (!isLate) pinFile(file);
    this.#isReading = true;
    try {
      if (isLate) throw new LogReadError("the range was let go of while it waited for memory");
      this.#disk ??= new DiskPieces(this.#batches());
      const chunks = await this.#disk.read(plan, buffer.bytes);
      buffer.filled();
      return { chunks, byteLength: plan.count, release: () => buffer.release() };
    } catch (error) {
      buffer.release();
      throw error;
    } finally {
      this.#isReading = false;
      if (!isLate) unpinFile(file);
    }
  }

  release(): void {
    assert(!this.#isReleased, "a range is released once");
    this.#isReleased = true;
    const { queued } = this.#log.context.wal.reading;
    queued.delete(this);
    this.#ahead?.arriving.then(
      (piece) => piece.release(),
      () => undefined,
    );
    this.#ahead = null;
    for (const file of this.pinned) unpinFile(file);
  }
}

/** Large pieces as slices of the ring, pinned; neighbouring small ones copied together, unless there is no memory for that. */
const takeFromRing = (
  wal: Wal,
  ranges: readonly { address: number; byteLength: number }[],
  options: { smallBytes: number; giveUp: () => void },
): MaterialisedBytes => {
  const { ring, reading } = wal;
  const { smallBytes, giveUp } = options;
  const buffer = smallBytes > 0 ? reading.buffers.tryTake(smallBytes, giveUp) : null;
  const chunks: Uint8Array[] = [];
  const pinnedRanges: { address: number; byteLength: number }[] = [];
  let byteLength = 0;
  let copied = 0;
  let copiedFrom = 0;
  const endCopy = (): void => {
    if (copied > copiedFrom) chunks.push(buffer!.bytes.subarray(copiedFrom, copied));
    copiedFrom = copied;
  };
  for (const range of ranges) {
    byteLength += range.byteLength;
    if (range.byteLength < smallestSlice && buffer !== null) {
      copyOut(ring, range.address, range.byteLength, buffer.bytes.subarray(copied));
      copied += range.byteLength;
      continue;
    }
    endCopy();
    chunks.push(...slicesOf(ring, range.address, range.byteLength)!);
    pinnedRanges.push(range);
  }
  endCopy();
  buffer?.filled();
  const pin = pinnedRanges.length > 0 ? pinRanges(ring, pinnedRanges, giveUp) : null;
  return {
    chunks,
    byteLength,
    release() {
      if (pin !== null) unpin(ring, pin);
      buffer?.release();
    },
  };
};
