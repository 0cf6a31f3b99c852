import type { ObjectStore } from "../../ports/object-store.ts";
import type { EpochEntry } from "../log/epoch-cache.ts";
import type { Gap } from "../log/gaps.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import type { ManifestPages, TieredView } from "./manifest-pages.ts";
import type { SegmentEntry } from "./manifest.ts";
import { objectKey } from "./object-keys.ts";
import type { PieceCache, PieceFailure } from "./piece-cache.ts";
import type { AbortedTransaction, OpenTransaction } from "./segment-footer.ts";
import { createSegmentFooters, type LoadedFooter, type SegmentFooters } from "./segment-footers.ts";
import { positionOf } from "./segment-index.ts";
import {
  readSegment,
  type BatchesRead,
  type SegmentRange,
  type SegmentReadResult,
} from "./segment-read.ts";

export type TieredRead =
  | BatchesRead
  /** `isAtEnd`: nothing is listed from there on. Else the next batch does not fit, or may not be given: it is there. */
  | { readonly kind: "empty"; readonly isAtEnd: boolean }
  | PieceFailure;

export type TieredEnd =
  | {
      readonly kind: "end";
      /** Where a log goes on that begins with this. */
      readonly endOffset: number;
      readonly epochs: readonly EpochEntry[];
      /** `encodeProducerState` of what is known there. */
      readonly producers: Uint8Array;
      readonly openTransactions: readonly OpenTransaction[];
      readonly gaps: readonly Gap[];
    }
  /** No segment ends there. */
  | { readonly kind: "none" }
  | PieceFailure;

export type TieredAborts =
  | { readonly kind: "aborts"; readonly transactions: readonly AbortedTransaction[] }
  | PieceFailure;

/** Reads what a manifest lists. Offsets below the log's start are the caller's to refuse. Every failure may be told to a client as "try again". */
export type TieredReader = {
  /** Batches from the one that holds `fromOffset`, or comes next behind it, on: of one segment, at most a piece's worth. */
  read(view: TieredView, range: SegmentRange): Promise<TieredRead>;
  /**
   * The aborted transactions of which a reader of [fromOffset, upToOffset) has to know, in the order of their markers. Of markers behind the tiered end the
   * log knows.
   */
  abortedTransactions(
    view: TieredView,
    fromOffset: number,
    upToOffset: number,
  ): Promise<TieredAborts>;
  footer(view: TieredView, entry: SegmentEntry): Promise<LoadedFooter>;
  /** What a replica begins with whose log begins at `endOffset`, the tiered end: the footer's word of the segment that ends there. */
  epochsAndProducersAt(view: TieredView, endOffset: number): Promise<TieredEnd>;
};

export type TieredReaderOptions = {
  readonly objects: ObjectStore;
  readonly pieces: PieceCache;
  readonly pages: ManifestPages;
  /** Pieces read ahead of a reader that goes through a segment: 3 by default, one where several readers share requests and memory. */
  readonly readAheadPieces?: number;
  /** Bytes of footers kept in memory: 16 MiB by default. */
  readonly maxFooterBytes?: number;
};

/** So much of the requests is few: a quarter. */
const fewOf = 4;
/** How many readers are remembered, by where they will go on. */
const maxReaders = 4096;

export function createTieredReader(options: TieredReaderOptions): TieredReader {
  const { objects, pieces, pages, readAheadPieces = 3, maxFooterBytes } = options;
  const footers = createSegmentFooters({
    objects,
    slots: pieces.slots,
    ...(maxFooterBytes === undefined ? {} : { maxBytes: maxFooterBytes }),
  });
  // Where reads have ended: who asks for just that goes through the segment.
  const ends = createBoundedCache<true>(maxReaders);

  async function readEntry(
    view: TieredView,
    entry: SegmentEntry,
    range: SegmentRange,
  ): Promise<SegmentReadResult> {
    const loaded = await footers.load(view.path, entry);
    if (loaded.kind !== "footer") return loaded;
    const { footer } = loaded;
    const object = { key: objectKey(view.path, entry.name), sizeBytes: entry.sizeBytes };
    const isSequential =
      range.fromOffset <= entry.baseOffset ||
      ends.get(`${object.key}@${range.fromOffset}`) !== undefined;
    const read = await readSegment(pieces, { object, footer }, range);
    if (read.kind !== "data") return read;
    ends.set(`${object.key}@${read.nextOffset}`, true, 1);
    if (!isSequential) return read;
    const next = Math.floor(positionOf(footer.offsetIndex, read.nextOffset) / pieces.pieceBytes);
    for (let ahead = 0; ahead <= readAheadPieces; ahead += 1) {
      // One request gives a fraction of what the way there could; but what many read ahead pushes each other's out before it is used.
      if (ahead > 1 && pieces.slots.runningCount * fewOf >= pieces.slots.maxGets) break;
      pieces.prefetch(object, next + ahead);
    }
    return read;
  }

  return {
    async read(view, range) {
      let { fromOffset } = range;
      for (;;) {
        const found = await pages.findSegment(view, fromOffset);
        if (found.kind === "none") return { kind: "empty", isAtEnd: true };
        if (found.kind !== "found") return found;
        const { entry } = found;
        if (entry.baseOffset >= range.upToOffset) return { kind: "empty", isAtEnd: false };
        const read = await readEntry(view, entry, { ...range, fromOffset });
        if (read.kind !== "empty") return read;
        if (!read.isAtEnd) return read;
        // Compaction took the last batches of the segment.
        fromOffset = entry.endOffset;
      }
    },
    abortedTransactions: (view, fromOffset, upToOffset) =>
      collectAborts({ pages, footers }, view, { fromOffset, upToOffset }),
    footer: (view, entry) => footers.load(view.path, entry),
    async epochsAndProducersAt(view, endOffset) {
      const found = await pages.findSegment(view, endOffset - 1);
      if (found.kind !== "found") return found;
      if (found.entry.endOffset !== endOffset) return { kind: "none" };
      const loaded = await footers.load(view.path, found.entry);
      if (loaded.kind !== "footer") return loaded;
      const { epochs, producers, openTransactions, gaps } = loaded.footer;
      return { kind: "end", endOffset, epochs, producers, openTransactions, gaps };
    },
  };
}

async function collectAborts(
  { pages, footers }: { readonly pages: ManifestPages; readonly footers: SegmentFooters },
  view: TieredView,
  { fromOffset, upToOffset }: { readonly fromOffset: number; readonly upToOffset: number },
): Promise<TieredAborts> {
  const transactions: AbortedTransaction[] = [];
  let next = fromOffset;
  for (;;) {
    const found = await pages.findSegment(view, next, ({ hasAborted }) => hasAborted);
    if (found.kind === "none") return { kind: "aborts", transactions };
    if (found.kind !== "found") return found;
    const loaded = await footers.load(view.path, found.entry);
    if (loaded.kind !== "footer") return loaded;
    for (const aborted of loaded.footer.abortedTransactions) {
      if (aborted.lastOffset >= fromOffset && aborted.firstOffset < upToOffset) {
        transactions.push(aborted);
      }
      // Kafka's TransactionIndex: what began below the last stable offset of a marker has ended by then.
      if (aborted.lastStableOffset >= upToOffset) return { kind: "aborts", transactions };
    }
    next = found.entry.endOffset;
  }
}
