import type { MetadataEntry, MetadataLog } from "../../ports/metadata-log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { revisionJump } from "../image/restored.ts";
import type { Image } from "../image/image.ts";
import { encodeArchive } from "./archive.ts";
import type { MetadataLogOutput } from "./log-output.ts";
import { archiveKey, archivePrefix, revisionOfKey, snapshotKey } from "./object-keys.ts";
import type { Replay } from "./replay.ts";
import { listSnapshots, writeSnapshot } from "./snapshots.ts";

type MaintenanceOptions = {
  log: MetadataLog;
  objects: ObjectStore;
  cell: string;
  image: Image;
  output: MetadataLogOutput;
  /** False once this process must neither snapshot nor trim any more. */
  isFollowing(): boolean;
  /** Lets the process do something else for a moment. */
  turn: () => Promise<void>;
  /** Entries between two snapshots, and bytes of them: what comes first. */
  snapshotEvery: number;
  snapshotEveryBytes: number;
  replay: Pick<Replay, "tailBytes" | "noteSnapshot">;
  /** Entries that stay in the log behind the second newest snapshot, for processes that are slow or paused. */
  trimMargin: number;
};

export type Maintained = { archivedTo: number; snapshotAt: number; trimmedBefore: number };

const entriesPerArchive = 100;
/** A store may delete entries one at a time; between so many of them the archive is brought up, so that it does not fall behind meanwhile. */
const entriesPerTrim = 250;
const keptSnapshots = 3;

/**
 * Archives, snapshots and trims, in this order: nothing leaves the log that is not in the object store twice over. A round that finds the image as
 * the last one left it asks neither log nor store.
 */
export function createMaintenance(options: MaintenanceOptions): () => Promise<Maintained> {
  const { log, objects, cell, image, output } = options;
  let archivedTo: number | null = null;
  let trimmedBefore = 0;
  let done: { at: number; maintained: Maintained } | null = null;

  async function archive(snapshots: readonly number[]): Promise<number> {
    let position =
      archivedTo ?? (await findArchived({ objects, cell, snapshots, upTo: image.revision }));
    while (position < image.revision) {
      const entries = await log.read(position + 1, entriesPerArchive);
      if (entries === "trimmed") {
        position = await skipTrimmed(position);
        continue;
      }
      const last: MetadataEntry | undefined = entries.at(-1);
      if (last === undefined) break;
      await objects.put(archiveKey(cell, last.revision), encodeArchive(entries));
      position = last.revision;
    }
    archivedTo = position;
    return position;
  }

  /** Another process has archived on and trimmed since this one last looked; else entries are lost, and the archive goes on behind a snapshot. */
  async function skipTrimmed(position: number): Promise<number> {
    const snapshots = await snapshotsUpTo(options, aheadOf(position));
    const found = await findArchived({ objects, cell, snapshots, upTo: aheadOf(position) });
    if (found > position) return found;
    output.error("entries were trimmed before they were archived", { revision: position + 1 });
    const next = snapshots.find((revision) => revision > position);
    if (next === undefined) throw new Error(`metadata entry ${position + 1} is lost`);
    return next;
  }

  async function snapshot(snapshots: readonly number[], archived: number): Promise<number[]> {
    const newest = snapshots.at(-1) ?? 0;
    // An image that went on meanwhile waits for the next round: who finds a snapshot relies on an archive up to it.
    const isMuch =
      image.revision - newest >= options.snapshotEvery ||
      (image.revision > newest && options.replay.tailBytes >= options.snapshotEveryBytes);
    if (!isMuch || image.revision > archived || !options.isFollowing()) return [...snapshots];
    // The image as it is now; what is applied while it is stored is behind it.
    const { tailBytes } = options.replay;
    const { revision } = await writeSnapshot(image, { objects, cell, turn: options.turn });
    options.replay.noteSnapshot(tailBytes);
    const all = [...snapshots, revision];
    for (const old of all.slice(0, -keptSnapshots))
      if (!(await beginsLog(objects, cell, old))) await objects.delete(snapshotKey(cell, old));
    return all.slice(-keptSnapshots);
  }

  async function trim(snapshots: readonly number[], archived: number): Promise<void> {
    // The newest snapshot may turn out damaged: the log must reach back behind the one before it.
    const fallback = snapshots.at(-2);
    if (fallback === undefined) return;
    const before = Math.min(fallback, archived) + 1 - options.trimMargin;
    let next = Math.max(1, trimmedBefore, before - options.snapshotEvery);
    while (trimmedBefore < before && next < before && options.isFollowing()) {
      next = Math.min(before, next + entriesPerTrim);
      await log.trim(next);
      trimmedBefore = next;
      await archive(snapshots);
    }
  }

  return async () => {
    const at = image.revision;
    if (done?.at === at) return done.maintained;
    // What lies beyond is no work of this log, or will be known soon: of a cell restored over the same objects, or of a restore that came too late.
    const before = await snapshotsUpTo(options, at);
    const archived = await archive(before);
    const snapshots = await snapshot(before, archived);
    await trim(snapshots, archived);
    const snapshotAt = snapshots.at(-1) ?? 0;
    const maintained = { archivedTo: archivedTo ?? archived, snapshotAt, trimmedBefore };
    done = { at, maintained };
    return maintained;
  };
}

async function snapshotsUpTo({ objects, cell }: MaintenanceOptions, upTo: number) {
  return (await listSnapshots(objects, cell)).filter((revision) => revision <= upTo);
}

/** How far another process of the same log may be; what is a restore's jump ahead is of another log. */
const aheadOf = (revision: number): number => revision + revisionJump - 1;

/** Behind a restore's snapshot, which has an empty archive beside it, begins what is archived of its log: without it nobody could go back to those times. */
async function beginsLog(objects: ObjectStore, cell: string, revision: number): Promise<boolean> {
  return (await objects.head(archiveKey(cell, revision)))?.sizeBytes === 0;
}

type Looking = {
  readonly objects: ObjectStore;
  readonly cell: string;
  readonly snapshots: readonly number[];
  readonly upTo: number;
};

/** The last archived revision. Whoever wrote a snapshot had archived up to it, so there is nothing to look for before it. */
async function findArchived({ objects, cell, snapshots, upTo }: Looking): Promise<number> {
  let startAfter = archiveKey(cell, Math.max(0, (snapshots.at(-1) ?? 0) - 1));
  let found = 0;
  for (;;) {
    const page = await objects.list(archivePrefix(cell), { startAfter });
    for (const { key } of page) {
      const revision = revisionOfKey(key) ?? 0;
      if (revision > upTo) return found;
      found = Math.max(found, revision);
    }
    const last = page.at(-1);
    if (last === undefined) return found;
    startAfter = last.key;
  }
}
