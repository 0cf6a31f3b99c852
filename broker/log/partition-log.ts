import type { BatchFacts } from "./batch-validation.ts";
import type { EpochEnd, EpochEntry } from "./epoch-cache.ts";
import type { Gap } from "./gaps.ts";
import type { LogRange } from "./log-range.ts";
import type { ProducerState } from "./producer-state.ts";

/** `replicated`: acknowledged once the required replicas have written it. `fsync`: once they have flushed it. The topic's `durability` setting. */
export type Durability = "replicated" | "fsync";

/**
 * One replica's log: record batches in offset order, kept in the broker's WAL. Offsets are as Kafka defines them:
 *
 * logStartOffset <= localStartOffset <= highWatermark <= logEndOffset <= nextOffset, except that the starts may pass a high watermark that a restart has set
 * back. What lies between the two starts is in the object store only (KIP-405).
 */
export type PartitionLog = {
  readonly topicId: string;
  readonly index: number;
  /** Why this replica can no longer be trusted (damaged on disk), or null. A failed log answers nothing but KAFKA_STORAGE_ERROR. Never reset. */
  readonly failure: string | null;
  /** First offset that can be read, from here or from the object store. */
  readonly logStartOffset: number;
  /** First offset that is here. */
  readonly localStartOffset: number;
  /** The offset the next append gets; everything below may still be on its way to the disk. */
  readonly nextOffset: number;
  /** End of the last completed write, or flush for appends of durability `fsync`. What acknowledgements and replication count by. */
  readonly logEndOffset: number;
  readonly highWatermark: number;
  /** Where the earliest open transaction begins, or the high watermark. */
  readonly lastStableOffset: number;
  /** The latest epoch in the log, or -1. */
  readonly leaderEpoch: number;
  /** Bytes of record batches here that count for retention: whole pieces (one piece is what one WAL file holds of this log), as Kafka counts whole segments. */
  readonly sizeBytes: number;
  /** The WAL says that nothing of it counts before it is flushed: found so after a crash of the host, it has lost nothing that counted (replication.md C4). */
  readonly isFlushedFirst: boolean;
  /** `checkAppend` asks it; `append` records into it. */
  readonly producers: ProducerState;

  /** Begins to append under `epoch`, at `nextOffset`. Required again, with a newer epoch, after a failed commit (`LogStore.onResign`). */
  startLeaderEpoch(epoch: number): void;
  /** What appends will come with from now on, so that the WAL says so before the first one. */
  declareDurability(durability: Durability): void;
  /** The answer of OffsetForLeaderEpoch. */
  epochEndOffset(epoch: number): EpochEnd;
  /** Every epoch there is a record of from the log start on, and where it begins. */
  readonly lineage: readonly EpochEntry[];
  /** Bytes here of the batches that begin in [from, to). Throws LogReadError. */
  sizeBetween(from: number, to: number): Promise<number>;
  /** The epoch that wrote `offset`, or -1. */
  epochOf(offset: number): number;

  /**
   * Stamps `batch` in place (base offset, leader epoch), copies it into the ring and notes its producer. Synchronous; it is committed when `LogStore.onCommit`
   * names this log with a `logEndOffset` past it. The caller has validated the batch, asked `checkAppend`, and waited for `LogStore.room`.
   */
  append(batch: Uint8Array, facts: BatchFacts, options: AppendOptions): AppendOutcome;

  /** Everything below `offset` is on all replicas that count. Single replica: called with `logEndOffset` whenever a commit completes. */
  advanceHighWatermark(offset: number): void;

  /**
   * Whole batches from the one that holds `fromOffset` on. Synchronous for what the memory's index covers (the newest WAL files); a promise where a file's
   * footer has to be read. An answer of kind `data` owns its range until `release`.
   */
  read(request: ReadRequest): ReadResult | Promise<ReadResult>;

  /** Copies of the batches from the one that holds `fromOffset` up to `upToOffset`, in order. Throws LogReadError. */
  readBatches(fromOffset: number, upToOffset: number): AsyncIterable<Uint8Array>;

  /** The first record below `upToOffset` whose timestamp is at least `timestamp`; null if none. */
  findOffsetByTimestamp(timestamp: number, upToOffset: number): Promise<TimestampedOffset | null>;
  /** The record below `upToOffset` with the largest timestamp, the first of them if several; null if none. */
  maxTimestampOffset(upToOffset: number): Promise<TimestampedOffset | null>;

  /** Lets go of what lies below `offset` (at most the high watermark). Resolves once that is committed; false if it cannot be now. */
  moveLogStart(offset: number): Promise<boolean>;
  /**
   * Lets go of what is here below `offset`, which stays readable from the object store: the caller knows that it is there. Not past what a start needs in order
   * to know its producers, so perhaps less; resolves with the local start once that is committed.
   */
  releaseLocal(offset: number): Promise<number>;
  /** Where the local start belongs under these settings: the current one, or later. */
  retainedFrom(settings: RetentionSettings, nowMs: number): Promise<number>;
  /** What recoveries have skipped, ascending. */
  readonly gaps: readonly Gap[];
  /** Appends a leader's batches as they are; copies them. Nothing was appended if it refuses. */
  follow(batches: Uint8Array, options: FollowOptions): FollowOutcome;
  /**
   * Cuts the log at `offset` and rolls back epochs and producers with it. For followers, whose leader has another history: above the high watermark, save in
   * a recovery. False if it cannot be now.
   */
  truncateTo(offset: number, options?: { readonly isRecovery: boolean }): Promise<boolean>;
  /**
   * Drops everything and begins anew at `offset`: where the leader's log begins, or where the object store ends, which says what was before (replication.md F5).
   * False if it cannot be now.
   */
  restartAt(offset: number, before?: LogBefore): Promise<boolean>;
  /** Goes on at `offset`; what lies between never existed (F8). False if it cannot be now. */
  skipTo(offset: number): Promise<boolean>;
  /** One of the three is under way: where the log ends may not be where it will. */
  readonly isChanging: boolean;
  /** It takes a leader's batches: none of the three is under way, nor are its producers being read anew. */
  readonly isFollowable: boolean;
};

