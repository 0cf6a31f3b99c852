import type { ObjectStore } from "../../ports/object-store.ts";
import { batchFailureAt, batchOverheadBytes, batchSizeAt } from "../../protocol/records/batch.ts";
import { assert } from "../assert.ts";
import type { SegmentEntry } from "../tiering/manifest.ts";
import { objectKey, type PartitionPath } from "../tiering/object-keys.ts";
import type { PieceFailure } from "../tiering/piece-cache.ts";
import { unavailable } from "../tiering/store-failure.ts";

export type SegmentPiece =
  /** Whole batches, one behind the other: the caller's own. */
  { readonly kind: "batches"; readonly bytes: Uint8Array } | PieceFailure;

/**
 * The batches of a segment from its first to its last, some `pieceBytes` at a time, more only where one batch is larger. Ends after what is no batches. Not by
 * way of the readers' cache: whoever goes over a whole log would leave nothing else in it.
 */
export async function* segmentPieces(
  objects: ObjectStore,
  segment: { readonly path: PartitionPath; readonly entry: SegmentEntry },
  pieceBytes: number,
): AsyncGenerator<SegmentPiece, void, void> {
  assert(pieceBytes >= batchOverheadBytes, "a piece says how large its first batch is");
  const { name, dataBytes, sizeBytes } = segment.entry;
  const key = objectKey(segment.path, name);
  let wantedBytes = pieceBytes;
  for (let position = 0; position < dataBytes;) {
    const end = Math.min(dataBytes, position + wantedBytes);
    const piece = await getRange(objects, key, { start: position, end, sizeBytes });
    if (piece.kind !== "batches") return yield piece;
    const wholeBytes = wholeBatchesBytes(piece.bytes);
    if (wholeBytes === 0) {
      // Either one batch is larger than the piece, or these are no batches.
      const size = batchSizeAt(piece.bytes, 0);
      if (batchFailureAt(piece.bytes, 0)?.reason !== "truncated" || size > dataBytes - position) {
        return yield { kind: "corrupt", message: `${key} has no batch at byte ${position}` };
      }
      wantedBytes = Math.max(size, batchOverheadBytes);
      continue;
    }
    wantedBytes = pieceBytes;
    position += wholeBytes;
    const isWhole = wholeBytes === piece.bytes.length;
    yield isWhole ? piece : { kind: "batches", bytes: piece.bytes.subarray(0, wholeBytes) };
  }
}

async function getRange(
  objects: ObjectStore,
  key: string,
  range: { readonly start: number; readonly end: number; readonly sizeBytes: number },
): Promise<SegmentPiece> {
  const { start, end, sizeBytes } = range;
  try {
    const found = await objects.get(key, { start, end });
    if (found === null) return { kind: "gone" };
    if (found.sizeBytes !== sizeBytes || found.bytes.length !== end - start) {
      return { kind: "corrupt", message: `${key} is not of ${sizeBytes} bytes` };
    }
    return { kind: "batches", bytes: found.bytes };
  } catch (error) {
    return unavailable(error);
  }
}

/** Bytes of the whole batches that `bytes` begins with, by their headers; the cleaner looks closer. */
const wholeBatchesBytes = (bytes: Uint8Array): number => {
  let at = 0;
  while (bytes.length - at >= batchOverheadBytes && batchFailureAt(bytes, at) === null) {
    at += batchSizeAt(bytes, at);
  }
  return at;
};
