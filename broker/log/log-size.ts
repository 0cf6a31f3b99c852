import { findPiece, rowsFrom } from "./piece-view.ts";
import type { StoredLog } from "./stored-log.ts";

/** Bytes of the batches that begin in [from, to). Whole pieces are not looked into. */
export async function bytesBetween(log: StoredLog, from: number, to: number): Promise<number> {
  let bytes = 0;
  for (let next = from; next < to;) {
    const view = await findPiece(log, next);
    if (view === null || view.firstOffset >= to) break;
    if (!view.isPart && view.firstOffset >= next && view.endOffset <= to) {
      bytes += view.sizeBytes;
      next = view.endOffset;
      continue;
    }
    const { rows } = await rowsFrom(log, view, next);
    for (const row of rows) {
      if (row.baseOffset >= from && row.baseOffset < to) bytes += row.size;
      next = Math.max(next, row.lastOffset + 1);
    }
    if (rows.length === 0) next = Math.max(next + 1, view.endOffset);
  }
  return bytes;
}
