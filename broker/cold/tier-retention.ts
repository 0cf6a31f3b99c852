import { isExpired } from "../log/retention.ts";
import { LogReadError, type RetentionSettings } from "../log/partition-log.ts";
import type { PageEntry, SegmentEntry } from "../tiering/manifest.ts";
import type { Tier, TierPlace } from "./tier.ts";

/** A segment, or a page of them, the oldest first. */
export type TieredUnit = Pick<
  SegmentEntry | PageEntry,
  "baseOffset" | "endOffset" | "sizeBytes" | "maxTimestamp"
>;

/**
 * Where the log start belongs: behind the segments that have expired, by the same rules as what is still here (retention.ts). `localBytes`: of what only the
 * log has, which counts for `retention.bytes` and goes last.
 */
export function retainedTier(
  units: readonly TieredUnit[],
  at: {
    readonly logStartOffset: number;
    readonly localBytes: number;
    readonly settings: RetentionSettings;
    readonly nowMs: number;
  },
): number {
  const live = units.filter(({ endOffset }) => endOffset > at.logStartOffset);
  let bytes = live.reduce((sum, { sizeBytes }) => sum + sizeBytes, at.localBytes);
  let start = at.logStartOffset;
  for (const unit of live) {
    const isGoing = isExpired(unit, bytes, at.settings, at.nowMs);
    // Compaction may leave a segment without a record: whether it goes is said by the next that has a time, or it would keep all behind it for ever.
    if (!isGoing && unit.maxTimestamp >= 0) break;
    if (isGoing) start = unit.endOffset;
    bytes -= unit.sizeBytes;
  }
  return start;
}

/** What the object store alone has of a partition: the oldest page by its segments, later ones as they are. Throws LogReadError. */
export async function tieredUnits(
  tier: Pick<Tier, "manifest" | "pages" | "pathOf">,
  place: TierPlace,
  localStartOffset: number,
): Promise<readonly TieredUnit[]> {
  const manifest = await tier.manifest(place);
  if (manifest === null) return [];
  const [oldest, ...later] = manifest.pages;
  const first = oldest === undefined ? [] : await entriesOf(tier, place, oldest);
  return [...first.map(recordsOf), ...later, ...manifest.segments.map(recordsOf)].filter(
    ({ endOffset }) => endOffset <= localStartOffset,
  );
}

/** Without the footer: Kafka's `retention.bytes` does not count indexes either, and of a small segment it is the most. A page does not know. */
const recordsOf = (entry: SegmentEntry): TieredUnit => ({ ...entry, sizeBytes: entry.dataBytes });

async function entriesOf(
  { pages, pathOf }: Pick<Tier, "pages" | "pathOf">,
  place: TierPlace,
  page: PageEntry,
): Promise<readonly SegmentEntry[]> {
  const loaded = await pages.load(pathOf(place), page);
  if (loaded.kind === "page") return loaded.entries;
  throw new LogReadError(`a page of a manifest: ${loaded.kind}`);
}
