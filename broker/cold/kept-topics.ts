import type { Image } from "../../metadata/image/image.ts";
import { isOvertaken } from "../../metadata/log/overtaken.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { forEachAtOnce } from "../log/at-once.ts";
import { keptTopicKey, keptTopicsPrefix } from "../tiering/object-keys.ts";
import { packedRanges } from "../tiering/packed-ranges.ts";
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
  const note = (topicId: string): void => {
    if (!image.topics.has(topicId)) unknown.add(topicId);
  };
  for (const { objects, cell } of places) {
    for (const topicId of await storedTopics(objects, cell)) note(topicId);
    // Small topics may be in packs alone.
    for await (const { topicId } of packedRanges(objects, cell)) note(topicId);
  }
  await forEachAtOnce([...unknown], putsAtOnce, async (topicId) => {
    await to.objects.put(keptTopicKey(to.cell, topicId), new Uint8Array());
  });
  return [...unknown].sort();
}

const keysAtOnce = 1_000;
const putsAtOnce = 16;

/** What is to be done about objects of topics that the metadata log does not have. */
export type Keeping = {
  /** Another cell has begun over the same objects: all that is unknown here may be its own. */
  readonly isOvertaken: boolean;
  readonly isKept: (topicId: string) => boolean;
};

/** Throws ObjectStoreError and MetadataLogError. */
export async function keptTopics(
  at: CellStore & { readonly metadata: Pick<MetadataReplica, "image" | "readToHead"> },
): Promise<Keeping> {
  if (await isOvertaken(at)) return { isOvertaken: true, isKept: () => true };
  const marked = await markedTopics(at);
  return { isOvertaken: false, isKept: (topicId) => marked.has(topicId) };
}

async function markedTopics({ objects, cell }: CellStore): Promise<ReadonlySet<string>> {
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
