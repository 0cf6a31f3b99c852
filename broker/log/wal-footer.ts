import { crc32c } from "../../protocol/records/crc32c.ts";
import {
  int32At,
  int64At,
  isSafeInt64At,
  putInt32,
  putInt64,
  uint32At,
} from "../../protocol/records/big-endian.ts";
import { assert } from "../assert.ts";
import type { FileIndex, Piece } from "./wal-index.ts";
import { firstOffsetOf, endOffsetOf } from "./wal-index.ts";

// A sealed file's index, behind its entries: rows (one per batch) sorted by key and offset, then pieces (one per key), then a summary, and at the very end of the
// file a trailer that finds it. A key is a partition number and whether its batches are copies from an older file. Memory keeps the summary alone: every block of
// rows and pieces by its first one, and a Bloom filter of the keys. So a start reads two small pieces per file, whatever it holds.

export type FooterSummary = {
  readonly rowsPosition: number;
  readonly rowCount: number;
  readonly piecesPosition: number;
  readonly pieceCount: number;
  /** Per block of rows: the last offset of its first row, and its CRC-32C. */
  readonly rowOffsets: Float64Array;
  readonly rowCrcs: Uint32Array;
  readonly pieceKeys: Uint32Array;
  readonly pieceCrcs: Uint32Array;
  readonly bloom: Uint8Array;
};

export const rowBytes = 32;
export const rowsPerBlock = 128;
export const pieceBytes = 48;
export const piecesPerBlock = 64;
const summaryHeaderBytes = 32;
export const trailerBytes = 64;
const trailerMagic = 0x4d594c54;
const footerVersion = 1;

export const pieceKey = (partition: number, isCopy: boolean): number =>
  partition * 2 + (isCopy ? 1 : 0);

const blockCount = (count: number, perBlock: number): number => Math.ceil(count / perBlock);
const align = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** Space a file keeps free for its footer. */
export const footerBytes = (rowCount: number, pieceCount: number): number =>
  rowCount * rowBytes +
  pieceCount * pieceBytes +
  summaryBytes(rowCount, pieceCount) +
  trailerBytes +
  8;

const summaryBytes = (rowCount: number, pieceCount: number): number =>
  align(
    summaryHeaderBytes +
      blockCount(rowCount, rowsPerBlock) * 12 +
      blockCount(pieceCount, piecesPerBlock) * 8 +
      bloomBytes(pieceCount),
  );

const bloomBytes = (pieceCount: number): number => Math.max(8, pieceCount);

/** Three bit positions per key: some 3 % of wrong guesses at 8 bits a key. */
const bloomBit = (key: number, round: number, bits: number): number =>
  (Math.imul(key + 1, round === 0 ? 0x9e3779b1 : round === 1 ? 0x85ebca6b : 0xc2b2ae35) >>> 0) %
  bits;

