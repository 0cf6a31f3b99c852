import type { ObjectStore } from "../../ports/object-store.ts";
import type { Image } from "../image/image.ts";
import { decodeSnapshot, encodingSnapshot } from "../image/snapshot.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import { revisionOfKey, snapshotKey, snapshotPrefix } from "./object-keys.ts";

/** Revisions that have a snapshot, ascending. There are a handful: maintenance keeps the newest. */
export async function listSnapshots(objects: ObjectStore, cell: string): Promise<number[]> {
  const found = await objects.list(snapshotPrefix(cell));
  return found.flatMap(({ key }) => {
    const revision = revisionOfKey(key);
    return revision === null ? [] : [revision];
  });
}

/**
 * The newest image that can be read of those up to `upTo`, or null without any. A damaged one is passed over for the one before it: the log reaches back
 * behind that too. One of a newer version throws, for this process must stop.
 */
export async function loadNewestSnapshot(
  objects: ObjectStore,
  cell: string,
  upTo = Infinity,
): Promise<{ image: Image | null; damaged: number[] }> {
  const damaged: number[] = [];
  for (const revision of (await listSnapshots(objects, cell)).reverse()) {
    if (revision > upTo) continue;
    const stored = await objects.get(snapshotKey(cell, revision));
    if (stored === null) continue;
    try {
      return { image: decodeSnapshot(stored.bytes), damaged };
    } catch (error) {
      if (!(error instanceof MetadataDecodeError) || error.code === "unknown") throw error;
      damaged.push(revision);
    }
  }
  return { image: null, damaged };
}

/**
 * The image as it is now, encoded bit by bit: `turn` lets the process do something else in between. Two processes that write the same revision of one log
 * write the same image, so it does not matter who was first. `isThere` is false where the store has another log's image under that revision: nothing was
 * written then.
 */
export async function writeSnapshot(
  image: Image,
  { objects, cell, turn }: { objects: ObjectStore; cell: string; turn: () => Promise<void> },
): Promise<{ revision: number; isThere: boolean }> {
  const { revision, entryHash } = image;
  const key = snapshotKey(cell, revision);
  const encoding = encodingSnapshot(image);
  for (;;) {
    const step = encoding.next();
    if (step.done !== true) {
      await turn();
      continue;
    }
    const put = await objects.put(key, step.value, { ifAbsent: true });
    return { revision, isThere: put !== null || (await isOfLog(objects, key, entryHash)) };
  }
}

/** Whether the snapshot follows the entry of that hash. One that cannot be read does not; one of a newer version is left to those who can. */
async function isOfLog(objects: ObjectStore, key: string, entryHash: string): Promise<boolean> {
  const stored = await objects.get(key);
  try {
    return stored !== null && decodeSnapshot(stored.bytes).entryHash === entryHash;
  } catch (error) {
    if (!(error instanceof MetadataDecodeError)) throw error;
    return error.code === "unknown";
  }
}
