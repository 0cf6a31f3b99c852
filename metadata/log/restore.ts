import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { restoredImage, revisionJump } from "../image/restored.ts";
import type { Image } from "../image/image.ts";
import { encodeEntry } from "../records/entry.ts";
import { encodeArchive } from "./archive.ts";
import { readArchivedImage } from "./archived-image.ts";
import { archiveKey } from "./object-keys.ts";
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
  /** The highest leader epoch that the object store has of a partition, where somebody has looked; -1 if nothing is there. */
  readonly epochFloorOf?: (topicId: string, index: number) => number;
  /** What has to be done in the new place before a cell may run there. Throws what restoring then throws. */
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
  /** It does not reach so far. */
  | { readonly kind: "tooNew"; readonly lastRevision: number };

/**
 * Begins a cell anew from what the object store has of one: a snapshot of the continued image, then a genesis entry behind it in an empty metadata log.
 * Whoever still writes to the old log cannot append to this one, which begins a million revisions later. Run again after a failure it begins later still.
 * Throws MetadataDecodeError, MetadataLogError ("unavailable": the log may have begun) and ObjectStoreError.
 */
export async function restoreCell(options: RestoreOptions): Promise<RestoreOutcome> {
  const { from, to, clock, random } = options;
  const present = await to.log.read(1, 1);
  if (present === "trimmed" || present.length > 0) return { kind: "notEmpty" };
  const archived = await readArchivedImage(from, options.revision);
  if (archived === null) return { kind: "nothing" };
  const { image, lastRevision, damaged } = archived;
  if (image.revision < (options.revision ?? 0)) return { kind: "tooNew", lastRevision };
  await options.beforeItBegins?.(image);
  // Above what an earlier try has left here, or another one meanwhile: the newest snapshot is where a process begins to read.
  const known = Math.max(lastRevision, ...(await listSnapshots(to.objects, to.cell)));
  const restored = restoredImage(image, {
    cellId: randomUuid(random),
    createdAtMs: clock.nowMs(),
    revision: known + revisionJump,
    hash: Buffer.from(random.bytes(16)).toString("hex"),
    isPast: image.revision < lastRevision,
    ...(options.epochFloorOf === undefined ? {} : { epochFloorOf: options.epochFloorOf }),
  });
  const outcome = await begin(restored, options);
  if (outcome === "conflict") return { kind: "notEmpty" };
  const { cellId, topics, partitionCount } = restored;
  return {
    kind: "restored",
    revision: restored.revision + 1,
    fromRevision: image.revision,
    cellId,
    topicCount: topics.size,
    partitionCount,
    damaged,
  };
}

async function begin(
  image: Image,
  { to, clock, random }: RestoreOptions,
): Promise<"accepted" | "conflict"> {
  const { log, objects, cell } = to;
  const turn = () => new Promise<void>((resolve) => void clock.after(0, resolve));
  const revision = await writeSnapshot(image, { objects, cell, turn });
  // Maintenance looks for the end of the archive from the newest snapshot on: it is here, and empty.
  await objects.put(archiveKey(cell, revision), encodeArchive([]));
  const { cellId, level, createdAtMs, entryHash } = image;
  const genesis = encodeEntry({
    level,
    nonce: Buffer.from(random.bytes(16)).toString("hex"),
    previousHash: entryHash,
    records: [{ kind: "genesis", cellId, level, createdAtMs }],
  });
  return log.genesis(revision + 1, genesis);
}
