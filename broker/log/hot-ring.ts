import { assert } from "../assert.ts";

// The newest bytes of the WAL, in memory allocated once: chunks of shared memory that hold, byte for byte, what the files hold. An address is
// file sequence * file size + offset in the file, so one number finds a byte here or tells which file has it.
//
// A chunk is taken anew only when its bytes are written. If a socket still reads from it, it is set aside until the last pin is gone and a spare takes its
// place; there are spares for a quarter of the ring.

type Chunk = {
  readonly number: number;
  readonly bytes: Uint8Array;
  pinCount: number;
  /** Out of the ring, alive only for its pins. */
  isSetAside: boolean;
};

/** Keeps bytes handed to a socket from being overwritten. */
export type Pin = {
  readonly chunks: readonly Chunk[];
  readonly giveUp: () => void;
  hasGivenUp: boolean;
};

export type HotRing = {
  readonly chunkBytes: number;
  readonly chunkLimit: number;
  readonly spareLimit: number;
  /** In the order they were taken. */
  readonly chunks: Map<number, Chunk>;
  readonly free: Uint8Array[];
  readonly pins: Set<Pin>;
  allocatedCount: number;
  setAsideCount: number;
  /** Everything below this address is in its file. */
  writtenEnd: number;
  /** Chunks from here on hold nothing yet. */
  appendedEnd: number;
  /** Called when a pin went that an append may have waited for. */
  onUnpin: () => void;
};

export function createHotRing(options: { ringBytes: number; chunkBytes: number }): HotRing {
  const { ringBytes, chunkBytes } = options;
  assert(ringBytes % chunkBytes === 0 && ringBytes >= 2 * chunkBytes, "a ring of whole chunks");
  const chunkLimit = ringBytes / chunkBytes;
  return {
    chunkBytes,
    chunkLimit,
    spareLimit: Math.max(1, Math.floor(chunkLimit / 4)),
    chunks: new Map(),
    free: [],
    pins: new Set(),
    allocatedCount: 0,
    setAsideCount: 0,
    writtenEnd: 0,
    appendedEnd: Infinity,
    onUnpin: () => {},
  };
}

/** Makes sure that [address, address + byteLength) has chunks; false if unwritten or pinned bytes leave no room now. */
export function reserve(ring: HotRing, address: number, byteLength: number): boolean {
  const first = Math.floor(address / ring.chunkBytes);
  const last = Math.floor((address + byteLength - 1) / ring.chunkBytes);
  let missing = 0;
  for (let number = first; number <= last; number += 1) if (!ring.chunks.has(number)) missing += 1;
  if (missing === 0) return true;
  if (missing > ring.chunkLimit || !evict(ring, ring.chunkLimit - missing, { first, last })) {
    return false;
  }
  if (!hasMemory(ring, missing)) return false;
  for (let number = first; number <= last; number += 1) {
    if (!ring.chunks.has(number)) ring.chunks.set(number, takeChunk(ring, number));
  }
  return true;
}

/** Lets go of chunks until at most `keep` are left: the oldest that are written, and those reserved for what then was not appended. */
const evict = (ring: HotRing, keep: number, wanted: { first: number; last: number }): boolean => {
  for (const chunk of ring.chunks.values()) {
    if (ring.chunks.size <= keep) return true;
    if (chunk.number >= wanted.first && chunk.number <= wanted.last) continue;
    const isWritten = (chunk.number + 1) * ring.chunkBytes <= ring.writtenEnd;
    const isUnused = chunk.number * ring.chunkBytes >= ring.appendedEnd;
    if (!isWritten && !isUnused) continue;
    ring.chunks.delete(chunk.number);
    if (chunk.pinCount === 0) ring.free.push(chunk.bytes);
    else {
      chunk.isSetAside = true;
      ring.setAsideCount += 1;
    }
  }
  return ring.chunks.size <= keep;
};

const hasMemory = (ring: HotRing, count: number): boolean => {
  const limit = ring.chunkLimit + ring.spareLimit;
  if (ring.free.length + limit - ring.allocatedCount >= count) return true;
  for (const pin of ring.pins) {
    if (!pin.chunks.some((chunk) => chunk.isSetAside)) continue;
    if (!pin.hasGivenUp) {
      pin.hasGivenUp = true;
      pin.giveUp();
    }
    // One at a time: it may be enough, once its bytes are let go of. Another may hold the same chunk, then it is that one's turn.
    if (ring.pins.has(pin)) return false;
    if (ring.free.length + limit - ring.allocatedCount >= count) return true;
  }
  return false;
};

const takeChunk = (ring: HotRing, number: number): Chunk => {
  let bytes = ring.free.pop();
  if (bytes === undefined) {
    bytes = new Uint8Array(new SharedArrayBuffer(ring.chunkBytes));
    ring.allocatedCount += 1;
  }
  return { number, bytes, pinCount: 0, isSetAside: false };
};

