import {
  baseOffsetAt,
  lastOffsetAt,
  leaderEpochAt,
  maxTimestampAt,
} from "../../protocol/records/batch.ts";
import { addCopy, forgetCopies } from "./copied-ranges.ts";
import type { PinnedFile } from "./log-store.ts";
import type { LogTable } from "./log-table.ts";
import { decodePieces, pieceBlockOf, readFooterBlock, rowsFrom, viewIn } from "./piece-view.ts";
import { copyRange } from "./read-batches.ts";
import type { StoredLog } from "./stored-log.ts";
import { flushAll, scheduleCommit } from "./wal-commit.ts";
import { copiedFlag } from "./wal-entry.ts";
import { closeHandle, type WalFile } from "./wal-file.ts";
import { piecesPerBlock, type FooterPiece } from "./wal-footer.ts";
import { addCopiedRow, pieceOf, type IndexRow } from "./wal-index.ts";
import { WalRange } from "./wal-range.ts";
import { appendEntry, hasSpace, type Wal } from "./wal.ts";

// Gives files back. A file goes when nothing in it counts: everything is below its log's start, cut off, of a dropped log, or copied elsewhere. What little
// counts in a file that is mostly dead is appended again first, under the same offsets. What is dropped is dropped durably before its file is.

export type ReclaimOptions = {
  readonly wal: Wal;
  readonly table: LogTable;
  /** Files from this one on are replayed at start and stay. */
  readonly checkpointSequence: number;
  /** Resolves when a batch of that size fits. */
  readonly room: (batchBytes: number) => Promise<void>;
  readonly isStopping: () => boolean;
  /** Bytes that may be copied. What is appended pays for it, else the WAL could be busy with itself for ever. */
  readonly copyBudget: number;
};

export type Reclaimed = { readonly files: number; readonly copiedBytes: number };

/** Of a file's size: with less than this alive it is emptied by copying. Bounds what is copied to a third of what is gained. */
const copiedShare = 0.25;

/** Blocks of footers read in one run of files that are not dead, to see which are worth emptying. They take turns: all of them, every time, would be gigabytes. */
const surveyedBlocks = 256;

export async function reclaimFiles(options: ReclaimOptions): Promise<Reclaimed> {
  const { wal } = options;
  const { failedWrites } = wal.counters;
  let copiedBytes = 0;
  const dead: WalFile[] = [];
  const isSurveyed = planSurvey(options);
  for (const file of wal.files.slice()) {
    if (options.isStopping() || wal.isDead) break;
    if (!isSettled(options, file) || !isSurveyed(file)) continue;
    const live = await livePieces(options, file);
    const liveBytes = live.reduce((sum, { piece }) => sum + piece.sizeBytes, 0);
    if (live.length === 0) dead.push(file);
    else if (
      liveBytes <= file.fileBytes * copiedShare &&
      copiedBytes + liveBytes <= options.copyBudget &&
      live.every(({ log }) => log.failure === null)
    ) {
      copiedBytes += liveBytes;
      if (!(await copyForward(options, file, live))) continue;
      dead.push(file);
    }
  }
  if (dead.length === 0 || !(await flushAll(wal))) return { files: 0, copiedBytes };
  // Copies that made a file dead may have been in it.
  if (wal.counters.failedWrites !== failedWrites) return { files: 0, copiedBytes };
  for (const file of dead) await retire(options, file);
  return { files: dead.length, copiedBytes };
}

/** It has left memory, and no start would replay it. */
const isSettled = (options: ReclaimOptions, file: WalFile): boolean =>
  file.index === null && file.footer !== null && file.sequence < options.checkpointSequence;

/** Which files' footers are read: of those that may be dead, and in turn of some that are not. */
const planSurvey = (options: ReclaimOptions): ((file: WalFile) => boolean) => {
  const { wal, table } = options;
  let blocks = surveyedBlocks;
  const last = wal.surveyedSequence;
  wal.surveyedSequence = 0;
  return (file) => {
    const { livePiece } = file;
    const log = livePiece === null ? undefined : table.byNumber.get(livePiece.key >>> 1);
    if (livePiece === null || log === undefined || !isLive(log, file, livePiece)) return true;
    if (file.sequence <= last || blocks <= 0) return false;
    blocks -= Math.ceil(file.footer!.pieceCount / piecesPerBlock);
    // The next run goes on behind it, or, if it was the last one, at the beginning.
    if (blocks <= 0) wal.surveyedSequence = file.sequence;
    return true;
  };
};

/** What keeps the oldest files that could go otherwise. */
export async function pinnedFiles(
  options: ReclaimOptions,
  count: number,
): Promise<readonly PinnedFile[]> {
  const found: PinnedFile[] = [];
  for (const file of options.wal.files.slice()) {
    if (found.length >= count || options.isStopping()) break;
    if (!isSettled(options, file)) continue;
    const live = await livePieces(options, file);
    const ends = new Map<StoredLog, number>();
    for (const { log, piece } of live) ends.set(log, Math.max(ends.get(log) ?? 0, piece.endOffset));
    const holds = Array.from(ends, ([{ topicId, index }, endOffset]) => {
      return { topicId, index, endOffset };
    });
    found.push({ sizeBytes: file.fileBytes, holds });
  }
  return found;
}

type LivePiece = { readonly log: StoredLog; readonly piece: FooterPiece; readonly isCopy: boolean };

