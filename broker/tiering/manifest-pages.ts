import type { ObjectStore } from "../../ports/object-store.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import { decodePage } from "./manifest-codec.ts";
import type { Manifest, PageEntry, SegmentEntry } from "./manifest.ts";
import { objectKey, type PartitionPath } from "./object-keys.ts";
import type { PieceFailure } from "./piece-cache.ts";
import { unavailable } from "./store-failure.ts";

/** A manifest as it was read, and whose it is. */
export type TieredView = { readonly path: PartitionPath; readonly manifest: Manifest };

export type LoadedPage =
  | { readonly kind: "page"; readonly entries: readonly SegmentEntry[] }
  | Exclude<PieceFailure, { kind: "busy" }>;

export type FoundSegment =
  | { readonly kind: "found"; readonly entry: SegmentEntry }
  /** No listed segment is wanted. */
  | { readonly kind: "none" }
  | Exclude<LoadedPage, { kind: "page" }>;

export type ManifestPages = {
  /** What a page lists; pages never change, so it may be from the cache. `gone`: the manifest is an older one. */
  load(path: PartitionPath, page: PageEntry): Promise<LoadedPage>;
  /**
   * The first segment that ends behind `fromOffset` and is wanted. `isWanted` is asked of pages too, by their summary: false for one means that none of its
   * segments is wanted.
   */
  findSegment(
    view: TieredView,
    fromOffset: number,
    isWanted?: (entry: SegmentEntry | PageEntry) => boolean,
  ): Promise<FoundSegment>;
};

/** Some 40 KiB each. */
const defaultMaxPages = 64;

export function createManifestPages(options: {
  readonly objects: ObjectStore;
  /** Pages kept in memory, of all partitions: 64 by default. */
  readonly maxPages?: number;
}): ManifestPages {
  const cache = createBoundedCache<readonly SegmentEntry[]>(options.maxPages ?? defaultMaxPages);

  async function load(path: PartitionPath, page: PageEntry): Promise<LoadedPage> {
    const key = objectKey(path, page.name);
    const known = cache.get(key);
    if (known !== undefined) return { kind: "page", entries: known };
    try {
      const stored = await options.objects.get(key);
      if (stored === null) return { kind: "gone" };
      const decoded = decodePage(stored.bytes);
      if (decoded.kind === "corrupt") return decoded;
      const { topicId, index, entries } = decoded;
      if (
        topicId !== path.topicId ||
        index !== path.index ||
        entries.length !== page.segmentCount ||
        entries[0]?.baseOffset !== page.baseOffset ||
        entries.at(-1)?.endOffset !== page.endOffset
      ) {
        return { kind: "corrupt", message: `page ${key} is not what the manifest says of it` };
      }
      cache.set(key, entries, 1);
      return { kind: "page", entries };
    } catch (error) {
      return unavailable(error);
    }
  }

  return {
    load,
    async findSegment({ path, manifest }, fromOffset, isWanted = () => true) {
      const isNext = (entry: SegmentEntry | PageEntry): boolean =>
        entry.endOffset > fromOffset && isWanted(entry);
      for (const page of manifest.pages) {
        if (!isNext(page)) continue;
        const loaded = await load(path, page);
        if (loaded.kind !== "page") return loaded;
        const entry = loaded.entries.find(isNext);
        if (entry !== undefined) return { kind: "found", entry };
      }
      const entry = manifest.segments.find(isNext);
      return entry === undefined ? { kind: "none" } : { kind: "found", entry };
    },
  };
}
