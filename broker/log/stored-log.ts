import { assert } from "../assert.ts";
import { appendToLog, declareDurability } from "./append-to-log.ts";
import type { BatchFacts } from "./batch-validation.ts";
import {
  assignEpoch,
  createEpochCache,
  endOffsetFor,
  epochOfOffset,
  latestEpoch,
  truncateEpochsFromEnd,
  truncateEpochsFromStart,
  type EpochCache,
  type EpochEnd,
  type EpochEntry,
} from "./epoch-cache.ts";
import { restartLog, skipInLog, truncateLog } from "./change-end.ts";
import { followBatches } from "./follow.ts";
import { beforeGap, gapsBelow, type Gap } from "./gaps.ts";
import { bytesBetween } from "./log-size.ts";
import { moveStart } from "./move-start.ts";
import { readLog } from "./read-log.ts";
import { readProducersAnew } from "./read-producers-anew.ts";
import { readBatches } from "./read-batches.ts";
import { retainedFrom } from "./retained-from.ts";
import { findOffsetByTimestamp, maxTimestampOffset } from "./time-lookup.ts";
import { lastStableOffset, releaseReplicated } from "./open-transactions.ts";
import {
  createProducerState,
  releaseProducers,
  type ProducerLimits,
  type ProducerState,
} from "./producer-state.ts";
import { decodeProducerState } from "./producer-snapshot.ts";
import { rollBackProducers } from "./roll-back-producers.ts";
import type {
  AppendOptions,
  AppendOutcome,
  Durability,
  FollowOptions,
  FollowOutcome,
  LogBefore,
  PartitionLog,
  ReadRequest,
  ReadResult,
  RetentionSettings,
  TimestampedOffset,
} from "./partition-log.ts";
import type { WalFile } from "./wal-file.ts";
import {
  addRow,
  cutPieceAtOffset,
  cutPieceAtPosition,
  firstOffsetOf,
  endOffsetOf,
  pieceOf,
  trimmedPiece,
  type Piece,
} from "./wal-index.ts";
import { touch, type Span, type Wal } from "./wal.ts";

/** Batches of an old file that were appended again, unchanged, when it was reclaimed. */
export type CopiedRange = {
  readonly file: WalFile;
  readonly startOffset: number;
  endOffset: number;
};

/** Files before `beforeSequence` count for this log only below `offset`: the log was truncated after they were sealed. */
export type Cut = { readonly beforeSequence: number; readonly offset: number };

/** `sequence`: of the file that says so. `before`: what the log continues, from the object store; null for nothing. */
type Beginning = { readonly sequence: number; readonly before: LogBefore | null };

/** What logs share. */
export type LogContext = {
  readonly wal: Wal;
  readonly producerLimits: ProducerLimits;
  readonly maxBatchBytes: number;
  /** The log is damaged: takes it offline and says so. */
  readonly onDamage: (log: StoredLog, reason: string) => void;
  /** A log begins later now: files may hold nothing any more. */
  readonly onShrunk: () => void;
  /** Producer state from the latest checkpoint and the log behind it, up to the log's end. */
  readonly rebuildProducers: (log: StoredLog) => Promise<ProducerState>;
};

export class StoredLog implements PartitionLog {
  readonly topicId: string;
  readonly index: number;
  /** What entries call it; never used twice. */
  readonly number: number;
  readonly context: LogContext;

  failure: string | null = null;
  isDropped = false;
  /** What the WAL says, or more: it never says so while this does not. */
  isFlushedFirst = false;
  logStartOffset = 0;
  localStartOffset = 0;
  nextOffset = 0;
  logEndOffset = 0;
  highWatermark = 0;
  sizeBytes = 0;
  epochs: EpochCache = createEpochCache();
  producers: ProducerState;

