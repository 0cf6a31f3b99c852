import type { DiskFile } from "../../ports/disk.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import {
  entryBytes,
  entryHeaderBytes,
  fileHeaderBytes,
  isBatchOfEntry,
  readEntryHeader,
  type EntryHeader,
} from "./wal-entry.ts";

// Reads a WAL file entry by entry at start, and tells a torn end from damage.
//
// What a crash leaves behind the last flush may be missing in any pieces: there the log ends, and the rest is cut. Damage is what cannot come from a crash: in
// front of what is known to have been flushed, or, if only the process had died, in front of an entry of a later commit: only the last commit can be torn then.

export type ScannedFile = {
  readonly handle: DiskFile;
  readonly sequence: number;
  readonly sizeBytes: number;
  /** Where its entries end, if the file that follows it says so: everything before was flushed. */
  readonly knownEnd: number | null;
  /** Every completed write is there: it is the same run of the kernel. */
  readonly hasAllWrites: boolean;
};

export type ScanVisitor = {
  /** `body` is lent. `position` is where it begins. */
  onEntry(header: EntryHeader, body: Uint8Array, position: number): void;
  /** An entry that was complete is no longer: of that partition, or nobody can tell of which. */
  onDamage(partition: number | null, position: number): void;
};

export type ScanResult = {
  readonly end: number;
  /** Entries behind the end that were cut off; false for an end that nothing follows. */
  readonly isTorn: boolean;
};

export async function scanFile(file: ScannedFile, visitor: ScanVisitor): Promise<ScanResult> {
  const limit = Math.min(file.knownEnd ?? file.sizeBytes, file.sizeBytes);
  const window = new FileWindow(file.handle, file.sizeBytes);
  let at = fileHeaderBytes;
  let expected = 0;
  while (at < limit) {
    const header = await readHeader(window, file, at);
    const isExpected = header !== null && header.entrySequence === expected;
    const end = isExpected ? at + entryBytes(header.length) : 0;
    if (isExpected && end <= limit) {
      const body = await window.bytes(at + entryHeaderBytes, header.length);
      if (body !== null && isSoundBody(header, body)) {
        visitor.onEntry(header, body, at + entryHeaderBytes);
        at = end;
        expected += 1;
        continue;
      }
    }
    const behind = await lookBehind(window, file, { at, expected });
    if (!isDamage(file, at, behind)) return { end: at, isTorn: behind.first !== null };
    if (isExpected && end <= limit) {
      visitor.onDamage(header.partition, at);
      at = end;
      expected += 1;
      continue;
    }
    const { first } = behind;
    const isOne = first !== null && first.header.entrySequence === expected + 1;
    visitor.onDamage(isOne ? first.header.previousPartition : null, at);
    if (first === null) return { end: limit, isTorn: false };
    at = first.position;
    expected = first.header.entrySequence;
  }
  // A file shorter than its successor says lost bytes that were flushed.
  if (file.knownEnd !== null && limit < file.knownEnd) visitor.onDamage(null, limit);
  return { end: at, isTorn: false };
}

const readHeader = async (
  window: FileWindow,
  file: ScannedFile,
  at: number,
): Promise<EntryHeader | null> => {
  const bytes = await window.bytes(at, entryHeaderBytes);
  return bytes === null ? null : readEntryHeader(bytes, 0, file.sequence);
};

const isSoundBody = (header: EntryHeader, body: Uint8Array): boolean => {
  if (header.kind !== "append") return crc32c(body) === header.bodyCrc;
  return isBatchOfEntry(header, body);
};

type Behind = {
  /** The first sound header behind, with a later number. */
  readonly first: { readonly header: EntryHeader; readonly position: number } | null;
  readonly flushedEnd: number;
  readonly commitStart: number;
};

const isDamage = (file: ScannedFile, at: number, behind: Behind): boolean =>
  file.knownEnd !== null ||
  behind.flushedEnd > at ||
  (file.hasAllWrites && behind.commitStart > at);

/** What the headers behind `at` know of it. */
const lookBehind = async (
  window: FileWindow,
  file: ScannedFile,
  from: { at: number; expected: number },
): Promise<Behind> => {
  let first: Behind["first"] = null;
  let flushedEnd = 0;
  let commitStart = 0;
  const end = file.knownEnd ?? file.sizeBytes;
  for (let at = from.at + 8; at + entryHeaderBytes <= end;) {
    const block = await window.block(at);
    if (block === null) break;
    const blockEnd = Math.min(end, block.start + block.bytes.length) - entryHeaderBytes;
    for (; at <= blockEnd; at += 8) {
      const header = readEntryHeader(block.bytes, at - block.start, file.sequence);
      if (header === null || header.entrySequence <= from.expected) continue;
      first ??= { header, position: at };
      flushedEnd = Math.max(flushedEnd, header.flushedEnd);
      commitStart = Math.max(commitStart, header.commitStart);
    }
  }
  return { first, flushedEnd, commitStart };
};

const windowBytes = 1024 * 1024;

/** A stretch of the file in memory, moved along. */
class FileWindow {
  readonly #handle: DiskFile;
  readonly #sizeBytes: number;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(handle: DiskFile, sizeBytes: number) {
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  #has(at: number, byteLength: number): boolean {
    return at >= this.#start && at + byteLength <= this.#start + this.#bytes.length;
  }

  async #load(at: number, byteLength: number): Promise<void> {
    const length = Math.min(Math.max(byteLength, windowBytes), this.#sizeBytes - at);
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, length));
    let filled = 0;
    while (filled < bytes.length) {
      const count = await this.#handle.read(bytes.subarray(filled), at + filled);
      if (count === 0) break;
      filled += count;
    }
    this.#start = at;
    this.#bytes = bytes.subarray(0, filled);
  }

  /** Null behind the end of the file. */
  async bytes(at: number, byteLength: number): Promise<Uint8Array | null> {
    if (!this.#has(at, byteLength)) {
      if (at + byteLength > this.#sizeBytes) return null;
      await this.#load(at, byteLength);
      if (!this.#has(at, byteLength)) return null;
    }
    const from = at - this.#start;
    return this.#bytes.subarray(from, from + byteLength);
  }

  /** The stretch that holds a header at `at`, without a slice for each. */
  async block(at: number): Promise<{ bytes: Uint8Array; start: number } | null> {
    if ((await this.bytes(at, entryHeaderBytes)) === null) return null;
    return { bytes: this.#bytes, start: this.#start };
  }
}
