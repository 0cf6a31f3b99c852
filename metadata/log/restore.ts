import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { restoredImage, revisionJump } from "../image/restored.ts";
import type { StoredTerms } from "../image/restored.ts";
import type { Image } from "../image/image.ts";
import { encodeEntry, hashEntry } from "../records/entry.ts";
import { encodeArchive } from "./archive.ts";
import { readArchivedImage } from "./archived-image.ts";
import type { ArchivedImage } from "./archived-image.ts";
import { archiveKey, archivePrefix, revisionOfKey, snapshotKey } from "./object-keys.ts";
import { listSnapshots, writeSnapshot } from "./snapshots.ts";
import { randomUuid } from "./uuid.ts";

/** A cell's place in an object store: `cells/<cell>/`. */
type CellStore = { readonly objects: ObjectStore; readonly cell: string };

export type RestoreOptions = {
  /** Read only; may be the same as `to`. */
  readonly from: CellStore;
  readonly to: CellStore & { readonly log: MetadataLog };
  /** The state after this entry; the newest there is by default. */
  readonly revision?: number;
  /** What the object store has of partitions, where somebody has looked. Asked once `beforeItBegins` is over. */
  readonly stored?: StoredTerms;
  /** What has to be done in the new place before a cell may run there; done again where the old cell's metadata went on meanwhile. Throws what restoring then throws. */
  readonly beforeItBegins?: (image: Image) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
};

export type RestoreOutcome =
  | {
      readonly kind: "restored";
      /** Of the new log's first entry. */
      readonly revision: number;
      /** The last that was read. */
      readonly fromRevision: number;
      readonly cellId: string;
      readonly topicCount: number;
      readonly partitionCount: number;
      /** Snapshots that could not be read, and were passed over. */
      readonly damaged: readonly number[];
    }
  /** The new metadata log has entries: a cell lives there. */
  | { readonly kind: "notEmpty" }
  /** The store has nothing of the cell. */
  | { readonly kind: "nothing" }
  /** Its metadata went on whenever they had been read: somebody still runs it. */
  | { readonly kind: "stillWritten" }
  /** There is no such revision; the last before it is this. */
  | { readonly kind: "tooNew"; readonly lastRevision: number };

/** What a cell that was stopped has yet to archive comes within a minute; one that goes on for longer is not stopped. */
const maxRounds = 5;

/**
 * Begins a cell anew from what the object store has of one: a snapshot of the continued image, then a genesis entry behind it in an empty metadata log.
 * Whoever still writes to the old log cannot append to this one, which begins a million revisions later. Run again after a failure it begins later still.
 * Throws MetadataDecodeError, MetadataLogError ("unavailable": the log may have begun) and ObjectStoreError.
 */
export async function restoreCell(options: RestoreOptions): Promise<RestoreOutcome> {
  const { from, to } = options;
  const present = await to.log.read(1, 1);
  if (present === "trimmed" || present.length > 0) return { kind: "notEmpty" };
  for (let round = 0; round < maxRounds; round++) {
    const archived = await readArchivedImage(from, options.revision);
    if (archived === null) return { kind: "nothing" };
    const { image, lastRevision } = archived;
    // There may be later ones all the same: a restore has left a hole before its own.
    if (image.revision < (options.revision ?? 0))
      return { kind: "tooNew", lastRevision: image.revision };
    await options.beforeItBegins?.(image);
    if (!(await hasGoneOn(from, lastRevision))) return restoreFrom(archived, options);
  }
  return { kind: "stillWritten" };
}

async function restoreFrom(
  { image, lastRevision, damaged }: ArchivedImage,
  options: RestoreOptions,
): Promise<RestoreOutcome> {
  const begun = await beginAnew({ image, lastRevision }, options);
  if (begun === null) return { kind: "notEmpty" };
  const { cellId, topics, partitionCount } = begun;
  return {
    kind: "restored",
    revision: begun.revision + 1,
    fromRevision: image.revision,
    cellId,
    topicCount: topics.size,
    partitionCount,
    damaged,
  };
}

/** What another restore has put there begins far above. */
async function hasGoneOn({ objects, cell }: CellStore, revision: number): Promise<boolean> {
  const startAfter = archiveKey(cell, revision);
  const [next] = await objects.list(archivePrefix(cell), { startAfter, limit: 1 });
  return next !== undefined && (revisionOfKey(next.key) ?? Infinity) < revision + revisionJump;
}

type Found = { readonly image: Image; readonly lastRevision: number };

/** The image that the log now begins behind; null where another one's does. */
async function beginAnew(
  { image, lastRevision }: Found,
  options: RestoreOptions,
): Promise<Image | null> {
  const { to, clock, random, stored } = options;
  for (;;) {
    // Above what an earlier try has left here, or another one meanwhile: the newest snapshot is where a process begins to read.
    const known = Math.max(lastRevision, ...(await listSnapshots(to.objects, to.cell)));
    const restored = restoredImage(image, {
      cellId: randomUuid(random),
      createdAtMs: clock.nowMs(),
      revision: known + revisionJump,
      hash: Buffer.from(random.bytes(16)).toString("hex"),
      isPast: image.revision < lastRevision,
      ...(stored === undefined ? {} : { stored }),
    });
    const outcome = await begin(restored, options);
    if (outcome === "begun") return restored;
    if (outcome === "another's") return null;
  }
}

/** "taken": another restore has put its snapshot there just now, and only one of the two would be what the log begins behind. */
async function begin(
  image: Image,
  { to, clock, random }: RestoreOptions,
): Promise<"begun" | "another's" | "taken"> {
  const { log, objects, cell } = to;
  const turn = () => new Promise<void>((resolve) => void clock.after(0, resolve));
  const { revision, isThere } = await writeSnapshot(image, { objects, cell, turn });
  if (!isThere) return "taken";
  // Maintenance looks for the end of the archive from the newest snapshot on: it is here, and empty.
  await objects.put(archiveKey(cell, revision), encodeArchive([]));
  const { cellId, level, createdAtMs, entryHash } = image;
  const genesis = encodeEntry({
    level,
    nonce: Buffer.from(random.bytes(16)).toString("hex"),
    previousHash: entryHash,
    records: [{ kind: "genesis", cellId, level, createdAtMs }],
  });
  if (await isFirst(log, revision + 1, genesis)) return "begun";
  // Above the log that was faster they would pass for its newest, and be what the next restore takes.
  await objects.delete(snapshotKey(cell, revision));
  await objects.delete(archiveKey(cell, revision));
  return "another's";
}

/** Whether the log begins with this entry. An answer that got lost, and a try that was made twice, are told by what is there. */
async function isFirst(log: MetadataLog, revision: number, entry: Uint8Array): Promise<boolean> {
  let failure: unknown = null;
  const outcome = await log.genesis(revision, entry).catch((error: unknown) => {
    if (!(error instanceof MetadataLogError) || error.code !== "unavailable") throw error;
    failure = error;
    return null;
  });
  if (outcome === "accepted") return true;
  const found = await log.read(revision, 1);
  const [first] = found === "trimmed" ? [] : found;
  if (first !== undefined) return hashEntry(first.entry) === hashEntry(entry);
  if (outcome === null) throw failure;
  return false;
}
