import { crc32c } from "../../protocol/records/crc32c.ts";
import { int64At, isSafeInt64At, uint32At } from "../../protocol/records/big-endian.ts";
import { forgetCopies } from "./copied-ranges.ts";
import { LogReadError } from "./partition-log.ts";
import type { CopiedRange, StoredLog } from "./stored-log.ts";
import { openHandle, pinFile, readFully, unpinFile, type WalFile } from "./wal-file.ts";
import {
  decodePiece,
  mayHold,
  pieceBytes,
  pieceKey,
  pieceKeyAt,
  piecesPerBlock,
  rowBytes,
  rowsPerBlock,
  type FooterPiece,
  type FooterSummary,
} from "./wal-footer.ts";
import {
  endOffsetOf,
  firstOffsetOf,
  placeOf,
  rowAt,
  type IndexRow,
  type Piece,
} from "./wal-index.ts";

// What one file holds of one log, wherever the index of that file is: in memory, or in the file's footer.

export type PieceView = {
  readonly file: WalFile;
  /** Batches that reach this offset or further do not count. */
  readonly endOffset: number;
  readonly firstOffset: number;
  /** Of the whole piece, as `maxTimestamp`; what of it counts has to be looked up if `isPart`. */
  readonly sizeBytes: number;
  readonly maxTimestamp: number;
  readonly isPart: boolean;
  readonly source: Piece | FooterPiece;
};

/** Below which offset the file's own batches of the log count. */
const cutOf = (log: StoredLog, file: WalFile): number => {
  let offset = Infinity;
  for (const cut of log.cuts) {
    if (file.sequence < cut.beforeSequence) offset = Math.min(offset, cut.offset);
  }
  return offset;
};

const viewOfPiece = (piece: Piece): PieceView => ({
  file: piece.file,
  firstOffset: firstOffsetOf(piece),
  endOffset: endOffsetOf(piece),
  sizeBytes: piece.sizeBytes,
  maxTimestamp: piece.maxTimestamp,
  isPart: false,
  source: piece,
});

/** What the file holds of the log that counts; null if nothing. */
export async function viewIn(
  log: StoredLog,
  file: WalFile,
  isCopy: boolean,
): Promise<PieceView | null> {
  if (file.isRetired) return null;
  if (file.index !== null) {
    const piece = (isCopy ? file.index.copies : file.index.pieces).get(log.number);
    return piece === undefined || piece.rows.length === 0 ? null : viewOfPiece(piece);
  }
  const cut = isCopy ? Infinity : cutOf(log, file);
  const found = await findFooterPiece(log, file, pieceKey(log.number, isCopy));
  if (found === null || found.firstOffset >= cut) return null;
  return {
    file,
    firstOffset: found.firstOffset,
    endOffset: Math.min(found.endOffset, cut),
    sizeBytes: found.sizeBytes,
    maxTimestamp: found.maxTimestamp,
    isPart: cut < found.endOffset,
    source: found,
  };
}

/** The first piece with a batch at or behind `offset`; null if the log has none. */
export async function findPiece(log: StoredLog, offset: number): Promise<PieceView | null> {
  // Its files may be gone already.
  if (log.isDropped) return null;
  const own = await findOwnPiece(log, offset);
  // A copy counts from when the batch's own file is gone: until then it may not be written, and a failed write takes it back.
  if (own !== null && own.firstOffset <= offset) return own;
  const copy = findCopy(log.copies, offset);
  if (copy === null) return own;
  if (own !== null && own.firstOffset <= Math.max(copy.startOffset, offset)) return own;
  const view = await viewIn(log, copy.file, true);
  // Copied on to another file meanwhile.
  if (view === null && copy.file.isRetired) {
    forgetCopies(log, copy.file);
    return findPiece(log, offset);
  }
  if (view === null) throw new LogReadError("a copied batch is gone");
  return { ...view, isPart: true, endOffset: Math.min(view.endOffset, copy.endOffset) };
}

