import { isExpired } from "../log/retention.ts";
import { LogReadError, type PartitionLog, type RetentionSettings } from "../log/partition-log.ts";
import { tieredEnd, type PageEntry, type SegmentEntry } from "../tiering/manifest.ts";
import type { Tier, TierPlace } from "./tier.ts";

/** A segment, or a page of them, the oldest first. */
export type TieredUnit = Pick<
  SegmentEntry | PageEntry,
  "baseOffset" | "endOffset" | "sizeBytes" | "maxTimestamp"
>;

export type RetainedTier = {
  /** Where the log start belongs, as far as the units say. */
  readonly start: number;
  /** Nothing of them is young enough to keep what comes behind: that says how it goes on. */
  readonly isThrough: boolean;
};

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
): RetainedTier {
  const live = units.filter(({ endOffset }) => endOffset > at.logStartOffset);
  let bytes = live.reduce((sum, { sizeBytes }) => sum + sizeBytes, at.localBytes);
  let start = at.logStartOffset;
  for (const unit of live) {
    const isGoing = isExpired(unit, bytes, at.settings, at.nowMs);
    // Compaction may leave a segment without a record: whether it goes is said by the next that has a time, or it would keep all behind it for ever.
    if (!isGoing && unit.maxTimestamp >= 0) return { start, isThrough: false };
    if (isGoing) start = unit.endOffset;
    bytes -= unit.sizeBytes;
  }
  return { start, isThrough: true };
}

/**
 * What the object store alone has of a partition: the oldest page by its segments, later ones as they are, and of the one that the local log begins in what
 * lies before that. Throws LogReadError.
 */
export async function tieredUnits(
  tier: Pick<Tier, "manifest" | "pages" | "pathOf">,
  place: TierPlace,
  log: Pick<PartitionLog, "localStartOffset" | "highWatermark" | "sizeBetween">,
): Promise<readonly TieredUnit[]> {
  const { localStartOffset } = log;
  let manifest = await tier.manifest(place);
  // One that was read before the last of it went there does not know what comes next. A recovery's gap ends there too.
  if (manifest === null || tieredEnd(manifest) < localStartOffset)
    manifest = await tier.manifest(place, { isFresh: true });
  if (manifest === null) return [];
  const units: TieredUnit[] = [];
  for (const page of manifest.pages) {
    // Of those that count in part what they list has to be known.
    if (units.length === 0 || page.endOffset > localStartOffset)
      units.push(...(await entriesOf(tier, place, page)).map(recordsOf));
    else units.push(page);
    if (page.endOffset >= localStartOffset) break;
  }
  units.push(...manifest.segments.map(recordsOf));
  return uptoLocal(units, log);
}

/** What lies below the local start, whole or in part. */
async function uptoLocal(
  all: readonly TieredUnit[],
  log: Pick<PartitionLog, "localStartOffset" | "highWatermark" | "sizeBetween">,
): Promise<readonly TieredUnit[]> {
  const { localStartOffset } = log;
  const units = all.filter(({ baseOffset }) => baseOffset < localStartOffset);
  const last = units.at(-1);
  if (last === undefined || last.endOffset <= localStartOffset) return units;
  // Its largest timestamp may be of a record that is here: then it goes a little later, as a segment of Kafka's does.
  const here = await log.sizeBetween(localStartOffset, Math.min(last.endOffset, log.highWatermark));
  const sizeBytes = Math.max(0, last.sizeBytes - here);
  return [...units.slice(0, -1), { ...last, endOffset: localStartOffset, sizeBytes }];
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
