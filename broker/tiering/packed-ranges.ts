import type { ObjectStore } from "../../ports/object-store.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";
import { forEachAtOnce } from "../log/at-once.ts";
import { listPacks, loadPackDirectory } from "./pack-reading.ts";
import type { PackRange } from "./pack.ts";

const packsPerPage = 100;
const packsAtOnce = 16;

/** What every pack of a cell holds; one that is damaged says nothing, and one of a later version is waited for. Throws ObjectStoreError. */
export async function* packedRanges(
  objects: ObjectStore,
  cell: string,
): AsyncGenerator<PackRange, void> {
  for (let startAfter: string | null = null; ;) {
    const listed = await listPacks(objects, cell, { startAfter, limit: packsPerPage });
    if (listed.kind === "unavailable") throw new ObjectStoreError("unavailable", listed.message);
    const ranges: PackRange[] = [];
    await forEachAtOnce(listed.packs, packsAtOnce, async (pack) => {
      const loaded = await loadPackDirectory(objects, pack);
      if (loaded.kind === "unavailable" || (loaded.kind === "corrupt" && loaded.isOfOtherVersion))
        throw new ObjectStoreError("unavailable", loaded.message);
      if (loaded.kind === "directory") for (const range of loaded.ranges) ranges.push(range);
    });
    yield* ranges;
    if (listed.startAfter === null) return;
    startAfter = listed.startAfter;
  }
}
