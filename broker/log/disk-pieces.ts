import {
  baseOffsetAt,
  batchField,
  batchHeaderBytes,
  batchSizeAt,
  crcAt,
  currentMagic,
  isCrcValidAt,
  leaderEpochAt,
  magicAt,
} from "../../protocol/records/batch.ts";
import { isSafeInt64At } from "../../protocol/records/big-endian.ts";
import { crc32cAfter } from "../../protocol/records/crc32c.ts";
import { LogReadError } from "./partition-log.ts";
import type { StoredLog } from "./stored-log.ts";
import { entryHeaderBytes, readEntryHeader } from "./wal-entry.ts";
import { openHandle, readFully, type WalFile } from "./wal-file.ts";

/** Where the batches of a range are: one place in each column per batch. */
export type StoredBatches = {
  readonly log: StoredLog;
  readonly files: WalFile[];
  /** In the file, of the batch. */
  readonly positions: number[];
  readonly sizes: number[];
};

/** What is read in one go: batches [place, end) whole, or `count` bytes of batch `place` from `skip` on. */
export type PiecePlan = {
  readonly place: number;
  readonly end: number;
  readonly skip: number;
  readonly count: number;
  /** Of the buffer it needs. */
  readonly bufferBytes: number;
};

/** Below this a slice costs more than a copy: each is an element of a writev. */
export const smallestSlice = 4096;
/** Batches closer together than this are read from disk in one go, with what lies between. */
const widestGap = 64 * 1024;

/** From byte `skip` of batch `place` on, as much as fits into one buffer and into `maxBytes`. */
export function planPiece(
  batches: StoredBatches,
  from: { place: number; skip: number },
  maxBytes: number,
): PiecePlan {
  const { log, files, positions, sizes } = batches;
  const { place, skip } = from;
  const size = sizes[place]!;
  const capacity = log.context.wal.reading.buffers.capacityFor(maxBytes);
  if (skip > 0 || size > maxBytes || entryHeaderBytes + size > capacity) {
    const headBytes = skip === 0 ? entryHeaderBytes : 0;
    const most = Math.min(maxBytes, capacity - headBytes);
    // Equal parts: a short last one would cost as much as a long one.
    const count = Math.ceil((size - skip) / Math.ceil((size - skip) / most));
    const bufferBytes = headBytes + Math.max(count, batchHeaderBytes);
    return { place, end: place, skip, count, bufferBytes };
  }
  const start = positions[place]! - entryHeaderBytes;
  let end = place + 1;
  let count = size;
  for (; end < sizes.length && files[end] === files[place]; end += 1) {
    const gap = positions[end]! - positions[end - 1]! - sizes[end - 1]!;
    const isNear = gap >= 0 && gap < widestGap;
    if (!isNear || count + sizes[end]! > maxBytes) break;
    if (positions[end]! + sizes[end]! - start > capacity) break;
    count += sizes[end]!;
  }
  const bufferBytes = positions[end - 1]! + sizes[end - 1]! - start;
  return { place, end, skip: 0, count, bufferBytes };
}

/** How far a batch has been read, and what its bytes so far add up to. */
type BatchCheck = { readonly place: number; next: number; crc: number; readonly expected: number };

/**
 * Reads the batches of a range from disk and checks them: small ones before any of their bytes are given, one larger than a buffer as it goes by, so that
 * its last piece is given only if all of it was right.
 */
export class DiskPieces {
  readonly #batches: StoredBatches;
  #check: BatchCheck | null = null;

  constructor(batches: StoredBatches) {
    this.#batches = batches;
  }

  /** Resolves with slices of `buffer`. One at a time; the file is pinned meanwhile. */
  async read(plan: PiecePlan, buffer: Uint8Array): Promise<Uint8Array[]> {
    const { place, end, skip, count } = plan;
    if (end > place) return this.#readWhole(plan, buffer);
    for (let at = this.#checkedTo(place, skip); at < skip;) {
      // What went before came from memory, which has let go of the rest.
      const headBytes = at === 0 ? entryHeaderBytes : 0;
      const part = Math.min(skip - at, buffer.length - headBytes);
      await this.#readPart(buffer, { place, skip: at, count: part });
      at += part;
    }
    return [await this.#readPart(buffer, { place, skip, count })];
  }

  #checkedTo(place: number, skip: number): number {
    const check = this.#check;
    return check !== null && check.place === place && check.next <= skip ? check.next : 0;
  }

