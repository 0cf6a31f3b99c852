import type { Image } from "../../metadata/image/image.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { ObjectStoreError } from "../../ports/object-store.ts";
import { keptTopicKey, keptTopicsPrefix } from "../tiering/object-keys.ts";
import { listPacks, loadPackDirectory } from "../tiering/pack-reading.ts";
import { storedTopics } from "../tiering/stored-topics.ts";

// A cell that was restored does not know topics that were made behind the metadata it was restored from. Brokers delete objects of topics that the metadata log
// does not have, for those were deleted; of these nobody can say so. A mark in the store keeps them until somebody takes it away.

type CellStore = { readonly objects: ObjectStore; readonly cell: string };

/**
 * Marks in `to` what any of the places has of topics that the image lacks. Before the restored cell's first entry: afterwards a broker may delete them. The
 * result is their ids. Throws ObjectStoreError.
 */
export async function keepUnknownTopics(
  image: Image,
  { to, places }: { readonly to: CellStore; readonly places: readonly CellStore[] },
): Promise<string[]> {
  const unknown = new Set<string>();
  for (const { objects, cell } of places)
    for (const topicId of [
      ...(await storedTopics(objects, cell)),
      ...(await packedTopics(objects, cell)),
    ])
      if (!image.topics.has(topicId)) unknown.add(topicId);
  for (const topicId of unknown)
    await to.objects.put(keptTopicKey(to.cell, topicId), new Uint8Array());
  return [...unknown].sort();
}

const packsAtOnce = 100;

/** Small topics may be in packs alone. One that is damaged says of none; recoveries of topics that are known say so aloud. */
async function packedTopics(objects: ObjectStore, cell: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (let startAfter: string | null = null; ;) {
    const listed = await listPacks(objects, cell, { startAfter, limit: packsAtOnce });
    if (listed.kind === "unavailable") throw new ObjectStoreError("unavailable", listed.message);
    for (const pack of listed.packs) {
      const loaded = await loadPackDirectory(objects, pack);
      if (loaded.kind === "unavailable") throw new ObjectStoreError("unavailable", loaded.message);
      if (loaded.kind === "directory")
        for (const { range } of loaded.found) found.add(range.topicId);
    }
    if (listed.startAfter === null) return found;
    startAfter = listed.startAfter;
  }
}

const keysAtOnce = 1_000;

/** Ids of topics whose objects are kept, though the metadata log does not have them. Throws ObjectStoreError. */
export async function keptTopics({ objects, cell }: CellStore): Promise<ReadonlySet<string>> {
  const prefix = keptTopicsPrefix(cell);
  const kept = new Set<string>();
  for (let startAfter = ""; ;) {
    const listed = await objects.list(prefix, {
      limit: keysAtOnce,
      ...(startAfter === "" ? {} : { startAfter }),
    });
    for (const { key } of listed) kept.add(key.slice(prefix.length));
    if (listed.length < keysAtOnce) return kept;
    startAfter = listed.at(-1)?.key ?? "";
  }
}