/** The copies that hold `offset`, or the next behind it; of several the oldest, for the newest may not be written yet. */
const findCopy = (copies: readonly CopiedRange[], offset: number): CopiedRange | null => {
  let found: CopiedRange | null = null;
  for (const range of copies) {
    if (range.endOffset <= offset) continue;
    const start = Math.max(range.startOffset, offset);
    const foundStart = found === null ? Infinity : Math.max(found.startOffset, offset);
    if (start > foundStart) break;
    if (start < foundStart || range.file.sequence < found!.file.sequence) found = range;
  }
  return found;
};

async function findOwnPiece(log: StoredLog, offset: number): Promise<PieceView | null> {
  const hot = log.pieces.find((piece) => piece.rows.length > 0 && endOffsetOf(piece) > offset);
  if (hot !== undefined && (!log.hasCold || firstOffsetOf(hot) <= offset)) return viewOfPiece(hot);
  const key = pieceKey(log.number, false);
  const files = log.hasCold
    ? log.context.wal.files.filter(
        (file) => file.index === null && file.footer !== null && mayHold(file.footer, key),
      )
    : [];
  let found: PieceView | null = null;
  let low = 0;
  let high = files.length;
  // Ends grow from file to file. A wrong guess of the filter is taken out and the search goes on.
  while (low < high) {
    const middle = (low + high) >>> 1;
    const view = await viewIn(log, files[middle]!, false);
    if (view === null) {
      files.splice(middle, 1);
      high -= 1;
    } else if (view.endOffset <= offset) low = middle + 1;
    else {
      found = view;
      high = middle;
    }
  }
  return found ?? (hot === undefined ? null : viewOfPiece(hot));
}

/**
 * Rows of the piece from the first that ends at or behind `offset`, as many as lie together, and the file they are of: another than the view's if that was
 * reclaimed meanwhile. Empty behind its end.
 */
export async function rowsFrom(
  log: StoredLog,
  view: PieceView,
  offset: number,
): Promise<{ file: WalFile; rows: IndexRow[] }> {
  if (view.file.isRetired) {
    const again = await findPiece(log, offset);
    return again === null ? { file: view.file, rows: [] } : rowsFrom(log, again, offset);
  }
  const isInMemory = "rows" in view.source;
  const rows = isInMemory
    ? memoryRows(view.source as Piece, offset)
    : await footerRows(log, view.file, view.source as FooterPiece, offset);
  if (isInMemory && rows.length === 0 && offset < view.endOffset) {
    // Undone since by a failed write.
    const again = await findPiece(log, offset);
    if (again !== null && again.source !== view.source) return rowsFrom(log, again, offset);
  }
  const end = rows.findIndex((row) => row.lastOffset >= view.endOffset);
  return { file: view.file, rows: end < 0 ? rows : rows.slice(0, end) };
}

const memoryRows = (piece: Piece, offset: number): IndexRow[] => {
  const rows: IndexRow[] = [];
  const first = placeOf(piece, offset);
  for (let place = first; place < piece.rows.length && place < first + rowsPerBlock; place += 1) {
    rows.push(rowAt(piece, place));
  }
  return rows;
};

async function footerRows(
  log: StoredLog,
  file: WalFile,
  piece: FooterPiece,
  offset: number,
): Promise<IndexRow[]> {
  const summary = file.footer!;
  const firstBlock = Math.floor(piece.firstRow / rowsPerBlock);
  const endRow = piece.firstRow + piece.rowCount;
  const lastBlock = Math.floor((endRow - 1) / rowsPerBlock);
  // The last block of which the first row is this piece's and does not lie behind `offset`.
  let block = firstBlock;
  for (let high = lastBlock; block < high;) {
    const middle = (block + high + 1) >>> 1;
    if (summary.rowOffsets[middle]! <= offset) block = middle;
    else high = middle - 1;
  }
  for (; block <= lastBlock; block += 1) {
    const bytes = await readBlock(log, file, {
      position: summary.rowsPosition + block * rowsPerBlock * rowBytes,
      byteLength: Math.min(rowsPerBlock, summary.rowCount - block * rowsPerBlock) * rowBytes,
      crc: summary.rowCrcs[block]!,
    });
    const blockRow = block * rowsPerBlock;
    const end = Math.min(endRow - blockRow, bytes.length / rowBytes);
    let row = Math.max(0, piece.firstRow - blockRow);
    for (let high = end; row < high;) {
      const middle = (row + high) >>> 1;
      if (decodeRow(bytes, middle * rowBytes).lastOffset < offset) row = middle + 1;
      else high = middle;
    }
    const rows: IndexRow[] = [];
    for (; row < end; row += 1) rows.push(decodeRow(bytes, row * rowBytes));
    if (rows.length > 0) return rows;
  }
  return [];
}