async function livePieces(options: ReclaimOptions, file: WalFile): Promise<LivePiece[]> {
  const { wal, table } = options;
  const summary = file.footer!;
  const live: LivePiece[] = [];
  for (let block = 0; block * piecesPerBlock < summary.pieceCount; block += 1) {
    const bytes = await readFooterBlock(wal.disk, file, pieceBlockOf(summary, block));
    if (bytes === null) throw new Error(`the footer of ${file.path} is damaged`);
    for (const piece of decodePieces(bytes)) {
      const log = table.byNumber.get(piece.key >>> 1);
      const isCopy = (piece.key & 1) === 1;
      if (log !== undefined && isLive(log, file, piece)) live.push({ log, piece, isCopy });
    }
  }
  const size = (piece: FooterPiece | null): number => piece?.sizeBytes ?? -1;
  file.livePiece = live.reduce<FooterPiece | null>(
    (largest, { piece }) => (size(piece) > size(largest) ? piece : largest),
    null,
  );
  return live;
}

const isLive = (log: StoredLog, file: WalFile, piece: FooterPiece): boolean => {
  if (log.failure !== null) return true;
  let end = piece.endOffset;
  if ((piece.key & 1) === 1) {
    return log.copies.some(
      (range) => range.file === file && range.endOffset > log.localStartOffset,
    );
  }
  for (const cut of log.cuts) {
    if (file.sequence < cut.beforeSequence) end = Math.min(end, cut.offset);
  }
  const start = Math.max(piece.firstOffset, log.localStartOffset);
  return start < end && !isCopiedElsewhere(log, file, start, end);
};

const isCopiedElsewhere = (log: StoredLog, file: WalFile, start: number, end: number): boolean => {
  let at = start;
  for (const range of log.copies) {
    if (range.file !== file && range.startOffset <= at) at = Math.max(at, range.endOffset);
  }
  return at >= end;
};

/** Appends again what counts in the file. False if it has to be tried another time. */
async function copyForward(
  options: ReclaimOptions,
  file: WalFile,
  live: readonly LivePiece[],
): Promise<boolean> {
  const { counters } = options.wal;
  const { failedWrites } = counters;
  for (const { log, isCopy } of live) {
    const { cutCount } = log;
    const view = await viewIn(log, file, isCopy);
    if (view === null) continue;
    for (let next = log.localStartOffset; next < view.endOffset;) {
      const { rows } = await rowsFrom(log, view, next);
      if (rows.length === 0) break;
      for (const row of rows) {
        next = row.lastOffset + 1;
        if (log.isDropped || row.lastOffset < log.localStartOffset) continue;
        if (isCopy && !holdsCopy(log, file, row)) continue;
        if (options.isStopping() || log.failure !== null) return false;
        if (!(await copyBatch(options, log, { file, row, cutCount }))) return false;
      }
    }
  }
  // A write that failed has taken copies with it, whatever was flushed after.
  if (!(await flushAll(options.wal)) || counters.failedWrites !== failedWrites) return false;
  for (const { log } of live) forgetCopies(log, file);
  return true;
}

/** Whether the file's copy of the batch counts: it may have been truncated since. */
const holdsCopy = (log: StoredLog, file: WalFile, row: IndexRow): boolean =>
  log.copies.some(
    (range) =>
      range.file === file &&
      range.startOffset <= row.baseOffset &&
      row.lastOffset < range.endOffset,
  );

async function copyBatch(
  { wal, room }: ReclaimOptions,
  log: StoredLog,
  { file, row, cutCount }: { file: WalFile; row: IndexRow; cutCount: number },
): Promise<boolean> {
  const range = new WalRange(log);
  range.add(file, row.position, row.size);
  const batch = await copyRange(range);
  await room(batch.length);
  // Cut off meanwhile, perhaps: behind the entry that says so, the copy would bring it back.
  if (log.cutCount !== cutCount) return false;
  if (wal.deferred.length > 0 || !hasSpace(wal, batch.length)) return false;
  const baseOffset = baseOffsetAt(batch, 0);
  const position = appendEntry(
    wal,
    {
      kind: "append",
      flags: copiedFlag,
      partition: log.number,
      baseOffset,
      leaderEpoch: leaderEpochAt(batch, 0),
    },
    batch,
  );
  const target = wal.current!;
  const copy = {
    baseOffset,
    lastOffset: lastOffsetAt(batch, 0),
    maxTimestamp: maxTimestampAt(batch, 0),
    position,
    size: batch.length,
  };
  addCopiedRow(pieceOf(target, target.index!, log.number, true), copy);
  addCopy(log, target, copy);
  scheduleCommit(wal);
  return true;
}

/** Takes the file out; it is used again when nobody reads it any more. */
async function retire(options: ReclaimOptions, file: WalFile): Promise<void> {
  const { wal } = options;
  const at = wal.files.indexOf(file);
  if (at < 0) return;
  wal.files.splice(at, 1);
  file.isRetired = true;
  const release = async (): Promise<void> => {
    file.onUnpinned = null;
    try {
      await closeHandle(file);
      await wal.pool.give(file.path, file.end);
    } catch (error) {
      wal.log.warn("cannot put a WAL file aside", { path: file.path, error: String(error) });
    }
  };
  if (file.pinCount === 0) await release();
  else file.onUnpinned = () => void release();
}
