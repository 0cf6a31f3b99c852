import {
  baseOffsetAt,
  batchFailureAt,
  batchHeaderBytes,
  batchOverheadBytes,
  batchSizeAt,
  isCrcValidAt,
  lastOffsetAt,
  nextOffsetAt,
} from "../../protocol/records/batch.ts";
import { assert } from "../assert.ts";
import type { CachedObject, PieceCache, PieceFailure } from "./piece-cache.ts";
import type { SegmentFooter } from "./segment-footer.ts";
import { nextPosition, positionOf } from "./segment-index.ts";

export type SegmentRange = {
  readonly fromOffset: number;
  /** Exclusive: no batch is given that holds it or a later one. */
  readonly upToOffset: number;
  readonly maxBytes: number;
  /** The first batch is given whole, however large. */
  readonly atLeastOneBatch: boolean;
};

export type BatchesRead = {
  readonly kind: "data";
  /** Whole batches, one behind the other: the caller's own. */
  readonly bytes: Uint8Array;
  /** Of the first batch: it may be below `fromOffset`, which then lies within the batch. */
  readonly baseOffset: number;
  /** Behind the last batch. */
  readonly nextOffset: number;
};

export type SegmentReadResult =
  | BatchesRead
  /** `isAtEnd`: the segment has no more batches from `fromOffset` on. Else the next one does not fit, or is not to be given. */
  | { readonly kind: "empty"; readonly isAtEnd: boolean }
  | PieceFailure;

/**
 * Batches of one segment, by way of the pieces: at most a piece's worth, unless the first one alone is larger. Copied, so that a slow reader keeps no piece
 * in memory. Each CRC is checked each time: against reading from afar it costs nothing, and what is damaged in memory is found too.
 */
export async function readSegment(
  cache: PieceCache,
  { object, footer }: { readonly object: CachedObject; readonly footer: SegmentFooter },
  range: SegmentRange,
): Promise<SegmentReadResult> {
  const { dataBytes, offsetIndex } = footer;
  const maxBytes = Math.min(range.maxBytes, cache.pieceBytes);
  let position = positionOf(offsetIndex, range.fromOffset);
  // One row's batches may come before the one that is looked for.
  let windowBytes = nextPosition(offsetIndex, position, dataBytes) - position + maxBytes;
  while (position < dataBytes) {
    const end = Math.min(dataBytes, position + windowBytes);
    const window = await copyBytes(cache, object, position, end);
    if (window.kind !== "bytes") return window;
    const walked = walk(window.bytes, { ...range, maxBytes }, end === dataBytes);
    if (walked.kind === "corrupt") {
      dropPieces(cache, object, position, end);
      return { kind: "corrupt", message: `${object.key} from ${position} on: ${walked.message}` };
    }
    if (walked.kind !== "more") return walked;
    position += walked.at;
    windowBytes = Math.max(walked.batchBytes, maxBytes);
  }
  return { kind: "empty", isAtEnd: true };
}

type Walked =
  | SegmentReadResult
  /** Nothing yet: go on at `at`, where a batch of `batchBytes` begins. */
  | { readonly kind: "more"; readonly at: number; readonly batchBytes: number };

function walk(bytes: Uint8Array, range: SegmentRange, isLast: boolean): Walked {
  let from = -1;
  let at = 0;
  while (at < bytes.length) {
    const failure = batchFailureAt(bytes, at);
    if (failure?.reason === "truncated" && !isLast) break;
    if (failure !== null) return { kind: "corrupt", message: failure.message };
    if (!isCrcValidAt(bytes, at)) {
      const message = `the CRC of batch ${baseOffsetAt(bytes, at)} does not hold`;
      return { kind: "corrupt", message };
    }
    const size = batchSizeAt(bytes, at);
    const lastOffset = lastOffsetAt(bytes, at);
    if (lastOffset >= range.fromOffset) {
      const isOver = (from < 0 ? 0 : at - from) + size > range.maxBytes;
      const mayPass = from < 0 && range.atLeastOneBatch;
      if (lastOffset >= range.upToOffset || (isOver && !mayPass)) {
        return from < 0 ? { kind: "empty", isAtEnd: false } : data(bytes, from, at);
      }
      if (from < 0) from = at;
    }
    at += size;
  }
  if (from >= 0) return data(bytes, from, at);
  if (isLast) return { kind: "empty", isAtEnd: true };
  const hasSize = bytes.length - at >= batchOverheadBytes;
  return { kind: "more", at, batchBytes: hasSize ? batchSizeAt(bytes, at) : batchHeaderBytes };
}

function data(bytes: Uint8Array, from: number, end: number): BatchesRead {
  let last = from;
  for (let at = from; at < end; at += batchSizeAt(bytes, at)) last = at;
  return {
    kind: "data",
    bytes: bytes.subarray(from, end),
    baseOffset: baseOffsetAt(bytes, from),
    nextOffset: nextOffsetAt(bytes, last),
  };
}

/** The bytes [start, end) of the object, piece by piece: none is held while the next one is waited for. */
async function copyBytes(
  cache: PieceCache,
  object: CachedObject,
  start: number,
  end: number,
): Promise<{ readonly kind: "bytes"; readonly bytes: Uint8Array } | PieceFailure> {
  const { pieceBytes } = cache;
  const bytes = Buffer.allocUnsafe(end - start);
  for (let at = start; at < end;) {
    const number = Math.floor(at / pieceBytes);
    const piece = await cache.piece(object, number);
    if (piece.kind !== "piece") return piece;
    const part = piece.bytes.subarray(at - number * pieceBytes, end - number * pieceBytes);
    assert(part.length > 0, "a piece holds what the segment has there");
    bytes.set(part, at - start);
    at += part.length;
  }
  return { kind: "bytes", bytes };
}

/** What came damaged over the network is read again next time. */
function dropPieces(cache: PieceCache, object: CachedObject, start: number, end: number): void {
  const { pieceBytes } = cache;
  for (let number = Math.floor(start / pieceBytes); number * pieceBytes < end; number += 1) {
    cache.drop(object, number);
  }
}