  async #readWhole({ place, end, bufferBytes }: PiecePlan, buffer: Uint8Array) {
    const { positions, sizes } = this.#batches;
    const start = positions[place]! - entryHeaderBytes;
    const window = buffer.subarray(0, bufferBytes);
    await this.#fill(place, window, start);
    const chunks: Uint8Array[] = [];
    // Small ones are moved together, towards the front: nothing that is still to be looked at lies there.
    let packedFrom = 0;
    let packedTo = 0;
    for (let each = place; each < end; each += 1) {
      const at = positions[each]! - start;
      const size = sizes[each]!;
      const bytes = window.subarray(at, at + size);
      this.#checkHead(each, window, at);
      if (!isCrcValidAt(bytes, 0)) throw this.#damaged(each);
      if (size < smallestSlice) {
        window.copyWithin(packedTo, at, at + size);
        packedTo += size;
        continue;
      }
      if (packedTo > packedFrom) chunks.push(window.subarray(packedFrom, packedTo));
      chunks.push(bytes);
      packedFrom = packedTo = at + size;
    }
    if (packedTo > packedFrom) chunks.push(window.subarray(packedFrom, packedTo));
    return chunks;
  }

  async #readPart(
    buffer: Uint8Array,
    part: { place: number; skip: number; count: number },
  ): Promise<Uint8Array> {
    const { place, skip, count } = part;
    const { positions, sizes } = this.#batches;
    const size = sizes[place]!;
    const headBytes = skip === 0 ? entryHeaderBytes : 0;
    // At least the batch's own header, which says what its bytes must add up to.
    const readBytes = skip === 0 ? Math.max(count, Math.min(size, batchHeaderBytes)) : count;
    const window = buffer.subarray(0, headBytes + readBytes);
    await this.#fill(place, window, positions[place]! + skip - headBytes);
    if (skip === 0) {
      this.#checkHead(place, window, headBytes);
      this.#check = { place, next: 0, crc: 0, expected: crcAt(window, headBytes) };
    }
    const check = this.#check!;
    const bytes = window.subarray(headBytes, headBytes + count);
    check.crc = crc32cAfter(check.crc, bytes.subarray(Math.max(0, batchField.attributes - skip)));
    check.next = skip + count;
    if (check.next === size && check.crc !== check.expected) throw this.#damaged(place);
    return bytes;
  }

  async #fill(place: number, window: Uint8Array, position: number): Promise<void> {
    const { log, files } = this.#batches;
    const handle = await openHandle(log.context.wal.disk, files[place]!);
    if (!(await readFully(handle, window, position))) {
      throw new LogReadError("the file is cut off");
    }
  }

  /** Throws unless the entry in front of the batch at `at` is of this file and log, and the batch what it says, as far as its checksum does not tell. */
  #checkHead(place: number, window: Uint8Array, at: number): void {
    const { log, files, sizes } = this.#batches;
    const header = readEntryHeader(window, at - entryHeaderBytes, files[place]!.sequence);
    const isSound =
      header !== null &&
      header.kind === "append" &&
      header.partition === log.number &&
      header.length === sizes[place] &&
      magicAt(window, at) === currentMagic &&
      isSafeInt64At(window, at + batchField.baseOffset) &&
      batchSizeAt(window, at) === header.length &&
      baseOffsetAt(window, at) === header.baseOffset &&
      leaderEpochAt(window, at) === header.leaderEpoch;
    if (!isSound) throw this.#damaged(place);
  }

  #damaged(place: number): LogReadError {
    const { log, files, positions } = this.#batches;
    const where = `${files[place]!.path} at ${positions[place]}`;
    log.context.onDamage(log, `a batch fails its checks: ${where}`);
    return new LogReadError(`damaged: ${where}`);
  }
}
