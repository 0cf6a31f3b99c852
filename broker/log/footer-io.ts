import type { Disk } from "../../ports/disk.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import { assert } from "../assert.ts";
import { openHandle, readFully, type WalFile } from "./wal-file.ts";
import { decodeSummary, decodeTrailer, footerParts, trailerBytes } from "./wal-footer.ts";

/** Writes the footer of a sealed file, whose entries are flushed, and flushes it. */
export async function writeFooter(disk: Disk, file: WalFile): Promise<void> {
  assert(file.index !== null && file.footer === null, "a footer is written once");
  const handle = await openHandle(disk, file);
  const parts = footerParts(file.index, file);
  for (;;) {
    const part = parts.next();
    if (part.done === true) {
      await handle.flush();
      file.footer = part.value;
      return;
    }
    if (part.value.bytes.length > 0) await handle.write([part.value.bytes], part.value.position);
  }
}

/** Finds the footer of a sealed file. False if there is no whole one. */
export async function loadFooter(
  disk: Disk,
  { file, sizeBytes }: { file: WalFile; sizeBytes: number },
): Promise<boolean> {
  // A file that has lost its header is still known by its end.
  if (file.fileBytes === 0) file.fileBytes = sizeBytes;
  const handle = await openHandle(disk, file);
  if (sizeBytes < file.fileBytes || sizeBytes < trailerBytes) return false;
  const tail = Buffer.allocUnsafe(trailerBytes);
  if (!(await readFully(handle, tail, file.fileBytes - trailerBytes))) return false;
  const trailer = decodeTrailer(tail, file.sequence);
  if (trailer === null) return false;
  const bytes = Buffer.allocUnsafe(trailer.summaryBytes);
  if (!(await readFully(handle, bytes, trailer.summaryPosition))) return false;
  if (crc32c(bytes) !== trailer.summaryCrc) return false;
  const summary = decodeSummary(bytes);
  if (summary === null) return false;
  file.end = trailer.end;
  file.writtenEnd = trailer.end;
  file.flushedEnd = trailer.end;
  file.footer = summary;
  return true;
}
