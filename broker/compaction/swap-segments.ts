import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import { encodePage } from "../tiering/manifest-codec.ts";
import type { ManifestPages } from "../tiering/manifest-pages.ts";
import { replaceInPage } from "../tiering/manifest-paging.ts";
import {
  replaceSegments,
  type Manifest,
  type Replacement,
  type Transition,
} from "../tiering/manifest.ts";
import { newObjectId, objectKey, pageName, type PartitionPath } from "../tiering/object-keys.ts";
import { unavailable } from "../tiering/store-failure.ts";

export type Swapped =
  | { readonly kind: "done" }
  /** Another leader has claimed the manifest, or this broker leads no longer. */
  | { readonly kind: "fenced" }
  /** The store does not answer, or the log has moved on so that what was to be replaced is listed no longer: to be begun anew. */
  | { readonly kind: "failed"; readonly reason: string };

export type NextManifest = Transition | { readonly kind: "failed"; readonly reason: string };

/**
 * Puts what `next` makes of the partition's manifest as it is by then; nothing else changes it in between. Segments are added and leave between two calls, so
 * `next` must hold for whatever is there: the transitions of manifest.ts refuse what it does not.
 */
export type ChangeManifest = (
  next: (manifest: Manifest) => Promise<NextManifest>,
) => Promise<Swapped>;

export type SwapTools = {
  readonly objects: ObjectStore;
  readonly pages: ManifestPages;
  readonly random: Random;
  readonly change: ChangeManifest;
};

/** Swaps a run of segments, inline or in a page, which is written anew then. What replaces them has been stored before. */
export const swapSegments = (
  tools: SwapTools,
  path: PartitionPath,
  replacement: Replacement,
): Promise<Swapped> =>
  tools.change(async (manifest) => {
    const baseOffset = replacement.to[0]?.baseOffset ?? -1;
    const page = manifest.pages.find(
      (each) => each.baseOffset <= baseOffset && baseOffset < each.endOffset,
    );
    if (page === undefined) return replaceSegments(manifest, replacement);
    const loaded = await tools.pages.load(path, page);
    if (loaded.kind !== "page") return { kind: "failed", reason: `a page: ${loaded.kind}` };
    const newPage = pageName({ baseOffset: page.baseOffset, id: newObjectId(tools.random) });
    const { entries } = loaded;
    const replaced = replaceInPage(manifest, { ...replacement, page: page.name, entries, newPage });
    if (replaced.kind !== "changed") return replaced;
    try {
      const bytes = encodePage(manifest, replaced.entries);
      await tools.objects.put(objectKey(path, newPage), bytes, { ifAbsent: true });
    } catch (error) {
      return { kind: "failed", reason: unavailable(error).message };
    }
    return replaced;
  });