export function mayHold(summary: FooterSummary, key: number): boolean {
  const bits = summary.bloom.length * 8;
  for (let round = 0; round < 3; round += 1) {
    const bit = bloomBit(key, round, bits);
    if ((summary.bloom[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** One part of a footer to write at `position`. */
export type FooterPart = { readonly position: number; readonly bytes: Uint8Array };

type KeyedPiece = { readonly key: number; readonly piece: Piece };

const sortedPieces = (index: FileIndex): KeyedPiece[] => {
  const keyed: KeyedPiece[] = [];
  for (const [partition, piece] of index.pieces) {
    if (piece.rows.length > 0) keyed.push({ key: pieceKey(partition, false), piece });
  }
  for (const [partition, piece] of index.copies) {
    if (piece.rows.length > 0) keyed.push({ key: pieceKey(partition, true), piece });
  }
  return keyed.sort((left, right) => left.key - right.key);
};

/**
 * The footer of a file whose entries end at `end`, part by part, none above some 256 KiB but the last (pieces and summary), so that the caller can let others run
 * in between; and in the end the summary memory keeps. The index must not change meanwhile.
 */
export function* footerParts(
  index: FileIndex,
  file: { sequence: number; fileBytes: number; end: number },
): Generator<FooterPart, FooterSummary> {
  const pieces = sortedPieces(index);
  const rowCount = pieces.reduce((sum, { piece }) => sum + piece.rows.length, 0);
  const rowsPosition = align(file.end);
  const piecesPosition = rowsPosition + rowCount * rowBytes;
  const summaryPosition = piecesPosition + pieces.length * pieceBytes;
  const summary: FooterSummary = {
    rowsPosition,
    rowCount,
    piecesPosition,
    pieceCount: pieces.length,
    rowOffsets: new Float64Array(blockCount(rowCount, rowsPerBlock)),
    rowCrcs: new Uint32Array(blockCount(rowCount, rowsPerBlock)),
    pieceKeys: new Uint32Array(blockCount(pieces.length, piecesPerBlock)),
    pieceCrcs: new Uint32Array(blockCount(pieces.length, piecesPerBlock)),
    bloom: new Uint8Array(bloomBytes(pieces.length)),
  };
  yield* rowParts(index, pieces, summary);
  const bytes = new Uint8Array(pieces.length * pieceBytes + summaryBytes(rowCount, pieces.length));
  putPieces(bytes, pieces, summary);
  const tail = bytes.subarray(pieces.length * pieceBytes);
  putSummary(tail, summary);
  assert(
    summaryPosition + tail.length + trailerBytes <= file.fileBytes,
    "a file keeps room for its footer",
  );
  yield { position: piecesPosition, bytes };
  yield {
    position: file.fileBytes - trailerBytes,
    bytes: encodeTrailer({
      sequence: file.sequence,
      end: file.end,
      summaryPosition,
      summaryBytes: tail.length,
      summaryCrc: crc32c(tail),
    }),
  };
  return summary;
}

const blocksPerPart = 64;

function* rowParts(
  index: FileIndex,
  pieces: readonly KeyedPiece[],
  summary: FooterSummary,
): Generator<FooterPart> {
  const partRows = blocksPerPart * rowsPerBlock;
  let bytes = new Uint8Array(Math.min(summary.rowCount, partRows) * rowBytes);
  let firstRow = 0;
  let row = 0;
  for (const { piece } of pieces) {
    for (const at of piece.rows) {
      const to = (row - firstRow) * rowBytes;
      if (row % rowsPerBlock === 0) summary.rowOffsets[row / rowsPerBlock] = index.lastOffsets[at]!;
      putInt64(bytes, to, index.baseOffsets[at]!);
      putInt64(bytes, to + 8, index.lastOffsets[at]!);
      putInt64(bytes, to + 16, index.maxTimestamps[at]!);
      putInt32(bytes, to + 24, index.positions[at]!);
      putInt32(bytes, to + 28, index.sizes[at]!);
      row += 1;
      if (row - firstRow < partRows && row < summary.rowCount) continue;
      putBlockCrcs(bytes, summary.rowCrcs, firstRow / rowsPerBlock, rowsPerBlock * rowBytes);
      yield { position: summary.rowsPosition + firstRow * rowBytes, bytes };
      firstRow = row;
      bytes = new Uint8Array(Math.min(summary.rowCount - firstRow, partRows) * rowBytes);
    }
  }
}

const putBlockCrcs = (
  bytes: Uint8Array,
  crcs: Uint32Array,
  firstBlock: number,
  blockBytes: number,
): void => {
  for (let at = 0, block = firstBlock; at < bytes.length; at += blockBytes, block += 1) {
    crcs[block] = crc32c(bytes, at, Math.min(at + blockBytes, bytes.length));
  }
};

const putPieces = (
  bytes: Uint8Array,
  pieces: readonly KeyedPiece[],
  summary: FooterSummary,
): void => {
  const bits = summary.bloom.length * 8;
  let firstRow = 0;
  for (const [number, { key, piece }] of pieces.entries()) {
    const at = number * pieceBytes;
    if (number % piecesPerBlock === 0) summary.pieceKeys[number / piecesPerBlock] = key;
    putInt32(bytes, at, key);
    putInt32(bytes, at + 4, firstRow);
    putInt32(bytes, at + 8, piece.rows.length);
    putInt64(bytes, at + 16, piece.sizeBytes);
    putInt64(bytes, at + 24, firstOffsetOf(piece));
    putInt64(bytes, at + 32, endOffsetOf(piece));
    putInt64(bytes, at + 40, piece.maxTimestamp);
    firstRow += piece.rows.length;
    for (let round = 0; round < 3; round += 1) {
      const bit = bloomBit(key, round, bits);
      summary.bloom[bit >>> 3]! |= 1 << (bit & 7);
    }
  }
  const piecesEnd = pieces.length * pieceBytes;
  putBlockCrcs(bytes.subarray(0, piecesEnd), summary.pieceCrcs, 0, piecesPerBlock * pieceBytes);
};

const putSummary = (bytes: Uint8Array, summary: FooterSummary): void => {
  putInt32(bytes, 0, footerVersion);
  putInt32(bytes, 4, summary.rowsPosition);
  putInt32(bytes, 8, summary.rowCount);
  putInt32(bytes, 12, summary.piecesPosition);
  putInt32(bytes, 16, summary.pieceCount);
  let at = summaryHeaderBytes;
  for (const [block, offset] of summary.rowOffsets.entries()) {
    putInt64(bytes, at, offset);
    putInt32(bytes, at + 8, summary.rowCrcs[block]!);
    at += 12;
  }
  for (const [block, key] of summary.pieceKeys.entries()) {
    putInt32(bytes, at, key);
    putInt32(bytes, at + 4, summary.pieceCrcs[block]!);
    at += 8;
  }
  bytes.set(summary.bloom, at);
};

/** Null if the bytes are no summary (of this version). */
export function decodeSummary(bytes: Uint8Array): FooterSummary | null {
  if (bytes.length < summaryHeaderBytes || int32At(bytes, 0) !== footerVersion) return null;
  const rowCount = uint32At(bytes, 8);
  const pieceCount = uint32At(bytes, 16);
  if (summaryBytes(rowCount, pieceCount) !== bytes.length) return null;
  const rowBlocks = blockCount(rowCount, rowsPerBlock);
  const pieceBlocks = blockCount(pieceCount, piecesPerBlock);
  const summary: FooterSummary = {
    rowsPosition: uint32At(bytes, 4),
    rowCount,
    piecesPosition: uint32At(bytes, 12),
    pieceCount,
    rowOffsets: new Float64Array(rowBlocks),
    rowCrcs: new Uint32Array(rowBlocks),
    pieceKeys: new Uint32Array(pieceBlocks),
    pieceCrcs: new Uint32Array(pieceBlocks),
    bloom: new Uint8Array(bloomBytes(pieceCount)),
  };
  let at = summaryHeaderBytes;
  for (let block = 0; block < rowBlocks; block += 1, at += 12) {
    summary.rowOffsets[block] = int64At(bytes, at);
    summary.rowCrcs[block] = uint32At(bytes, at + 8);
  }
  for (let block = 0; block < pieceBlocks; block += 1, at += 8) {
    summary.pieceKeys[block] = uint32At(bytes, at);
    summary.pieceCrcs[block] = uint32At(bytes, at + 4);
  }
  summary.bloom.set(bytes.subarray(at, at + summary.bloom.length));
  return summary;
}

export type FooterTrailer = {
  readonly sequence: number;
  /** Where the entries end. */
  readonly end: number;
  readonly summaryPosition: number;
  readonly summaryBytes: number;
  readonly summaryCrc: number;
};

const encodeTrailer = (trailer: FooterTrailer): Uint8Array => {
  const bytes = new Uint8Array(trailerBytes);
  putInt32(bytes, 0, trailerMagic);
  putInt32(bytes, 4, trailer.sequence);
  putInt32(bytes, 8, trailer.end);
  putInt32(bytes, 12, trailer.summaryPosition);
  putInt32(bytes, 16, trailer.summaryBytes);
  putInt32(bytes, 20, trailer.summaryCrc);
  putInt32(bytes, trailerBytes - 4, crc32c(bytes, 0, trailerBytes - 4));
  return bytes;
};

/** Null if the bytes are no trailer of file `sequence`. */
export function decodeTrailer(bytes: Uint8Array, sequence: number): FooterTrailer | null {
  if (bytes.length < trailerBytes || int32At(bytes, 0) !== trailerMagic) return null;
  if (uint32At(bytes, trailerBytes - 4) !== crc32c(bytes, 0, trailerBytes - 4)) return null;
  if (uint32At(bytes, 4) !== sequence) return null;
  return {
    sequence,
    end: uint32At(bytes, 8),
    summaryPosition: uint32At(bytes, 12),
    summaryBytes: uint32At(bytes, 16),
    summaryCrc: uint32At(bytes, 20),
  };
}

/** One piece as the footer has it: what a sealed file holds under one key. */
export type FooterPiece = {
  readonly key: number;
  readonly firstRow: number;
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly firstOffset: number;
  readonly endOffset: number;
  readonly maxTimestamp: number;
};

/** Pieces of a footer come by their keys. */
export const pieceKeyAt = (bytes: Uint8Array, at: number): number => uint32At(bytes, at);

export function decodePiece(bytes: Uint8Array, at: number): FooterPiece | null {
  for (let field = 16; field < pieceBytes; field += 8) {
    if (!isSafeInt64At(bytes, at + field)) return null;
  }
  return {
    key: pieceKeyAt(bytes, at),
    firstRow: uint32At(bytes, at + 4),
    rowCount: uint32At(bytes, at + 8),
    sizeBytes: int64At(bytes, at + 16),
    firstOffset: int64At(bytes, at + 24),
    endOffset: int64At(bytes, at + 32),
    maxTimestamp: int64At(bytes, at + 40),
  };
}
