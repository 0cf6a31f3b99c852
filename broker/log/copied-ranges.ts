import type { StoredLog } from "./stored-log.ts";
import type { WalFile } from "./wal-file.ts";
import { cutCopiesAtPosition, rowAt } from "./wal-index.ts";

/** Notes that a batch lies in `file` too. */
export function addCopy(
  log: StoredLog,
  file: WalFile,
  batch: { readonly baseOffset: number; readonly lastOffset: number },
): void {
  const endOffset = batch.lastOffset + 1;
  const before = log.copies.find(
    (range) => range.file === file && range.endOffset === batch.baseOffset,
  );
  if (before !== undefined) {
    before.endOffset = endOffset;
    return;
  }
  log.copies.push({ file, startOffset: batch.baseOffset, endOffset });
  log.copies.sort((left, right) => left.startOffset - right.startOffset);
}

/** Forgets the copies in `file`, which is going away. */
export function forgetCopies(log: StoredLog, file: WalFile): void {
  if (log.copies.length > 0) log.copies = log.copies.filter((range) => range.file !== file);
}

/** After a failed write: copies that never reached `file` are none. */
export function dropUnwrittenCopies(
  file: WalFile,
  logOf: (number: number) => StoredLog | undefined,
): void {
  for (const [number, piece] of file.index?.copies ?? []) {
    const count = piece.rows.length;
    cutCopiesAtPosition(piece, file.writtenEnd);
    const log = logOf(number);
    if (log === undefined || piece.rows.length === count) continue;
    forgetCopies(log, file);
    for (const place of piece.rows.keys()) addCopy(log, file, rowAt(piece, place));
  }
}