/** What a log that begins here is the continuation of. */
export type LogBefore = {
  readonly logStartOffset: number;
  readonly epochs: readonly EpochEntry[];
  /** As `encodeProducerState` makes them; empty for none. */
  readonly producers: Uint8Array;
  readonly gaps: readonly Gap[];
};

export type FollowOptions = {
  /** The epoch of the leader it was fetched from. */
  readonly leaderEpoch: number;
  readonly durability: Durability;
  readonly nowMs: number;
};

export type FollowOutcome =
  | { readonly kind: "appended" }
  | { readonly kind: "refused"; readonly reason: string };

export type AppendOptions = {
  readonly leaderEpoch: number;
  readonly durability: Durability;
  readonly nowMs: number;
};

export type AppendOutcome =
  | { readonly kind: "appended"; readonly baseOffset: number; readonly lastOffset: number }
  /** Nothing was appended. `fenced`: this epoch's last commit failed, or the epoch is not the one begun. `unavailable`: no room, disk full, or failed log. */
  | { readonly kind: "fenced" }
  | { readonly kind: "unavailable"; readonly reason: string };

export type ReadRequest = {
  readonly fromOffset: number;
  /** Batches are added while they fit. */
  readonly maxBytes: number;
  /** Batches end at or below it: high watermark, last stable offset, or log end. */
  readonly upToOffset: number;
  /** KIP-74: give the first batch even if it passes `maxBytes`. */
  readonly atLeastOneBatch: boolean;
};

export type ReadResult =
  | {
      readonly kind: "data";
      readonly records: LogRange;
      readonly baseOffset: number;
      /** Behind the last batch. */
      readonly nextOffset: number;
    }
  /** Nothing between `fromOffset` and `upToOffset`, or the first batch passes `maxBytes` (then `nextBatchBytes` is its size, else 0). */
  | { readonly kind: "empty"; readonly nextBatchBytes: number }
  /** Below the log start or above `nextOffset`. */
  | { readonly kind: "outOfRange" }
  /** Below the local start, not below the log start: to be read from the object store. */
  | { readonly kind: "tiered" }
  /** The log is, or was just found to be, damaged; or the disk did not answer. */
  | { readonly kind: "unavailable"; readonly reason: string };

export type TimestampedOffset = {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
};

/** Kafka's settings of the same names; -1 is without limit. */
export type RetentionSettings = { readonly retentionMs: number; readonly retentionBytes: number };

/** A read that cannot be completed: the log is damaged, was cut or dropped meanwhile, or the disk failed. */
export class LogReadError extends Error {
  /** What is there is damaged: another time it is read no better. */
  readonly isDamage: boolean;

  constructor(message: string, options: { cause?: unknown; isDamage?: boolean } = {}) {
    super(message, options);
    this.name = "LogReadError";
    this.isDamage = options.isDamage ?? false;
  }
}