  /** By file, ascending: those whose index is in memory. Not the copies. */
  readonly pieces: Piece[] = [];
  /** By offset, ascending. */
  copies: CopiedRange[] = [];
  cuts: Cut[] = [];
  gaps: Gap[] = [];
  /** Counts cuts: what was found before one may be gone. */
  cutCount = 0;
  /** Whether files whose index has left memory may hold batches of it. */
  hasCold = false;

  span: Span | null = null;
  spanPlace = 0;
  /** The epoch appends come under; -1 while there is none. */
  appendEpoch = -1;
  /** Epochs up to this one are over, for a write of theirs failed. */
  fencedEpoch = -1;
  isRebuilding = false;
  /** What it was when the last checkpoint was taken, and when the last one that is stored was: a start knows its producers from there on. */
  capturedEnd = 0;
  checkpointedEnd = 0;
  /** Its producers where it was begun anew; null once a checkpoint has them. */
  beginning: { readonly offset: number; readonly producers: Uint8Array } | null = null;
  rebuildRound = 0;
  /** Truncations, restarts and gaps under way. */
  #changes = 0;
  /** The last move of the log start: each is measured where the one before it ended. */
  moving: Promise<unknown> = Promise.resolve();

  constructor(context: LogContext, identity: { topicId: string; index: number; number: number }) {
    this.context = context;
    this.topicId = identity.topicId;
    this.index = identity.index;
    this.number = identity.number;
    this.producers = createProducerState(context.producerLimits);
  }

  get lastStableOffset(): number {
    return lastStableOffset(this.producers.transactions, this);
  }

  get leaderEpoch(): number {
    return latestEpoch(this.epochs);
  }

  startLeaderEpoch(epoch: number): void {
    if (this.failure !== null || epoch <= this.fencedEpoch) return;
    assert(epoch >= this.appendEpoch, "leader epochs only grow");
    this.appendEpoch = epoch;
    assignEpoch(this.epochs, epoch, this.nextOffset);
  }

  epochEndOffset(epoch: number): EpochEnd {
    const end = endOffsetFor(this.epochs, epoch, this.logEndOffset);
    if (this.gaps.length === 0 || end.endOffset < 0) return end;
    // An epoch older than a recovery ends where the recovery began to skip; one that begins behind it has an end of its own.
    const endOffset = beforeGap(this.gaps, end.endOffset);
    return this.#epochStart(end.epoch) >= end.endOffset ? end : { epoch: end.epoch, endOffset };
  }

