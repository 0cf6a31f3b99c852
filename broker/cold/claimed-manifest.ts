import type { StoredManifest } from "../tiering/manifest-store.ts";
import { tieredStart, type Manifest } from "../tiering/manifest.ts";

/** What a leader knows of a manifest that it has claimed. */
export type Claimed = {
  readonly leaderEpoch: number;
  stored: StoredManifest;
  /** What producers were at the tiered end; null if that is in the last segment's footer only. */
  producers: Uint8Array | null;
  startAfter: string | null;
  /** All that is there has been looked at once in this term. */
  isSwept: boolean;
};

/** What such a page listed is named nowhere afterwards: only a look at all that is there finds it. Of one that was written anew it is named there. */
export function hasPageLeft(before: Manifest, after: Manifest): boolean {
  const start = tieredStart(after);
  return before.pages.some(({ endOffset }) => start < 0 || endOffset <= start);
}
