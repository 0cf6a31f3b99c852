import type { WalFile } from "./wal-file.ts";

// Where the batches of one WAL file are, while the file is open or its bytes are in the ring. One table per file, columns in typed arrays; each partition has
// a piece: the numbers of its rows, in offset order. A sealed file's index lies in its footer and leaves memory.

export type FileIndex = {
  count: number;
  baseOffsets: Float64Array;
  lastOffsets: Float64Array;
  maxTimestamps: Float64Array;
  /** Where in the file the batch (not its entry) begins. */
  positions: Uint32Array;
  sizes: Uint32Array;
  /** By partition number. Copied-forward batches of a partition form a piece of their own. */
  readonly pieces: Map<number, Piece>;
  readonly copies: Map<number, Piece>;
};

/** What one file holds of one partition. */
export type Piece = {
  readonly file: WalFile;
  readonly index: FileIndex;
  readonly rows: number[];
  sizeBytes: number;
  /** An upper bound, after a cut. */
  maxTimestamp: number;
};

export type IndexRow = {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  readonly position: number;
  readonly size: number;
};

const initialRows = 64;

export function createFileIndex(): FileIndex {
  return {
    count: 0,
    baseOffsets: new Float64Array(initialRows),
    lastOffsets: new Float64Array(initialRows),
    maxTimestamps: new Float64Array(initialRows),
    positions: new Uint32Array(initialRows),
    sizes: new Uint32Array(initialRows),
    pieces: new Map(),
    copies: new Map(),
  };
}

/** Adds the row to the piece; rows of one piece come in offset order. */
export function addRow(piece: Piece, row: IndexRow): void {
  const { index } = piece;
  if (index.count === index.positions.length) grow(index);
  const at = index.count;
  index.baseOffsets[at] = row.baseOffset;
  index.lastOffsets[at] = row.lastOffset;
  index.maxTimestamps[at] = row.maxTimestamp;
  index.positions[at] = row.position;
  index.sizes[at] = row.size;
  index.count += 1;
  piece.rows.push(at);
  piece.sizeBytes += row.size;
  if (row.maxTimestamp > piece.maxTimestamp) piece.maxTimestamp = row.maxTimestamp;
}

const grow = (index: FileIndex): void => {
  const length = index.positions.length * 2;
  const wider = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
    to.set(from);
    return to;
  };
  index.baseOffsets = wider(index.baseOffsets, new Float64Array(length));
  index.lastOffsets = wider(index.lastOffsets, new Float64Array(length));
  index.maxTimestamps = wider(index.maxTimestamps, new Float64Array(length));
  index.positions = wider(index.positions, new Uint32Array(length));
  index.sizes = wider(index.sizes, new Uint32Array(length));
};

/** The same for a piece of copies, which come in any order. */
export function addCopiedRow(piece: Piece, row: IndexRow): void {
  const { index } = piece;
  addRow(piece, row);
  const added = piece.rows.pop()!;
  const place = placeOf(piece, row.lastOffset);
  const there = piece.rows[place];
  // Copied before, by a reclaim that did not come to its end: one of the two counts.
  const isAgain = there !== undefined && index.lastOffsets[there] === row.lastOffset;
  if (isAgain) piece.sizeBytes -= index.sizes[there]!;
  piece.rows.splice(place, isAgain ? 1 : 0, added);
}

export function pieceOf(
  file: WalFile,
  index: FileIndex,
  partition: number,
  isCopy: boolean,
): Piece {
  const pieces = isCopy ? index.copies : index.pieces;
  let piece = pieces.get(partition);
  if (piece === undefined) {
    piece = { file, index, rows: [], sizeBytes: 0, maxTimestamp: -1 };
    pieces.set(partition, piece);
  }
  return piece;
}

export const firstOffsetOf = (piece: Piece): number => piece.index.baseOffsets[piece.rows[0]!]!;

/** Behind the piece's last batch. */
export const endOffsetOf = (piece: Piece): number =>
  piece.index.lastOffsets[piece.rows[piece.rows.length - 1]!]! + 1;

/** Place in `rows` of the first batch that ends at or behind `offset`; `rows.length` if none. */
export function placeOf(piece: Piece, offset: number): number {
  const { lastOffsets } = piece.index;
  const { rows } = piece;
  let low = 0;
  let high = rows.length;
  // Most readers are at the end.
  if (high > 0 && lastOffsets[rows[high - 1]!]! < offset) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lastOffsets[rows[middle]!]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Takes out the batches that reach `offset` or further. */
export function cutPieceAtOffset(piece: Piece, offset: number): number {
  return popWhile(piece, (row) => piece.index.lastOffsets[row]! >= offset);
}

/** A piece without the batches that reach `offset` or further; the index keeps them. */
export function trimmedPiece(piece: Piece, offset: number): Piece {
  const trimmed = { ...piece, rows: piece.rows.slice() };
  cutPieceAtOffset(trimmed, offset);
  return trimmed;
}

/** What did not reach a file is taken out of a piece of copies. */
export function cutCopiesAtPosition(piece: Piece, position: number): void {
  const { index } = piece;
  const kept = piece.rows.filter((row) => index.positions[row]! < position);
  piece.rows.splice(0, piece.rows.length, ...kept);
  piece.sizeBytes = kept.reduce((sum, row) => sum + index.sizes[row]!, 0);
}

/** Takes out the batches that lie at `position` of the file or behind: they never reached it. */
export function cutPieceAtPosition(piece: Piece, position: number): number {
  return popWhile(piece, (row) => piece.index.positions[row]! >= position);
}

const popWhile = (piece: Piece, isCut: (row: number) => boolean): number => {
  let cutBytes = 0;
  while (piece.rows.length > 0 && isCut(piece.rows[piece.rows.length - 1]!)) {
    cutBytes += piece.index.sizes[piece.rows.pop()!]!;
  }
  piece.sizeBytes -= cutBytes;
  return cutBytes;
};

export function rowAt(piece: Piece, place: number): IndexRow {
  const { index } = piece;
  const row = piece.rows[place]!;
  return {
    baseOffset: index.baseOffsets[row]!,
    lastOffset: index.lastOffsets[row]!,
    maxTimestamp: index.maxTimestamps[row]!,
    position: index.positions[row]!,
    size: index.sizes[row]!,
  };
}
