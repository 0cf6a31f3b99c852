import type { ObjectStore } from "../../ports/object-store.ts";
import { assert } from "../assert.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import { createGetSlots, type GetSlots } from "./get-slots.ts";
import { unavailable, type Unavailable } from "./store-failure.ts";

// Segments are read in pieces of a few MiB: a request to the object store costs the same whatever its size, and takes tens of milliseconds before the first
// byte. All partitions of a broker share one cache of them.

export type PieceCacheOptions = {
  readonly objects: ObjectStore;
  /** 4 MiB by default. */
  readonly pieceBytes?: number;
  /** What is kept and what is on its way, together: 64 MiB by default. */
  readonly maxBytes?: number;
  /** Requests at once: 16 by default, and as many pieces as `maxBytes` has room for at most. */
  readonly maxGets?: number;
  /** Requests that wait for others: 1,024 by default. */
  readonly maxQueued?: number;
};

/** Why bytes of an object cannot be had. */
export type PieceFailure =
  /** There is no such object (any more): read the manifest again. */
  | { readonly kind: "gone" }
  /** Too many requests wait already. */
  | { readonly kind: "busy" }
  | { readonly kind: "corrupt"; readonly message: string }
  | Unavailable;

export type Piece = { readonly kind: "piece"; readonly bytes: Uint8Array } | PieceFailure;

export type CachedObject = { readonly key: string; readonly sizeBytes: number };

export type PieceCache = {
  readonly pieceBytes: number;
  /** For other requests of the same readers. */
  readonly slots: GetSlots;
  /** Bytes of the pieces kept, and of those on their way. */
  readonly heldBytes: number;
  /** Requests for pieces so far. */
  readonly getCount: number;
  /** Piece `number` of the object: bytes [number * pieceBytes, ...). To be used before the next `await`: the cache may have dropped it by then. */
  piece(object: CachedObject, number: number): Promise<Piece>;
  /** Has the piece read, if nobody has to wait for that. */
  prefetch(object: CachedObject, number: number): void;
  /** Forgets the piece, for it turned out to be damaged. */
  drop(object: CachedObject, number: number): void;
};

const mebibyte = 1024 * 1024;

export function createPieceCache(options: PieceCacheOptions): PieceCache {
  const { objects, pieceBytes = 4 * mebibyte, maxBytes = 64 * mebibyte } = options;
  assert(pieceBytes > 0 && maxBytes >= pieceBytes, "the cache has room for a piece");
  // With a slot goes the room for a piece: what is under way never waits for memory.
  const maxGets = Math.min(options.maxGets ?? 16, Math.floor(maxBytes / pieceBytes));
  const slots = createGetSlots({ maxGets, maxQueued: options.maxQueued ?? 1024 });
  const pieces = createBoundedCache<Uint8Array>(maxBytes);
  const underWay = new Map<string, Promise<Piece>>();
  let comingBytes = 0;
  let getCount = 0;

  async function load(object: CachedObject, number: number): Promise<Piece> {
    const start = number * pieceBytes;
    const end = Math.min(start + pieceBytes, object.sizeBytes);
    comingBytes += end - start;
    pieces.shrinkTo(maxBytes - comingBytes);
    getCount += 1;
    try {
      const found = await objects.get(object.key, { start, end });
      if (found === null) return { kind: "gone" };
      if (found.sizeBytes !== object.sizeBytes || found.bytes.length !== end - start) {
        return { kind: "corrupt", message: `${object.key} is not of ${object.sizeBytes} bytes` };
      }
      pieces.set(pieceKey(object, number), found.bytes, found.bytes.length);
      return { kind: "piece", bytes: found.bytes };
    } catch (error) {
      return unavailable(error);
    } finally {
      comingBytes -= end - start;
    }
  }

  function begin(object: CachedObject, number: number): Promise<Piece> | null {
    const key = pieceKey(object, number);
    const loading = slots.run(() => load(object, number))?.finally(() => underWay.delete(key));
    if (loading === undefined) return null;
    underWay.set(key, loading);
    return loading;
  }

  return {
    pieceBytes,
    slots,
    get heldBytes() {
      return pieces.totalCost + comingBytes;
    },
    get getCount() {
      return getCount;
    },
    async piece(object, number) {
      assert(number >= 0 && number * pieceBytes < object.sizeBytes, "the piece lies in the object");
      const key = pieceKey(object, number);
      const bytes = pieces.get(key);
      if (bytes !== undefined) return { kind: "piece", bytes };
      return underWay.get(key) ?? begin(object, number) ?? { kind: "busy" };
    },
    prefetch(object, number) {
      const key = pieceKey(object, number);
      const isOutside = number * pieceBytes >= object.sizeBytes;
      if (isOutside || slots.runningCount >= maxGets || underWay.has(key)) return;
      if (pieces.get(key) !== undefined) return;
      // Its outcome is for whoever asks for the piece next; it rejects for a bug alone.
      void begin(object, number);
    },
    drop: (object, number) => pieces.delete(pieceKey(object, number)),
  };
}

const pieceKey = ({ key }: CachedObject, number: number): string => `${key}#${number}`;
