import type { ObjectStore } from "../../ports/object-store.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import type { GetSlots } from "./get-slots.ts";
import type { SegmentEntry } from "./manifest.ts";
import { objectKey, type PartitionPath } from "./object-keys.ts";
import type { PieceFailure } from "./piece-cache.ts";
import { decodeSegmentFooter, type SegmentFooter } from "./segment-footer.ts";
import { unavailable } from "./store-failure.ts";

export type LoadedFooter =
  | { readonly kind: "footer"; readonly footer: SegmentFooter }
  | PieceFailure;

export type SegmentFooters = {
  /** The footer of a listed segment, perhaps from memory: segments never change. */
  load(path: PartitionPath, entry: SegmentEntry): Promise<LoadedFooter>;
};

/** 64 MiB of batches have a footer of some 70 KiB. */
const defaultMaxBytes = 16 * 1024 * 1024;

export function createSegmentFooters(options: {
  readonly objects: ObjectStore;
  readonly slots: GetSlots;
  /** Of footers kept in memory, as the objects have them: 16 MiB by default. */
  readonly maxBytes?: number;
}): SegmentFooters {
  const cache = createBoundedCache<SegmentFooter>(options.maxBytes ?? defaultMaxBytes);
  const underWay = new Map<string, Promise<LoadedFooter>>();

  async function read(path: PartitionPath, entry: SegmentEntry): Promise<LoadedFooter> {
    const key = objectKey(path, entry.name);
    const { dataBytes, sizeBytes } = entry;
    try {
      const found = await options.objects.get(key, { start: dataBytes, end: sizeBytes });
      if (found === null) return { kind: "gone" };
      if (found.sizeBytes !== sizeBytes) {
        return { kind: "corrupt", message: `${key} is not of ${sizeBytes} bytes` };
      }
      const decoded = decodeSegmentFooter(found.bytes);
      if (decoded.kind === "corrupt") {
        return { kind: "corrupt", message: `${key}: ${decoded.message}` };
      }
      const { footer } = decoded;
      if (!isOf(footer, path, entry)) {
        return { kind: "corrupt", message: `${key} is not what the manifest says of it` };
      }
      cache.set(key, footer, sizeBytes - dataBytes);
      return { kind: "footer", footer };
    } catch (error) {
      return unavailable(error);
    }
  }

  return {
    async load(path, entry) {
      const key = objectKey(path, entry.name);
      const known = cache.get(key);
      if (known !== undefined) return { kind: "footer", footer: known };
      const other = underWay.get(key);
      if (other !== undefined) return other;
      const loading = options.slots
        .run(() => read(path, entry))
        ?.finally(() => underWay.delete(key));
      if (loading === undefined) return { kind: "busy" };
      underWay.set(key, loading);
      return loading;
    },
  };
}

const isOf = (footer: SegmentFooter, path: PartitionPath, entry: SegmentEntry): boolean =>
  footer.topicId === path.topicId &&
  footer.index === path.index &&
  footer.baseOffset === entry.baseOffset &&
  footer.endOffset === entry.endOffset &&
  footer.dataBytes === entry.dataBytes;
