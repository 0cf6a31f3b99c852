import {
  baseOffsetAt,
  batchSizeAt,
  leaderEpochAt,
  maxTimestampAt,
} from "../../protocol/records/batch.ts";
import { decodeBatch } from "../../protocol/records/decode.ts";
import type { ManifestPages, TieredView } from "./manifest-pages.ts";
import type { SegmentEntry } from "./manifest.ts";
import type { PieceFailure } from "./piece-cache.ts";
import { offsetBefore } from "./segment-index.ts";
import type { TieredReader } from "./tiered-reader.ts";

// ListOffsets by time, in what is tiered: the manifest's times name the segment, the footer's time index where to begin in it, and the batches there the record.

/** Bound on what one batch may decompress to while a record is looked up by time. */
const maxDecompressedBytes = 256 * 1024 * 1024;
const windowBytes = 256 * 1024;

export type FoundRecord = {
  readonly kind: "found";
  readonly offset: number;
  readonly timestamp: number;
  /** Of the batch. */
  readonly leaderEpoch: number;
};

export type TimeLookup = FoundRecord | { readonly kind: "none" } | PieceFailure;

/** Offsets that count: not below the log's start, and below what the client may see. */
export type OffsetBounds = { readonly fromOffset: number; readonly upToOffset: number };

export type TimeLookupSources = { readonly reader: TieredReader; readonly pages: ManifestPages };

/** The first record within the bounds with at least that timestamp. */
export async function findOffsetByTimestamp(
  { reader, pages }: TimeLookupSources,
  view: TieredView,
  { timestamp, fromOffset, upToOffset }: OffsetBounds & { readonly timestamp: number },
): Promise<TimeLookup> {
  let next = fromOffset;
  while (next < upToOffset) {
    const found = await pages.findSegment(view, next, ({ maxTimestamp }) => {
      return maxTimestamp >= timestamp;
    });
    if (found.kind !== "found") return found;
    const { entry } = found;
    const loaded = await reader.footer(view, entry);
    if (loaded.kind !== "footer") return loaded;
    const start = offsetBefore(loaded.footer.timeIndex, timestamp) ?? entry.baseOffset;
    const bounds = { fromOffset: Math.max(start, next), upToOffset };
    const scanned = await scan(reader, view, { entry, ...bounds }, (batch) =>
      maxTimestampAt(batch, 0) < timestamp ? null : firstRecord(batch, timestamp, fromOffset),
    );
    if (scanned.kind !== "none") return scanned;
    next = entry.endOffset;
  }
  return { kind: "none" };
}

/** The first record within the bounds with the largest timestamp there is. */
export async function maxTimestampOffset(
  { reader, pages }: TimeLookupSources,
  view: TieredView,
  { fromOffset, upToOffset }: OffsetBounds,
): Promise<TimeLookup> {
  let best = null as FoundRecord | null;
  let next = fromOffset;
  while (next < upToOffset) {
    // Timestamps below 0 are none.
    const least: number = best === null ? 0 : best.timestamp + 1;
    const found = await pages.findSegment(view, next, ({ maxTimestamp }) => maxTimestamp >= least);
    if (found.kind === "none") break;
    if (found.kind !== "found") return found;
    const { entry } = found;
    const isWithin = entry.baseOffset >= fromOffset && entry.endOffset <= upToOffset;
    const from = isWithin
      ? await largestAt(reader, view, entry)
      : { kind: "from" as const, offset: Math.max(entry.baseOffset, fromOffset) };
    if (from.kind !== "from") return from;
    const range = { entry, fromOffset: from.offset, upToOffset };
    const scanned = await scan(reader, view, range, (batch) => {
      const timestamp = maxTimestampAt(batch, 0);
      if (timestamp < (best === null ? 0 : best.timestamp + 1)) return null;
      const record = firstRecord(batch, timestamp, fromOffset);
      if (record !== null) best = record;
      // The footer said that this is the one.
      return isWithin ? record : null;
    });
    if (scanned.kind !== "none" && scanned.kind !== "found") return scanned;
    next = entry.endOffset;
  }
  return best ?? { kind: "none" };
}

async function largestAt(
  reader: TieredReader,
  view: TieredView,
  entry: SegmentEntry,
): Promise<{ kind: "from"; offset: number } | PieceFailure> {
  const loaded = await reader.footer(view, entry);
  if (loaded.kind !== "footer") return loaded;
  return { kind: "from", offset: loaded.footer.maxTimestampOffset };
}

/** Calls `visit` with the batches of a segment within the bounds, until it finds something. */
async function scan(
  reader: TieredReader,
  view: TieredView,
  { entry, fromOffset, upToOffset }: OffsetBounds & { readonly entry: SegmentEntry },
  visit: (batch: Uint8Array) => FoundRecord | null,
): Promise<TimeLookup> {
  let next = fromOffset;
  while (next < entry.endOffset) {
    const read = await reader.read(view, {
      fromOffset: next,
      upToOffset: Math.min(upToOffset, entry.endOffset),
      maxBytes: windowBytes,
      atLeastOneBatch: true,
    });
    if (read.kind === "empty") break;
    if (read.kind !== "data") return read;
    for (let at = 0; at < read.bytes.length; at += batchSizeAt(read.bytes, at)) {
      const found = visit(read.bytes.subarray(at, at + batchSizeAt(read.bytes, at)));
      if (found !== null) return found;
    }
    next = read.nextOffset;
  }
  return { kind: "none" };
}

/** The batch's first record from `fromOffset` on with at least that timestamp. */
function firstRecord(batch: Uint8Array, timestamp: number, fromOffset: number): FoundRecord | null {
  const leaderEpoch = leaderEpochAt(batch, 0);
  const decoded = decodeBatch(batch, 0, maxDecompressedBytes);
  if (decoded.kind !== "decoded") {
    // A client's own doing (records are not looked into on produce): the batch as a whole stands for them.
    const offset = baseOffsetAt(batch, 0);
    return { kind: "found", offset, timestamp: maxTimestampAt(batch, 0), leaderEpoch };
  }
  const record = decoded.records.find(
    (each) => each.timestamp >= timestamp && each.offset >= fromOffset,
  );
  if (record === undefined) return null;
  return { kind: "found", offset: record.offset, timestamp: record.timestamp, leaderEpoch };
}