/** Copies into reserved chunks. */
export function copyIn(ring: HotRing, address: number, bytes: Uint8Array): void {
  let from = 0;
  while (from < bytes.length) {
    const number = Math.floor((address + from) / ring.chunkBytes);
    const at = address + from - number * ring.chunkBytes;
    const count = Math.min(bytes.length - from, ring.chunkBytes - at);
    copyBytes(ring.chunks.get(number)!.bytes, at, bytes, { from, to: from + count });
    from += count;
  }
}

/**
 * V8's `set` copies to and from shared memory byte by byte, unless source and target lie alike within 8 bytes, which a batch in its frame does by chance only:
 * 3.5 GB/s, where memmove does 12; for a few bytes it is the cheaper call all the same. Node's `copy` uses that for a part of its source, and `set` for the whole of it; hence the first byte by hand.
 */
const copyBytes = (
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  range: { from: number; to: number },
): void => {
  const { from, to } = range;
  if (to === source.length && to <= 64) {
    target.set(from === 0 ? source : source.subarray(from), at);
    return;
  }
  target[at] = source[from]!;
  Buffer.prototype.copy.call(source, target, at + 1, from + 1, to);
};

/** The bytes as slices of the ring, or null if not all of them are here. */
export function slicesOf(ring: HotRing, address: number, byteLength: number): Uint8Array[] | null {
  const slices: Uint8Array[] = [];
  for (let from = 0; from < byteLength;) {
    const number = Math.floor((address + from) / ring.chunkBytes);
    const chunk = ring.chunks.get(number);
    if (chunk === undefined) return null;
    const at = address + from - number * ring.chunkBytes;
    const count = Math.min(byteLength - from, ring.chunkBytes - at);
    slices.push(chunk.bytes.subarray(at, at + count));
    from += count;
  }
  return slices;
}

export function hasBytes(ring: HotRing, address: number, byteLength: number): boolean {
  const last = Math.floor((address + byteLength - 1) / ring.chunkBytes);
  for (let number = Math.floor(address / ring.chunkBytes); number <= last; number += 1) {
    if (!ring.chunks.has(number)) return false;
  }
  return true;
}

/** Copies bytes that `hasBytes` has found to `target`. */
export function copyOut(
  ring: HotRing,
  address: number,
  byteLength: number,
  target: Uint8Array,
): void {
  let at = 0;
  for (const slice of slicesOf(ring, address, byteLength)!) {
    copyBytes(target, at, slice, { from: 0, to: slice.length });
    at += slice.length;
  }
}

/** Pins the chunks that hold these ranges, which are all here. */
export function pinRanges(
  ring: HotRing,
  ranges: readonly { address: number; byteLength: number }[],
  giveUp: () => void,
): Pin {
  const chunks = new Set<Chunk>();
  for (const { address, byteLength } of ranges) {
    const last = Math.floor((address + byteLength - 1) / ring.chunkBytes);
    for (let number = Math.floor(address / ring.chunkBytes); number <= last; number += 1) {
      const chunk = ring.chunks.get(number);
      assert(chunk !== undefined, "only what is in the ring is pinned");
      chunks.add(chunk);
    }
  }
  for (const chunk of chunks) chunk.pinCount += 1;
  const pin: Pin = { chunks: [...chunks], giveUp, hasGivenUp: false };
  ring.pins.add(pin);
  return pin;
}

export function unpin(ring: HotRing, pin: Pin): void {
  assert(ring.pins.delete(pin), "a pin is taken away once");
  let isFreed = false;
  for (const chunk of pin.chunks) {
    chunk.pinCount -= 1;
    if (chunk.pinCount > 0 || !chunk.isSetAside) continue;
    ring.setAsideCount -= 1;
    ring.free.push(chunk.bytes);
    isFreed = true;
  }
  if (isFreed || pin.hasGivenUp) ring.onUnpin();
}

/** The chunks of a file that will not be written: what they hold is void. */
export function discardFrom(ring: HotRing, address: number): void {
  const first = Math.ceil(address / ring.chunkBytes);
  for (const chunk of ring.chunks.values()) {
    if (chunk.number < first) continue;
    ring.chunks.delete(chunk.number);
    if (chunk.pinCount === 0) ring.free.push(chunk.bytes);
    else {
      chunk.isSetAside = true;
      ring.setAsideCount += 1;
    }
  }
}

/** The lowest address of which anything is here; Infinity for an empty ring. */
export function oldestAddress(ring: HotRing): number {
  for (const chunk of ring.chunks.values()) return chunk.number * ring.chunkBytes;
  return Infinity;
}
