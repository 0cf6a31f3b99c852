import { lastOffsetAt, leaderEpochAt, maxTimestampAt } from "../../protocol/records/batch.ts";
import { int32At } from "../../protocol/records/big-endian.ts";
import { addCopy } from "./copied-ranges.ts";
import { assignEpoch, decodeEpochs, truncateEpochsFromEnd } from "./epoch-cache.ts";
import type { Checkpoint, LogCheckpoint } from "./checkpoint.ts";
import { continuesLog } from "./continues-log.ts";
import { gapsBelow } from "./gaps.ts";
import { decodeLogBefore } from "./log-before.ts";
import { addLog, findLog, removeLog, type LogTable } from "./log-table.ts";
import { replayBatch } from "./producer-replay.ts";
import { releaseProducers } from "./producer-state.ts";
import { decodeProducerState } from "./producer-snapshot.ts";
import { rollBackProducers } from "./roll-back-producers.ts";
import type { LogContext, StoredLog } from "./stored-log.ts";
import { copiedFlag, decodeGoneBytes, flushedFlag, type EntryHeader } from "./wal-entry.ts";
import type { WalFile } from "./wal-file.ts";
import { addCopiedRow, addRow, cutPieceAtOffset, pieceOf, type FileIndex } from "./wal-index.ts";

// What entries do to logs, at start.

export type Replay = {
  readonly table: LogTable;
  readonly context: LogContext;
  readonly nowMs: number;
  /** Logs whose producers have to be read anew, for what is known of them does not tell what they were before a truncation. */
  readonly truncated: Set<StoredLog>;
  /** Copies in files that are not there: reclaimed since, if what is replayed has them anew. */
  readonly gone: { log: StoredLog; sequence: number; startOffset: number; endOffset: number }[];
};

/** Once everything is replayed: copies that are nowhere are a hole. */
export function failLogsWithHoles(replay: Replay): void {
  for (const { log, sequence, startOffset, endOffset: savedEnd } of replay.gone) {
    let at = Math.max(startOffset, log.localStartOffset);
    let endOffset = savedEnd;
    for (const cut of log.cuts) {
      if (sequence < cut.beforeSequence) endOffset = Math.min(endOffset, cut.offset);
    }
    for (const range of log.copies) {
      if (range.startOffset <= at) at = Math.max(at, range.endOffset);
    }
    if (at < endOffset) log.failure ??= `its WAL file ${sequence} is missing`;
  }
}

export function restoreLogs(
  replay: Replay,
  checkpoint: Checkpoint,
  fileOf: (sequence: number) => WalFile | undefined,
): void {
  replay.table.nextNumber = checkpoint.nextNumber;
  for (const saved of checkpoint.logs) restoreLog(replay, saved, fileOf);
}

const restoreLog = (
  replay: Replay,
  saved: LogCheckpoint,
  fileOf: (sequence: number) => WalFile | undefined,
): void => {
  const log = addLog(replay.table, replay.context, saved);
  log.failure = saved.failure;
  log.logStartOffset = saved.logStartOffset;
  log.localStartOffset = saved.localStartOffset;
  log.checkpointedEnd = saved.nextOffset;
  log.nextOffset = saved.nextOffset;
  log.highWatermark = saved.highWatermark;
  log.sizeBytes = saved.sizeBytes;
  log.hasCold = saved.nextOffset > saved.localStartOffset;
  log.cuts = [...saved.cuts];
  log.gaps = [...saved.gaps];
  log.isFlushedFirst = saved.isFlushedFirst;
  const epochs = decodeEpochs(saved.epochs);
  if (epochs === null) log.failure ??= "its epochs are damaged";
  else log.epochs = epochs;
  if (saved.producers.length > 0) restoreProducers(log, saved.producers);
  for (const { sequence, startOffset, endOffset } of saved.copies) {
    const file = fileOf(sequence);
    if (file !== undefined) log.copies.push({ file, startOffset, endOffset });
    else replay.gone.push({ log, sequence, startOffset, endOffset });
  }
};

const restoreProducers = (log: StoredLog, bytes: Uint8Array): void => {
  releaseProducers(log.producers);
  const restored = decodeProducerState(bytes, log.context.producerLimits);
  if (restored.kind === "restored") log.producers = restored.state;
  else log.failure ??= restored.message;
};

