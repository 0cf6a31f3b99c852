// The bytes of one file in memory, together with what a crash would leave of them. Durability is kept as an undo log: for every page changed since the last
// flush, what it held then.
import type { Random } from "../../ports/random.ts";
import { createUnflushedPages, pageBytes } from "./unflushed-pages.ts";

export type Loss = {
  /** What was not flushed is gone. */
  lostUnflushed?: boolean;
  /** With lostUnflushed: it survives up to a random byte. Without: the last write does. */
  tornTail?: boolean;
  /** Of the pages that were not flushed, a random choice survives, in the middle or at the end. */
  reorderPages?: boolean;
};

type Write = { from: number; to: number; before: Uint8Array; sizeBefore: number };

export type StoredFile = {
  size(): number;
  write(chunks: readonly Uint8Array[], position: number, maxBytes: number): number;
  read(target: Uint8Array, position: number): number;
  /** A flush is under way: what is written from here on is not part of it. */
  beginFlush(): void;
  flush(): void;
  /** A flush that the disk could not carry out: a process goes on reading what it had written, a host crash loses it. */
  failFlush(): void;
  flipBit(position: number, bit: number): void;
  /** A copy as a crash would leave it. */
  afterLoss(loss: Loss, random: Random): StoredFile;
};

export function createStoredFile(initial: Uint8Array = new Uint8Array(0)): StoredFile {
  let bytes = initial;
  let size = initial.byteLength;
  let lastWrite: Write | null = null;
  /** When the flush under way began. */
  let lastWriteBefore: Write | null = null;
  const unflushed = createUnflushedPages(size, (from, to) => bytes.slice(from, to));

  function grow(needed: number): void {
    if (needed <= bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(needed, 2 * bytes.byteLength, pageBytes));
    larger.set(bytes.subarray(0, size));
    bytes = larger;
  }

  return {
    size: () => size,
    write(chunks, position, maxBytes) {
      const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      const to = position + Math.min(length, maxBytes);
      if (to === position) return 0;
      // A write past the end makes a hole of zeros.
      unflushed.remember(Math.min(position, size), to);
      lastWrite = { from: position, to, before: bytes.slice(position, to), sizeBefore: size };
      grow(to);
      let at = position;
      for (const chunk of chunks) {
        const count = Math.min(chunk.byteLength, to - at);
        bytes.set(count === chunk.byteLength ? chunk : chunk.subarray(0, count), at);
        at += count;
      }
      size = Math.max(size, to);
      return to - position;
    },
    read(target, position) {
      const count = Math.max(0, Math.min(target.byteLength, size - position));
      target.set(bytes.subarray(position, position + count));
      return count;
    },
    beginFlush() {
      unflushed.beginFlush(size);
      lastWriteBefore = lastWrite;
    },
    flush() {
      unflushed.flushed(size);
      if (lastWrite === lastWriteBefore) lastWrite = null;
    },
    failFlush() {
      unflushed.flushFailed();
      if (lastWrite === lastWriteBefore) lastWrite = null;
    },
    flipBit(position, bit) {
      bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
    },
    afterLoss(loss, random) {
      const left = { bytes: bytes.slice(0, size), size };
      const { pages: undo, size: flushedSize } = unflushed.now();
      const dirty = { undo, flushedSize, lastWrite };
      lose(left, dirty, { loss, random });
      return createStoredFile(left.bytes.slice(0, left.size));
    },
  };
}

function lose(left: Left, dirty: Dirty, { loss, random }: { loss: Loss; random: Random }): void {
  if (loss.reorderPages === true) losePages(left, dirty, random);
  else if (loss.lostUnflushed === true && loss.tornTail === true) {
    loseFrom(left, dirty, randomDirtyByte(dirty.undo, left.size, random));
  } else if (loss.lostUnflushed === true) loseFrom(left, dirty, 0);
  else if (loss.tornTail === true && dirty.lastWrite !== null) cut(left, dirty.lastWrite, random);
}

type Left = { bytes: Uint8Array; size: number };
type Dirty = {
  undo: ReadonlyMap<number, Uint8Array>;
  flushedSize: number;
  lastWrite: Write | null;
};

function restorePage(left: Left, page: number, before: Uint8Array): void {
  const from = page * pageBytes;
  left.bytes.fill(0, from, Math.min(from + pageBytes, left.bytes.byteLength));
  left.bytes.set(before.subarray(0, Math.max(0, left.bytes.byteLength - from)), from);
}

function losePages(left: Left, { undo, flushedSize }: Dirty, random: Random): void {
  let end = flushedSize;
  for (const [page, before] of undo) {
    if (random.float() < 0.5) restorePage(left, page, before);
    else end = Math.max(end, Math.min(left.size, (page + 1) * pageBytes));
  }
  left.size = end;
}

/** Puts back what was there at the last flush from byte `position` on. */
function loseFrom(left: Left, { undo, flushedSize }: Dirty, position: number): void {
  const kept = left.bytes.slice(0, position);
  for (const [page, before] of undo) {
    if ((page + 1) * pageBytes > position) restorePage(left, page, before);
  }
  left.bytes.set(kept);
  left.size = Math.max(flushedSize, Math.min(left.size, position));
}

function randomDirtyByte(
  undo: ReadonlyMap<number, Uint8Array>,
  size: number,
  random: Random,
): number {
  const pages = [...undo.keys()];
  const page = pages[Math.floor(random.float() * pages.length)];
  if (page === undefined) return 0;
  return Math.min(size, page * pageBytes + Math.floor(random.float() * pageBytes));
}

/** Leaves only a prefix of the last write, which may be none of it. */
function cut(left: Left, { from, to, before, sizeBefore }: Write, random: Random): void {
  const keptTo = from + Math.floor(random.float() * (to - from));
  left.bytes.fill(0, keptTo, to);
  left.bytes.set(before.subarray(Math.min(before.byteLength, keptTo - from)), keptTo);
  left.size = Math.max(sizeBefore, keptTo);
}
