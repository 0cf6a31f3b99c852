import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { encodePage } from "../tiering/manifest-codec.ts";
import type { LoadedPage, ManifestPages } from "../tiering/manifest-pages.ts";
import type { ManifestStore, PutManifest, StoredManifest } from "../tiering/manifest-store.ts";
import { replaceInPage } from "../tiering/manifest-paging.ts";
import {
  replaceSegments,
  type Manifest,
  type Refusal,
  type Replacement,
  type Transition,
} from "../tiering/manifest.ts";
import { newObjectId, objectKey, pageName, type PartitionPath } from "../tiering/object-keys.ts";
import { unavailable } from "../tiering/store-failure.ts";

export type ManifestTools = {
  readonly objects: ObjectStore;
  readonly manifests: ManifestStore;
  readonly pages: ManifestPages;
  readonly random: Random;
};

export type Swapped =
  | Exclude<PutManifest, { kind: "conflict" }>
  | Exclude<LoadedPage, { kind: "page" }>
  | Refusal
  /** The manifest changed again and again. */
  | { readonly kind: "conflict" };

/** The leader's own uploads change the manifest meanwhile; each gets in between once at most, and they are minutes apart. */
const attempts = 5;

/**
 * Puts a manifest that `change` makes of the present one, again for each other one that came in between as long as its leader is the same. `change` must hold
 * for whatever is there: the transitions of manifest.ts refuse what it does not.
 */
export async function putChange(
  { manifests }: Pick<ManifestTools, "manifests">,
  place: { readonly path: PartitionPath; readonly stored: StoredManifest },
  change: (manifest: Manifest) => Promise<Transition | Exclude<LoadedPage, { kind: "page" }>>,
): Promise<Swapped> {
  const { leaderEpoch } = place.stored.manifest;
  let stored = place.stored;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const transition = await change(stored.manifest);
    if (transition.kind !== "changed") return transition;
    const put = await manifests.put(place.path, transition.manifest, stored);
    if (put.kind !== "conflict") return put;
    if (put.current === null) return { kind: "gone" };
    if (put.current.manifest.leaderEpoch !== leaderEpoch) {
      return { kind: "fenced", leaderEpoch: put.current.manifest.leaderEpoch };
    }
    stored = put.current;
  }
  return { kind: "conflict" };
}

/** Swaps a run of segments, inline or in a page, which is written anew then. What replaces them has been stored before. */
export const swapSegments = (
  tools: ManifestTools,
  place: { readonly path: PartitionPath; readonly stored: StoredManifest },
  replacement: Replacement,
): Promise<Swapped> =>
  putChange(tools, place, async (manifest) => {
    const baseOffset = replacement.to[0]?.baseOffset ?? -1;
    const page = manifest.pages.find(
      (each) => each.baseOffset <= baseOffset && baseOffset < each.endOffset,
    );
    if (page === undefined) return replaceSegments(manifest, replacement);
    const loaded = await tools.pages.load(place.path, page);
    if (loaded.kind !== "page") return loaded;
    const newPage = pageName({ baseOffset: page.baseOffset, id: newObjectId(tools.random) });
    const { entries } = loaded;
    const replaced = replaceInPage(manifest, { ...replacement, page: page.name, entries, newPage });
    if (replaced.kind !== "changed") return replaced;
    try {
      const bytes = encodePage(manifest, replaced.entries);
      await tools.objects.put(objectKey(place.path, newPage), bytes, { ifAbsent: true });
    } catch (error) {
      return unavailable(error);
    }
    return replaced;
  });
