import type { ProducerEntry } from "../log/producer-state.ts";
import type { AbortedRange } from "./aborted-ranges.ts";

/** What one run of the cleaner is told. Plain data: it travels to another thread. */
export type CleaningJob = {
  /** Where the last run's map ended: what lies below is clean but for keys that come again from here on. */
  readonly firstDirtyOffset: number;
  /**
   * Nothing from here on is touched: at most the last stable offset, so that no open transaction is. Every transaction below has ended; its marker may lie
   * behind.
   */
  readonly endOffset: number;
  /** `delete.retention.ms`; Infinity keeps tombstones for good. */
  readonly deleteRetentionMs: number;
  /** `min.compaction.lag.ms`: a batch with a younger timestamp ends the dirty section. */
  readonly minCompactionLagMs: number;
  readonly nowMs: number;
  /** All aborted transactions that have records in what will be read. */
  readonly aborted: readonly AbortedRange[];
  /** The producers that the log's leader remembers now. */
  readonly producers: readonly LiveProducer[];
  /** Memory of the key map (`keyMapBytes`); what does not fit waits for the next run. */
  readonly mapMemoryBytes: number;
  /** 32 random bits. */
  readonly hashSeed: number;
  /** Bound on what one batch may decompress to. */
  readonly maxDecompressedBytes: number;
};

export type LiveProducer = {
  readonly producerId: number;
  readonly epoch: number;
  /** The last offset of its last batch of this epoch, or -1 where a marker is all that it has. */
  readonly lastDataOffset: number;
};

/** The live producers of a partition's producer state. */
export const liveProducersOf = (entries: Iterable<ProducerEntry>): LiveProducer[] =>
  Array.from(entries, ({ producerId, epoch, batches }) => ({
    producerId,
    epoch,
    lastDataOffset: batches.at(-1)?.lastOffset ?? -1,
  }));

/** `corruptState`: stored bytes are damaged, at this offset or behind it; nothing may be made of them. `tooLarge`: one batch passes a bound of the job. */
export type CleaningFailure = {
  readonly kind: "corruptState" | "tooLarge";
  readonly offset: number;
  readonly message: string;
};

/**
 * Why the map ends where it does. `end`: at the job's end. `young`: within `min.compaction.lag.ms`. `full`: out of memory, and the next run goes on from there.
 */
export type MapStop = "end" | "young" | "full";

export type Mapped = {
  readonly kind: "mapped";
  /** The offset up to which all keys are in the map. */
  readonly mappedEnd: number;
  /** Not null: later bytes will not be looked at, none need be fed. */
  readonly stop: MapStop | null;
};

export type Rewritten = {
  readonly kind: "rewritten";
  /** Whole batches; the very bytes that came where nothing changed. */
  readonly bytes: Uint8Array;
  readonly isChanged: boolean;
};

export type CleaningStatistics = {
  /** Of the mapping pass. */
  readonly mappedRecords: number;
  readonly mappedBytes: number;
  readonly keyCount: number;
  /** Of the rewriting pass: what went in and what came out. Records of compressed batches that are dropped unread count by their headers. */
  readonly recordsRead: number;
  readonly recordsKept: number;
  readonly bytesRead: number;
  readonly bytesKept: number;
  readonly batchesRewritten: number;
  /** Headers that were left, for their producers' sake. */
  readonly batchesEmptied: number;
  /** When the first of the tombstones and markers that are left may go, and the last; null where there are none. */
  readonly firstDeleteHorizonMs: number | null;
  readonly lastDeleteHorizonMs: number | null;
  /** Bytes of those tombstones and markers, as they are uncompressed. */
  readonly expiringBytes: number;
};

export type CleaningSummary = CleaningStatistics & {
  /** The next run's `firstDirtyOffset`, once what came out of this one is in place for the whole log below it. */
  readonly cleanedTo: number;
};
