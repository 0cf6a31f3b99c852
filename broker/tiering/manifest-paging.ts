import {
  changed,
  isOfLeader,
  leavingSince,
  maxLeaving,
  rejected,
  replacedRun,
  type Changed,
  type Manifest,
  type PageEntry,
  type Refusal,
  type Replacement,
  type SegmentEntry,
} from "./manifest.ts";

// A list that grows is not written anew with each change: older entries lie in pages, objects of their own that are never changed.

/** With more, the oldest go to a page. */
export const maxInlineSegments = 512;
/** Half of what is inline, so that a page is cut once in as many appends. */
export const segmentsPerPage = 256;

/** With too many segments inline: the manifest with the oldest of them in a page called `name`, and what that lists. Else null. */
export function splitOldest(
  manifest: Manifest,
  name: string,
): { readonly manifest: Manifest; readonly entries: readonly SegmentEntry[] } | null {
  if (manifest.segments.length <= maxInlineSegments) return null;
  const entries = manifest.segments.slice(0, segmentsPerPage);
  return {
    manifest: {
      ...manifest,
      pages: [...manifest.pages, pageOf(name, entries)],
      segments: manifest.segments.slice(segmentsPerPage),
    },
    entries,
  };
}

/** What the manifest says of a page with these entries (at least one). */
export function pageOf(name: string, entries: readonly SegmentEntry[]): PageEntry {
  const page = {
    name,
    baseOffset: entries[0]?.baseOffset ?? 0,
    endOffset: entries.at(-1)?.endOffset ?? 0,
    segmentCount: entries.length,
    sizeBytes: 0,
    minTimestamp: -1,
    maxTimestamp: -1,
    hasAborted: false,
  };
  for (const entry of entries) {
    page.sizeBytes += entry.sizeBytes;
    page.hasAborted ||= entry.hasAborted;
    page.maxTimestamp = Math.max(page.maxTimestamp, entry.maxTimestamp);
    if (entry.minTimestamp < 0) continue;
    page.minTimestamp =
      page.minTimestamp < 0 ? entry.minTimestamp : Math.min(page.minTimestamp, entry.minTimestamp);
  }
  return page;
}

export type PageReplacement = Replacement & {
  /** The page's name, and what it lists. */
  readonly page: string;
  readonly entries: readonly SegmentEntry[];
  /** Of the page that takes its place; it is put before the manifest. */
  readonly newPage: string;
};

/** The same within a page, which is written anew: its entries come back beside the manifest. */
export function replaceInPage(
  manifest: Manifest,
  replacement: PageReplacement,
): (Changed & { readonly entries: readonly SegmentEntry[] }) | Refusal {
  const at = manifest.pages.findIndex(({ name }) => name === replacement.page);
  if (at < 0) return rejected(`no page ${replacement.page} is listed`);
  const entries = replacedRun(replacement.entries, replacement, manifest.leaving);
  if (typeof entries === "string") return rejected(entries);
  if (!isOfLeader(manifest, replacement)) {
    return { kind: "fenced", leaderEpoch: manifest.leaderEpoch };
  }
  if (entries.length > 2 * segmentsPerPage) return rejected("the page would be too long");
  const gone = [...replacement.from, replacement.page];
  if (manifest.leaving.length + gone.length > maxLeaving) return { kind: "busy" };
  const pages = manifest.pages.with(at, pageOf(replacement.newPage, entries));
  return {
    ...changed(manifest, {
      pages,
      leaving: [...manifest.leaving, ...leavingSince(gone, replacement.nowMs)],
      cleanedTo: Math.max(manifest.cleanedTo, replacement.cleanedTo ?? 0),
    }),
    entries,
  };
}
