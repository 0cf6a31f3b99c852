import type { ObjectStore } from "../../ports/object-store.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";
import { listPacks, loadPackDirectory } from "./pack-reading.ts";
import type { PackRange } from "./pack.ts";

const packsAtOnce = 100;

/** What every pack of a cell holds; one that is damaged says nothing. Throws ObjectStoreError. */
export async function* packedRanges(
  objects: ObjectStore,
  cell: string,
): AsyncGenerator<PackRange, void> {
  for (let startAfter: string | null = null; ;) {
    const listed = await listPacks(objects, cell, { startAfter, limit: packsAtOnce });
    if (listed.kind === "unavailable") throw new ObjectStoreError("unavailable", listed.message);
    for (const pack of listed.packs) {
      const loaded = await loadPackDirectory(objects, pack);
      if (loaded.kind === "unavailable") throw new ObjectStoreError("unavailable", loaded.message);
      if (loaded.kind === "directory") for (const { range } of loaded.found) yield range;
    }
    if (listed.startAfter === null) return;
    startAfter = listed.startAfter;
  }
}
