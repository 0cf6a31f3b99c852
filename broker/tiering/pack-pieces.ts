import type { ObjectStore } from "../../ports/object-store.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import { createGetSlots } from "./get-slots.ts";
import { loadPackRange, type LoadedRange } from "./pack-reading.ts";
import { rangeProblem, type PackRange } from "./pack.ts";
import { unavailable, type Unavailable } from "./store-failure.ts";

// A recovery reads a thousand bytes here and there of each of hundreds of packs, for each of thousands of partitions. Those that are recovered together lie
// beside each other in most packs: what one asks for is read with what is around it, and shared.

export type PackPieces = {
  /** As loadPackRange tells it, of one among `packCount` packs that all are read at the same time. */
  range(key: string, range: PackRange, packCount: number): Promise<LoadedRange>;
  /** Has it read, if it is read with others and nobody has to wait for that. */
  prefetch(key: string, range: PackRange, packCount: number): void;
  /** Lets go of everything. */
  forget(): void;
};

export type PackPiecesOptions = {
  readonly objects: Pick<ObjectStore, "get">;
  /** What is kept: 64 MiB by default. */
  readonly maxBytes?: number;
};

const maxPieceBytes = 1024 * 1024;
/** Of smaller ones there are too few neighbours in each to be worth it. */
const minPieceBytes = 8 * 1024;

const getsAtOnce = 32;
/** More than all that are recovered together ask for; whoever is refused reads alone. */
const maxQueued = 1024;

type Piece =
  | { readonly kind: "piece"; readonly bytes: Uint8Array }
  | { readonly kind: "gone" }
  | Unavailable;

export function createPackPieces({
  objects,
  maxBytes = 64 * 1024 * 1024,
}: PackPiecesOptions): PackPieces {
  const slots = createGetSlots({ maxGets: getsAtOnce, maxQueued });
  const kept = createBoundedCache<Uint8Array>(maxBytes);
  const underWay = new Map<string, Promise<Piece>>();

  /** Null: the range is read alone. */
  function placeOf({ position, sizeBytes }: PackRange, packCount: number) {
    const bytes = pieceBytesOf(maxBytes, packCount);
    if (bytes === null || sizeBytes > bytes) return null;
    const first = Math.floor(position / bytes);
    const last = Math.floor((position + sizeBytes - 1) / bytes);
    return { bytes, first, last };
  }

  async function load(key: string, name: string, start: number, end: number): Promise<Piece> {
    try {
      const found = await objects.get(key, { start, end });
      if (found === null) return { kind: "gone" };
      kept.set(name, found.bytes, found.bytes.length);
      return { kind: "piece", bytes: found.bytes };
    } catch (error) {
      return unavailable(error);
    }
  }

  /** Null: too many wait. */
  function pieceOf(key: string, bytes: number, number: number): Promise<Piece> | Uint8Array | null {
    const name = nameOf(key, bytes, number);
    const here = kept.get(name) ?? underWay.get(name);
    if (here !== undefined) return here;
    const start = number * bytes;
    const loading = slots.run(() => load(key, name, start, start + bytes));
    if (loading === null) return null;
    const settled = loading.finally(() => underWay.delete(name));
    underWay.set(name, settled);
    return settled;
  }

  return {
    async range(key, range, packCount) {
      const place = placeOf(range, packCount);
      if (place === null) return loadPackRange(objects, key, range);
      const parts: Uint8Array[] = [];
      for (let number = place.first; number <= place.last; number += 1) {
        const found = await pieceOf(key, place.bytes, number);
        if (found === null) return loadPackRange(objects, key, range);
        if (found instanceof Uint8Array) parts.push(found);
        else if (found.kind === "piece") parts.push(found.bytes);
        else if (found.kind === "gone") return found;
        // It may be another's part of the piece that cannot be read.
        else return loadPackRange(objects, key, range);
      }
      const bytes = cut(parts, range.position - place.first * place.bytes, range.sizeBytes);
      if (rangeProblem(range, bytes) === null) return { kind: "batches", bytes };
      // It may have been on its way that it was damaged.
      for (let number = place.first; number <= place.last; number += 1)
        kept.delete(nameOf(key, place.bytes, number));
      return loadPackRange(objects, key, range);
    },
    prefetch(key, range, packCount) {
      const place = placeOf(range, packCount);
      if (place === null) return;
      for (let number = place.first; number <= place.last; number += 1)
        if (slots.runningCount < slots.maxGets) void pieceOf(key, place.bytes, number);
    },
    forget: () => kept.shrinkTo(0),
  };
}

/** All packs have room for a piece each, and half of it is left for those that are further on. Null: that would be too little. */
function pieceBytesOf(maxBytes: number, packCount: number): number | null {
  let bytes = maxPieceBytes;
  while (bytes * packCount * 2 > maxBytes) bytes /= 2;
  return bytes < minPieceBytes ? null : bytes;
}

const nameOf = (key: string, bytes: number, number: number): string => `${key}#${bytes}#${number}`;

/** A view, where one piece has it all. */
function cut(parts: readonly Uint8Array[], start: number, sizeBytes: number): Uint8Array {
  const [only] = parts;
  const all = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  return all.subarray(start, start + sizeBytes);
}