  #epochStart(epoch: number): number {
    return this.epochs.entries.find((entry) => entry.epoch === epoch)?.startOffset ?? -1;
  }

  get lineage(): readonly EpochEntry[] {
    return this.epochs.entries;
  }

  sizeBetween(from: number, to: number): Promise<number> {
    return bytesBetween(this, Math.max(from, this.localStartOffset), to);
  }

  epochOf(offset: number): number {
    return epochOfOffset(this.epochs, offset);
  }

  append(batch: Uint8Array, facts: BatchFacts, options: AppendOptions): AppendOutcome {
    return appendToLog(this, batch, { facts, options });
  }

  declareDurability(durability: Durability): void {
    declareDurability(this, durability);
  }

  /** What has just been appended counts once it is written, or flushed. The first that need not be flushed is: the WAL must not be found to say more than holds. */
  touchAs(durability: Durability): void {
    const isFlushedFirst = durability === "fsync";
    const needsFlush = isFlushedFirst || this.isFlushedFirst;
    touch(this.context.wal, this, { endOffset: this.nextOffset, needsFlush });
    this.isFlushedFirst = isFlushedFirst;
  }

  /** Notes where a batch at the log's end is. */
  indexBatch(file: WalFile, row: Parameters<typeof addRow>[1]): void {
    let piece = this.pieces.at(-1);
    if (piece === undefined || piece.file !== file) {
      piece = pieceOf(file, file.index!, this.number, false);
      this.pieces.push(piece);
    }
    addRow(piece, row);
    // One that holds the start counts no more than after a move of the start into it.
    if (row.baseOffset >= this.localStartOffset) this.sizeBytes += row.size;
  }

  completeCommit(endOffset: number): void {
    assert(endOffset <= this.nextOffset, "a commit covers what was appended");
    this.logEndOffset = Math.max(this.logEndOffset, endOffset);
  }

  /** A write failed: what was not acknowledged never was, and this epoch gives out no more offsets. */
  dropUnwritten(): void {
    for (const piece of [...this.pieces].reverse()) {
      this.sizeBytes -= cutPieceAtPosition(piece, piece.file.writtenEnd);
    }
    if (this.logEndOffset === this.localStartOffset) this.sizeBytes = 0;
    this.endAt(this.logEndOffset);
    // What said that it is no longer so may be gone with the rest.
    this.isFlushedFirst = true;
    this.fencedEpoch = Math.max(this.fencedEpoch, this.appendEpoch);
    this.appendEpoch = -1;
    this.span = null;
  }

  endAt(offset: number): void {
    this.gaps = gapsBelow(this.gaps, offset);
    this.logEndOffset = Math.min(this.logEndOffset, offset);
    this.highWatermark = Math.min(this.highWatermark, offset);
    while (this.pieces.length > 0 && this.pieces.at(-1)!.rows.length === 0) this.pieces.pop();
    this.nextOffset = offset;
    truncateEpochsFromEnd(this.epochs, offset);
    // While they are being read anew there is nothing to go back from.
    if (!this.isRebuilding && rollBackProducers(this.producers, offset)) return;
    this.isRebuilding = true;
    readProducersAnew(this);
  }

  advanceHighWatermark(offset: number): void {
    assert(offset <= this.logEndOffset, "only what is written becomes visible");
    assert(offset >= this.highWatermark, "a high watermark never moves back");
    this.highWatermark = offset;
    releaseReplicated(this.producers.transactions, offset);
  }

  read(request: ReadRequest): ReadResult | Promise<ReadResult> {
    return readLog(this, request);
  }

  readBatches(fromOffset: number, upToOffset: number): AsyncIterable<Uint8Array> {
    return readBatches(this, fromOffset, upToOffset);
  }

  findOffsetByTimestamp(timestamp: number, upToOffset: number): Promise<TimestampedOffset | null> {
    return findOffsetByTimestamp(this, timestamp, upToOffset);
  }

  maxTimestampOffset(upToOffset: number): Promise<TimestampedOffset | null> {
    return maxTimestampOffset(this, upToOffset);
  }

  retainedFrom(settings: RetentionSettings, nowMs: number): Promise<number> {
    return retainedFrom(this, settings, nowMs);
  }

  moveLogStart(offset: number): Promise<boolean> {
    assert(offset <= this.highWatermark, "the log start stays at or below the high watermark");
    return moveStart(this, "logStart", offset);
  }

  async releaseLocal(offset: number): Promise<number> {
    assert(offset <= this.highWatermark, "only what is committed is in the object store");
    // What is replayed at a start must be there for its producers, and is on the disk anyway.
    const reached = Math.min(offset, this.checkpointedEnd);
    if (reached > this.localStartOffset) await moveStart(this, "localStart", reached);
    return this.localStartOffset;
  }

  /** Applies a move of the log start, which leaves `goneBytes` behind here. */
  beginAt(offset: number, goneBytes: number): void {
    if (offset <= this.logStartOffset) return;
    this.logStartOffset = offset;
    truncateEpochsFromStart(this.epochs, offset);
    this.beginLocallyAt(offset, goneBytes);
  }

  /** The same of the local start. */
  beginLocallyAt(offset: number, goneBytes: number): void {
    if (offset <= this.localStartOffset) return;
    this.localStartOffset = offset;
    this.sizeBytes -= goneBytes;
    this.copies = this.copies.filter((range) => range.endOffset > offset);
  }

  follow(batches: Uint8Array, options: FollowOptions): FollowOutcome {
    return followBatches(this, batches, options);
  }

  truncateTo(offset: number, options = { isRecovery: false }): Promise<boolean> {
    return this.#change(() => truncateLog(this, offset, options));
  }

  restartAt(offset: number, before?: LogBefore): Promise<boolean> {
    return this.#change(() => restartLog(this, offset, before ?? null));
  }

  skipTo(offset: number): Promise<boolean> {
    return this.#change(() => skipInLog(this, offset));
  }

  get isChanging(): boolean {
    return this.#changes > 0;
  }

  get isFollowable(): boolean {
    return !this.isDropped && !this.isRebuilding && !this.isChanging;
  }

  async #change(change: () => Promise<boolean>): Promise<boolean> {
    if (this.failure !== null || this.isDropped) return false;
    this.#changes += 1;
    try {
      return await change();
    } finally {
      this.#changes -= 1;
    }
  }

  /** Nothing that was written here before counts. `sequence`: of the file that says so. */
  beginAnew(offset: number, { sequence, before }: Beginning): void {
    this.cutAt(0, sequence);
    this.gaps = [...(before?.gaps ?? [])];
    this.epochs = createEpochCache(before?.epochs);
    this.logStartOffset = before?.logStartOffset ?? offset;
    this.localStartOffset = offset;
    this.nextOffset = offset;
    this.logEndOffset = offset;
    this.highWatermark = offset;
    this.sizeBytes = 0;
    // Whatever is being replayed is of the log that was.
    this.rebuildRound += 1;
    this.isRebuilding = false;
    releaseProducers(this.producers);
    const { producerLimits } = this.context;
    const producers = before?.producers ?? new Uint8Array(0);
    this.beginning = producers.length === 0 ? null : { offset, producers };
    const restored = producers.length === 0 ? null : decodeProducerState(producers, producerLimits);
    if (restored?.kind === "corruptState") this.failure = restored.message;
    this.producers =
      restored?.kind === "restored" ? restored.state : createProducerState(producerLimits);
  }

  /** Nothing lies between the log's end and `offset`. */
  goOnAt(offset: number): void {
    if (offset <= this.nextOffset) return;
    this.gaps.push({ end: this.nextOffset, start: offset });
    this.nextOffset = offset;
  }

  /** Takes what lies at `offset` or behind out of the index: rows of files in memory, and by a cut those of older ones. */
  cutAt(offset: number, sequence: number): void {
    this.cutCount += 1;
    for (const [place, piece] of this.pieces.entries()) {
      if (piece.file.sequence >= sequence) cutPieceAtOffset(piece, offset);
      // The footer of an older file holds what the file does: it may count again, if this cut is lost.
      else if (piece.rows.length > 0 && endOffsetOf(piece) > offset) {
        this.pieces[place] = trimmedPiece(piece, offset);
      }
    }
    while (this.pieces.length > 0 && this.pieces.at(-1)!.rows.length === 0) this.pieces.pop();
    this.cuts = this.cuts.filter((cut) => cut.offset < offset);
    this.cuts.push({ beforeSequence: sequence, offset });
    for (const range of this.copies) range.endOffset = Math.min(range.endOffset, offset);
    this.copies = this.copies.filter((range) => range.endOffset > range.startOffset);
  }

  /** Lets go of the index of a file that has left memory. */
  forgetPiece(file: WalFile): void {
    const at = this.pieces.findIndex((piece) => piece.file === file);
    if (at >= 0) this.pieces.splice(at, 1);
    this.hasCold = true;
  }

  /** The first offset that memory's index covers without a gap up to the end; Infinity if none. */
  get firstHotOffset(): number {
    const first = this.pieces[0];
    return first === undefined || first.rows.length === 0 ? Infinity : firstOffsetOf(first);
  }

  get endHotOffset(): number {
    const last = this.pieces.at(-1);
    return last === undefined || last.rows.length === 0 ? -1 : endOffsetOf(last);
  }
}
