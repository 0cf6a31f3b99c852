import type { Clock } from "../../ports/clock.ts";
import { LogReadError } from "../log/partition-log.ts";
import { createBoundedCache } from "../tiering/bounded-cache.ts";
import type { ManifestStore, StoredManifest } from "../tiering/manifest-store.ts";
import type { Manifest } from "../tiering/manifest.ts";
import { partitionPrefix, type PartitionPath } from "../tiering/object-keys.ts";

/** Manifests as they were read last, or put here. */
export type ManifestViews = {
  /** What this broker has put. */
  note(path: PartitionPath, stored: StoredManifest): void;
  /** As it was read last, if that was not too long ago. `isFresh`: as the store has it now, or later. Throws LogReadError where the store does not answer. */
  manifest(path: PartitionPath, options: { readonly isFresh: boolean }): Promise<Manifest | null>;
  forget(path: PartitionPath): void;
};

/** Objects that have left a manifest are there for ten minutes more. */
const viewMs = 60_000;
const maxViews = 4_096;

type View = { readonly stored: StoredManifest | null; readonly readMs: number };

/** `next`: for those who have come since, one more look that they share. */
type Look = { readonly found: Promise<Manifest | null>; next: Promise<Manifest | null> | null };

export function createManifestViews(options: {
  readonly clock: Clock;
  readonly manifests: Pick<ManifestStore, "load">;
}): ManifestViews {
  const { clock, manifests } = options;
  const views = createBoundedCache<View>(maxViews);
  const looks = new Map<string, Look>();

  const note = (path: PartitionPath, stored: StoredManifest | null): void =>
    views.set(partitionPrefix(path), { stored, readMs: clock.monotonicMs() }, 1);

  async function read(path: PartitionPath): Promise<Manifest | null> {
    const loaded = await manifests.load(path);
    if (loaded.kind !== "loaded") throw new LogReadError(`a manifest: ${loaded.message}`);
    // What was put here while this was on its way is what is there by now.
    const known = views.get(partitionPrefix(path))?.stored ?? null;
    if (known !== null && revisionOf(known) > revisionOf(loaded.stored)) return known.manifest;
    note(path, loaded.stored);
    return loaded.stored?.manifest ?? null;
  }

  function look(path: PartitionPath): Promise<Manifest | null> {
    const key = partitionPrefix(path);
    const found = read(path).finally(() => looks.delete(key));
    looks.set(key, { found, next: null });
    return found;
  }

  return {
    note,
    forget: (path) => views.delete(partitionPrefix(path)),
    manifest(path, { isFresh }) {
      const key = partitionPrefix(path);
      const known = views.get(key);
      if (!isFresh && known !== undefined && clock.monotonicMs() - known.readMs < viewMs)
        return Promise.resolve(known.stored?.manifest ?? null);
      const underWay = looks.get(key);
      if (underWay === undefined) return look(path);
      if (!isFresh) return underWay.found;
      // Its answer may have left the store before what the caller knows to be there was put.
      underWay.next ??= underWay.found
        .catch(() => null)
        .then(() => looks.get(key)?.found ?? look(path));
      return underWay.next;
    },
  };
}

const revisionOf = (stored: StoredManifest | null): number => stored?.manifest.revision ?? 0;
