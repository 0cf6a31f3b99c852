import type { ObjectStore } from "../../ports/object-store.ts";
import { packsPrefix, parsePackKey, type PackName } from "./object-keys.ts";
import { decodePackDirectory, packFormat, rangeProblem, type PackRange } from "./pack.ts";
import { decodeTail, tailBytes, type CorruptObject } from "./object-tail.ts";
import { unavailable, type Unavailable } from "./store-failure.ts";

/** A pack as a LIST shows it. */
export type ListedPack = { readonly key: string; readonly sizeBytes: number } & PackName;

export type ListedPacks =
  | {
      readonly kind: "listed";
      readonly packs: readonly ListedPack[];
      /** For the next call; null once all are listed. */
      readonly startAfter: string | null;
    }
  | Unavailable;

/** A bounded part of a cell's packs. `prefix`: `packsPrefix` (all brokers', the default) or `brokerPacksPrefix`. */
export async function listPacks(
  objects: ObjectStore,
  cell: string,
  options: {
    readonly prefix?: string;
    readonly startAfter?: string | null;
    readonly limit?: number;
  } = {},
): Promise<ListedPacks> {
  const { prefix = packsPrefix(cell), startAfter = null, limit = 1000 } = options;
  try {
    const from = startAfter === null ? {} : { startAfter };
    const found = await objects.list(prefix, { ...from, limit });
    const packs = found.flatMap(({ key, sizeBytes }) => {
      const name = parsePackKey(cell, key);
      return name === null ? [] : [{ key, sizeBytes, ...name }];
    });
    return {
      kind: "listed",
      packs,
      startAfter: found.length < limit ? null : (found.at(-1)?.key ?? null),
    };
  } catch (error) {
    return unavailable(error);
  }
}

export type LoadedPack =
  | { readonly kind: "directory"; readonly ranges: readonly PackRange[] }
  | { readonly kind: "gone" }
  | CorruptObject
  | Unavailable;

/** Holds the directory of a thousand ranges: most packs take one request. */
const guessedDirectoryBytes = 64 * 1024;

type PackObject = { readonly key: string; readonly sizeBytes: number };

/** What a pack holds. One that is damaged is read again: that may have been on its way. */
export async function loadPackDirectory(
  objects: Pick<ObjectStore, "get">,
  pack: PackObject,
): Promise<LoadedPack> {
  const loaded = await loadOnce(objects, pack);
  return loaded.kind === "corrupt" ? loadOnce(objects, pack) : loaded;
}

async function loadOnce(
  objects: Pick<ObjectStore, "get">,
  { key, sizeBytes }: PackObject,
): Promise<LoadedPack> {
  let wantedBytes = Math.min(sizeBytes, guessedDirectoryBytes);
  try {
    for (;;) {
      const range = { start: sizeBytes - wantedBytes, end: sizeBytes };
      const found = await objects.get(key, range);
      if (found === null) return { kind: "gone" };
      if (found.sizeBytes !== sizeBytes || found.bytes.length !== wantedBytes) {
        return { kind: "corrupt", message: `${key} is not of ${sizeBytes} bytes` };
      }
      const tail = decodeTail(found.bytes, packFormat);
      if ("kind" in tail) return { ...tail, message: `${key}: ${tail.message}` };
      const neededBytes = Math.min(sizeBytes, tail.partBytes + tailBytes);
      if (neededBytes > wantedBytes) {
        wantedBytes = neededBytes;
        continue;
      }
      const decoded = decodePackDirectory(found.bytes, sizeBytes);
      if (decoded.kind === "corrupt") {
        return { kind: "corrupt", message: `${key}: ${decoded.message}` };
      }
      return { kind: "directory", ranges: decoded.ranges };
    }
  } catch (error) {
    return unavailable(error);
  }
}

export type LoadedRange =
  | { readonly kind: "batches"; readonly bytes: Uint8Array }
  | { readonly kind: "gone" }
  | CorruptObject
  | Unavailable;

/** The batches of one range, as large as the pack has it: whole, in order, and their CRCs hold. */
export async function loadPackRange(
  objects: Pick<ObjectStore, "get">,
  key: string,
  range: PackRange,
): Promise<LoadedRange> {
  const { position, sizeBytes } = range;
  try {
    const found = await objects.get(key, { start: position, end: position + sizeBytes });
    if (found === null) return { kind: "gone" };
    const problem = rangeProblem(range, found.bytes);
    return problem === null
      ? { kind: "batches", bytes: found.bytes }
      : { kind: "corrupt", message: `${key}, range at ${range.baseOffset}: ${problem}` };
  } catch (error) {
    return unavailable(error);
  }
}
