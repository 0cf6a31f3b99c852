import type { LoadedPage, ManifestPages, TieredView } from "../tiering/manifest-pages.ts";
import { tieredEnd, type SegmentEntry } from "../tiering/manifest.ts";
import type { LoadedFooter, SegmentFooters } from "../tiering/segment-footers.ts";
import type { AbortedRange } from "./aborted-ranges.ts";

/** A listed segment, and the page that lists it, or null where the manifest itself does: a swap stays within one of them. */
export type PlannedSegment = { readonly entry: SegmentEntry; readonly page: string | null };

export type CompactionPlan = {
  readonly kind: "plan";
  /** All of the partition's, the oldest first; some hundred bytes each. */
  readonly segments: readonly PlannedSegment[];
  readonly firstDirtyOffset: number;
  /** Every transaction that began below has its end in the tier. */
  readonly endOffset: number;
  readonly aborted: readonly AbortedRange[];
  /** Records from the first dirty segment on: no more keys than that. */
  readonly dirtyRecordCount: number;
};

export type Unplanned =
  | Exclude<LoadedPage, { kind: "page" }>
  | Exclude<LoadedFooter, { kind: "footer" }>;

/** What a cleaning of the whole tier has to know, from the manifest, its pages and the dirty segments' footers. */
export async function planCompaction(
  tools: { readonly pages: ManifestPages; readonly footers: SegmentFooters },
  view: TieredView,
): Promise<CompactionPlan | Unplanned> {
  const { manifest, path } = view;
  const segments = await listSegments(tools.pages, view);
  if (!Array.isArray(segments)) return segments;
  const { cleanedTo } = manifest;
  let endOffset = tieredEnd(manifest);
  let dirtyRecordCount = 0;
  const aborted: AbortedRange[] = [];
  for (const { entry } of segments) {
    // Below, aborted transactions have nothing left that a range could tell of.
    if (entry.endOffset <= cleanedTo) continue;
    const loaded = await tools.footers.load(path, entry);
    if (loaded.kind !== "footer") return loaded;
    const { footer } = loaded;
    dirtyRecordCount += footer.recordCount;
    for (const range of footer.abortedTransactions) aborted.push(range);
    // Of one that is open where the tier ends nobody knows yet what becomes of it. This is the last stable offset, or less: its marker may lie behind the tier.
    if (entry !== segments.at(-1)?.entry) continue;
    for (const { firstOffset } of footer.openTransactions) {
      endOffset = Math.min(endOffset, firstOffset);
    }
  }
  const firstDirtyOffset = cleanedTo;
  // DeleteRecords may have moved the log's start, and with it `cleanedTo`, into a transaction that is open.
  endOffset = Math.max(endOffset, firstDirtyOffset);
  return { kind: "plan", segments, firstDirtyOffset, endOffset, aborted, dirtyRecordCount };
}

async function listSegments(
  pages: ManifestPages,
  { path, manifest }: TieredView,
): Promise<PlannedSegment[] | Exclude<LoadedPage, { kind: "page" }>> {
  const segments: PlannedSegment[] = [];
  for (const page of manifest.pages) {
    const loaded = await pages.load(path, page);
    if (loaded.kind !== "page") return loaded;
    segments.push(...loaded.entries.map((entry) => ({ entry, page: page.name })));
  }
  segments.push(...manifest.segments.map((entry) => ({ entry, page: null })));
  return segments;
}