const decodeRow = (bytes: Uint8Array, at: number): IndexRow => {
  for (const field of [0, 8, 16]) {
    if (!isSafeInt64At(bytes, at + field)) throw new LogReadError("a footer row is damaged");
  }
  return {
    baseOffset: int64At(bytes, at),
    lastOffset: int64At(bytes, at + 8),
    maxTimestamp: int64At(bytes, at + 16),
    position: uint32At(bytes, at + 24),
    size: uint32At(bytes, at + 28),
  };
};

async function findFooterPiece(
  log: StoredLog,
  file: WalFile,
  key: number,
): Promise<FooterPiece | null> {
  const summary = file.footer;
  if (summary === null || summary.pieceCount === 0 || !mayHold(summary, key)) return null;
  const { pieceKeys } = summary;
  const block = lastAtMost(pieceKeys.length, key, (at) => pieceKeys[at]!);
  const bytes = await readBlock(log, file, pieceBlockOf(summary, block));
  const place = lastAtMost(bytes.length / pieceBytes, key, (at) =>
    pieceKeyAt(bytes, at * pieceBytes),
  );
  if (pieceKeyAt(bytes, place * pieceBytes) !== key) return null;
  const piece = decodePiece(bytes, place * pieceBytes);
  if (piece === null) throw new LogReadError("a footer is damaged");
  return piece;
}

/** Of `count` ascending numbers the place of the last that is not above `wanted`; 0 if all are. */
const lastAtMost = (count: number, wanted: number, numberAt: (place: number) => number): number => {
  let low = 0;
  for (let high = count - 1; low < high;) {
    const middle = (low + high + 1) >>> 1;
    if (numberAt(middle) <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
};

type Block = { readonly position: number; readonly byteLength: number; readonly crc: number };

export const pieceBlockOf = (summary: FooterSummary, block: number): Block => ({
  position: summary.piecesPosition + block * piecesPerBlock * pieceBytes,
  byteLength: Math.min(piecesPerBlock, summary.pieceCount - block * piecesPerBlock) * pieceBytes,
  crc: summary.pieceCrcs[block]!,
});

export const decodePieces = (bytes: Uint8Array): FooterPiece[] => {
  const pieces: FooterPiece[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = decodePiece(bytes, at);
    if (piece === null) throw new LogReadError("a footer is damaged");
    pieces.push(piece);
  }
  return pieces;
};

/** One block of a footer, checked. */
async function readBlock(log: StoredLog, file: WalFile, block: Block): Promise<Uint8Array> {
  const { disk, reading } = log.context.wal;
  const known = reading.blocks.find(file, block.position);
  if (known !== undefined) return known;
  const bytes = await readFooterBlock(disk, file, block);
  if (bytes === null) {
    log.context.onDamage(log, `the footer of ${file.path} is damaged`);
    throw new LogReadError(`the footer of ${file.path} is damaged`);
  }
  reading.blocks.keep(file, block.position, bytes);
  return bytes;
}

/** Null if the block fails its check. */
export async function readFooterBlock(
  disk: Parameters<typeof openHandle>[0],
  file: WalFile,
  block: Block,
): Promise<Uint8Array | null> {
  const bytes = Buffer.allocUnsafeSlow(block.byteLength);
  pinFile(file);
  try {
    const handle = await openHandle(disk, file);
    if (!(await readFully(handle, bytes, block.position))) return null;
  } finally {
    unpinFile(file);
  }
  return crc32c(bytes) === block.crc ? bytes : null;
}
