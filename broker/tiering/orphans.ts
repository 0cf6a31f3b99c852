import type { ObjectStore } from "../../ports/object-store.ts";
import { deleteObjects } from "./delete-objects.ts";
import type { LoadedPage, ManifestPages } from "./manifest-pages.ts";
import type { ManifestStore, PutManifest, StoredManifest } from "./manifest-store.ts";
import { forget, noteOrphans, type Manifest } from "./manifest.ts";
import {
  objectKey,
  parsePartitionKey,
  partitionPrefix,
  type PartitionPath,
} from "./object-keys.ts";
import { unavailable } from "./store-failure.ts";

// Objects that nobody finds: those that left the manifest, and those that never came into it (a leader died between its two puts, or a page left with what it
// listed). The manifest is the ledger: an orphan is noted in it first, which makes a put that would list the object fail, and deleted a grace later.

export type CollectionOptions = {
  readonly objects: ObjectStore;
  readonly manifests: ManifestStore;
  readonly pages: ManifestPages;
  /** `delete.grace`: how long readers may go on with a manifest they have; 10 minutes by default. */
  readonly graceMs?: number;
  /** Objects deleted in a round: 256 by default. */
  readonly maxDeleted?: number;
  /** Objects looked at in a round: 1,000 by default. */
  readonly maxListed?: number;
};

export type CollectionRound = {
  readonly path: PartitionPath;
  /** Claimed by the leader that collects. */
  readonly stored: StoredManifest;
  readonly nowMs: number;
  /** Where the last round stopped looking; null to begin with the first object. */
  readonly startAfter: string | null;
  /** Names of objects that the leader itself has put, or is putting, and will list. */
  readonly coming: ReadonlySet<string>;
};

export type Collected =
  | {
      readonly kind: "collected";
      /** The manifest now. */
      readonly stored: StoredManifest;
      readonly deletedCount: number;
      readonly notedCount: number;
      /** For the next round; null once all has been looked at. */
      readonly startAfter: string | null;
    }
  | Exclude<PutManifest, { kind: "stored" }>
  | { readonly kind: "gone" };

const defaultGraceMs = 10 * 60 * 1000;

/** One bounded round for one partition: delete what has waited for long enough, look for more, and write both down with one put. */
export async function collectOrphans(
  options: CollectionOptions,
  round: CollectionRound,
): Promise<Collected> {
  const { path, stored, nowMs } = round;
  const { objects, graceMs = defaultGraceMs, maxDeleted = 256 } = options;
  const orphans = await findOrphans(options, round);
  if (orphans.kind !== "orphans") return orphans;
  const due = stored.manifest.leaving
    .filter(({ sinceMs }) => nowMs - sinceMs >= graceMs)
    .slice(0, maxDeleted)
    .map(({ name }) => name);
  // Deleted before it is forgotten: after a failure in between it is deleted once more, which does nothing.
  const { keys, failure } = await deleteObjects(
    objects,
    due.map((name) => objectKey(path, name)),
  );
  if (failure !== null && keys.length === 0) return failure;
  const deleted = new Set(keys);
  const gone = new Set(due.filter((name) => deleted.has(objectKey(path, name))));
  const manifest = written(stored.manifest, { gone, orphans: orphans.names, nowMs });
  const counts = {
    deletedCount: gone.size,
    notedCount: manifest.leaving.length - (stored.manifest.leaving.length - gone.size),
    startAfter: orphans.startAfter,
  };
  if (manifest === stored.manifest) return { kind: "collected", stored, ...counts };
  const outcome = await options.manifests.put(path, manifest, stored);
  return outcome.kind === "stored"
    ? { kind: "collected", stored: outcome.stored, ...counts }
    : outcome;
}

function written(
  manifest: Manifest,
  found: { gone: ReadonlySet<string>; orphans: readonly string[]; nowMs: number },
): Manifest {
  const forgotten = found.gone.size === 0 ? null : forget(manifest, found.gone);
  const rest = forgotten?.kind === "changed" ? forgotten.manifest : manifest;
  if (found.orphans.length === 0) return rest;
  const noted = noteOrphans(rest, found.orphans, found.nowMs);
  // Both are one put, and one revision.
  return noted.kind === "changed" ? { ...noted.manifest, revision: manifest.revision + 1 } : rest;
}

type Orphans =
  | { readonly kind: "orphans"; readonly names: string[]; readonly startAfter: string | null }
  | Exclude<LoadedPage, { kind: "page" }>;

async function findOrphans(
  { objects, pages, maxListed = 1000 }: CollectionOptions,
  { path, stored: { manifest }, startAfter, coming }: CollectionRound,
): Promise<Orphans> {
  let listed: { key: string }[];
  try {
    const from = startAfter === null ? {} : { startAfter };
    listed = await objects.list(partitionPrefix(path), { ...from, limit: maxListed });
  } catch (error) {
    return unavailable(error);
  }
  const known = new Set([
    ...manifest.segments.map(({ name }) => name),
    ...manifest.pages.map(({ name }) => name),
    ...manifest.leaving.map(({ name }) => name),
    ...coming,
  ]);
  const names: string[] = [];
  for (const { key } of listed) {
    const object = parsePartitionKey(path, key);
    if (object === null || object.kind === "manifest" || known.has(object.name)) continue;
    if (object.kind === "segment") {
      // Of a leader we have not heard of: it will tell us so when we put.
      if (object.leaderEpoch > manifest.leaderEpoch) continue;
      const isPaged = await isInPage(pages, path, manifest, object);
      if (typeof isPaged !== "boolean") return isPaged;
      if (isPaged) continue;
    }
    names.push(object.name);
  }
  const isAll = listed.length < maxListed;
  return { kind: "orphans", names, startAfter: isAll ? null : (listed.at(-1)?.key ?? null) };
}

async function isInPage(
  pages: ManifestPages,
  path: PartitionPath,
  manifest: Manifest,
  segment: { readonly name: string; readonly baseOffset: number },
): Promise<boolean | Exclude<LoadedPage, { kind: "page" }>> {
  const page = manifest.pages.find(
    ({ baseOffset, endOffset }) =>
      baseOffset <= segment.baseOffset && segment.baseOffset < endOffset,
  );
  if (page === undefined) return false;
  const loaded = await pages.load(path, page);
  if (loaded.kind !== "page") return loaded;
  return loaded.entries.some(({ name }) => name === segment.name);
}
