import type { ObjectStore } from "../../ports/object-store.ts";
import { applyEntry } from "../image/apply.ts";
import { createImage } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { decodeEntry, hashEntry } from "../records/entry.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import { decodeArchive } from "./archive.ts";
import { archiveKey, archivePrefix, revisionOfKey } from "./object-keys.ts";
import { listSnapshots, loadNewestSnapshot } from "./snapshots.ts";

export type ArchivedImage = {
  readonly image: Image;
  /** The newest revision that the store has of the cell. */
  readonly lastRevision: number;
  /** Snapshots that could not be read, and were passed over. */
  readonly damaged: readonly number[];
};

/** Each has a hundred entries or, of a quiet cell, one: whoever goes far back reads tens of thousands. */
const archivesAtOnce = 16;

/**
 * The image as the object store alone has it: a snapshot, and the archived entries behind it up to the end, or to `revision`. Null where the store has
 * nothing of the cell. Throws MetadataDecodeError: "unknown" for what a newer version wrote, "corrupt" where entries are missing or damaged before the
 * revision that is wanted.
 */
export async function readArchivedImage(
  { objects, cell }: { readonly objects: ObjectStore; readonly cell: string },
  revision = Infinity,
): Promise<ArchivedImage | null> {
  const snapshots = await listSnapshots(objects, cell);
  // The image before the first entry where there is none that can be read: the archive begins there.
  const { image: nearest, damaged } = await loadNewestSnapshot(objects, cell, revision);
  const image = nearest ?? createImage();
  let lastRevision = snapshots.at(-1) ?? 0;
  let startAfter = archiveKey(cell, image.revision);
  for (;;) {
    const page = await objects.list(archivePrefix(cell), { startAfter });
    for (let at = 0; at < page.length && image.revision < revision; at += archivesAtOnce) {
      const some = page.slice(at, at + archivesAtOnce);
      const stored = await Promise.all(some.map(({ key }) => objects.get(key)));
      for (const each of stored) replay(image, { archive: each?.bytes ?? null, revision });
    }
    for (const { key } of page) {
      startAfter = key;
      lastRevision = Math.max(lastRevision, revisionOfKey(key) ?? 0);
    }
    if (page.length === 0) break;
  }
  if (image.revision === 0) return null;
  return { image, lastRevision, damaged };
}

type Archived = { readonly archive: Uint8Array | null; readonly revision: number };

/** Two processes may have archived the same entries: those that are known are passed over. */
function replay(image: Image, { archive, revision: last }: Archived): void {
  if (image.revision >= last) return;
  if (archive === null) throw missing(image.revision + 1);
  for (const { revision, entry } of decodeArchive(archive)) {
    if (revision <= image.revision || revision > last) continue;
    if (revision !== image.revision + 1) throw missing(image.revision + 1);
    const { previousHash, records } = decodeEntry(entry);
    if (previousHash !== image.entryHash) {
      const message = `archived entry ${revision} follows another entry than the one before it`;
      throw new MetadataDecodeError("corrupt", message);
    }
    applyEntry(image, { revision, hash: hashEntry(entry), records });
  }
}

function missing(revision: number): MetadataDecodeError {
  const message = `the archive lacks entry ${revision}: a restore can go up to revision ${revision - 1}`;
  return new MetadataDecodeError("corrupt", message);
}