export function replayEntry(
  replay: Replay,
  file: WalFile,
  entry: { header: EntryHeader; body: Uint8Array; position: number },
): void {
  const { header, body } = entry;
  if (header.kind === "declared") return replayDeclared(replay, header, body);
  const log = replay.table.byNumber.get(header.partition);
  // Entries of a log that was dropped before the checkpoint was taken.
  if (log === undefined) return;
  if (header.kind === "dropped") {
    releaseProducers(log.producers);
    removeLog(replay.table, log);
    return;
  }
  if (log.failure !== null) return;
  switch (header.kind) {
    case "append":
      return replayAppend(replay, log, file, entry);
    case "truncate":
      // The checkpoint has it already: the entry had to wait for room.
      if (header.baseOffset >= log.nextOffset) return;
      log.sizeBytes -= decodeGoneBytes(body);
      log.cutAt(header.baseOffset, file.sequence);
      log.nextOffset = Math.min(log.nextOffset, header.baseOffset);
      log.gaps = gapsBelow(log.gaps, log.nextOffset);
      truncateEpochsFromEnd(log.epochs, header.baseOffset);
      if (!rollBackProducers(log.producers, header.baseOffset)) replay.truncated.add(log);
      return;
    case "logStart":
      log.beginAt(header.baseOffset, decodeGoneBytes(body));
      return;
    case "localStart":
      log.beginLocallyAt(header.baseOffset, decodeGoneBytes(body));
      return;
    case "highWatermark":
      log.highWatermark = Math.max(log.highWatermark, header.baseOffset);
      return;
    case "gap":
      log.goOnAt(header.baseOffset);
      return;
    case "start":
      replayStart(log, header, { body, sequence: file.sequence });
      // What is replayed from here on begins with no producers, as the log does.
      replay.truncated.delete(log);
      return;
  }
}

const replayStart = (
  log: StoredLog,
  { baseOffset }: EntryHeader,
  { body, sequence }: { body: Uint8Array; sequence: number },
): void => {
  const before = decodeLogBefore(body);
  if (before === "corrupt") log.failure = "what it was begun anew with is damaged";
  else log.beginAnew(baseOffset, { sequence, before });
};

const replayDeclared = (
  replay: Replay,
  { partition: number, flags }: EntryHeader,
  body: Uint8Array,
): void => {
  const topicId = Buffer.from(body.subarray(4)).toString();
  const index = int32At(body, 0);
  const { byNumber } = replay.table;
  if (!byNumber.has(number) && findLog(replay.table, topicId, index) === undefined)
    addLog(replay.table, replay.context, { topicId, index, number });
  const log = byNumber.get(number);
  if (log !== undefined) log.isFlushedFirst = (flags & flushedFlag) !== 0;
};

const replayAppend = (
  replay: Replay,
  log: StoredLog,
  file: WalFile,
  entry: { header: EntryHeader; body: Uint8Array; position: number },
): void => {
  const { header, body, position } = entry;
  const row = {
    baseOffset: header.baseOffset,
    lastOffset: lastOffsetAt(body, 0),
    maxTimestamp: maxTimestampAt(body, 0),
    position,
    size: body.length,
  };
  if ((header.flags & copiedFlag) !== 0) {
    addCopiedRow(pieceOf(file, file.index!, log.number, true), row);
    addCopy(log, file, row);
    return;
  }
  if (!continuesLog(log, row)) {
    log.failure = `a batch at ${header.baseOffset} follows the end ${log.nextOffset}`;
    return;
  }
  log.isFlushedFirst = (header.flags & flushedFlag) !== 0;
  assignEpoch(log.epochs, leaderEpochAt(body, 0), log.nextOffset);
  log.indexBatch(file, row);
  log.nextOffset = row.lastOffset + 1;
  if (replay.truncated.has(log)) return;
  const replayed = replayBatch(log.producers, body, 0, replay.nowMs);
  if (replayed.kind === "corruptState") log.failure = replayed.message;
};

/** The index alone of a file whose footer is lost: its effects on the logs are in the checkpoint. */
export function indexEntry(
  file: WalFile,
  index: FileIndex,
  entry: { header: EntryHeader; body: Uint8Array; position: number },
): void {
  const { header, body, position } = entry;
  if (header.kind === "truncate") {
    cutPieceAtOffset(pieceOf(file, index, header.partition, false), header.baseOffset);
  }
  if (header.kind === "start") {
    cutPieceAtOffset(pieceOf(file, index, header.partition, false), 0);
  }
  if (header.kind !== "append") return;
  const isCopy = (header.flags & copiedFlag) !== 0;
  const row = {
    baseOffset: header.baseOffset,
    lastOffset: lastOffsetAt(body, 0),
    maxTimestamp: maxTimestampAt(body, 0),
    position,
    size: body.length,
  };
  const piece = pieceOf(file, index, header.partition, isCopy);
  if (isCopy) addCopiedRow(piece, row);
  else addRow(piece, row);
}
