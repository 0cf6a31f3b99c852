import {
  baseOffsetAt,
  batchFailureAt,
  batchSizeAt,
  isCrcValidAt,
  leaderEpochAt,
} from "../../protocol/records/batch.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import {
  int32At,
  isSafeInt64At,
  putInt32,
  putInt64,
  roundedInt64At,
  uint32At,
} from "../../protocol/records/big-endian.ts";

// The bytes of a WAL file: a file header, then entries, each a fixed header and a body, padded to 8 bytes. All numbers big-endian.
//
// An entry counts only in its place: the file's sequence and the entry's number within the file must be the expected ones, because a recycled file is full of
// old entries whose checksums are right.

/** Where each field of an entry's header starts. */
export const entryField = {
  magic: 0,
  kind: 4,
  flags: 5,
  /** Bytes of the body, without padding. */
  length: 8,
  fileSequence: 12,
  entrySequence: 16,
  /** The number under which a `declared` entry introduced the partition. */
  partition: 20,
  /** Of the batch; for other kinds the offset they are about. */
  baseOffset: 24,
  leaderEpoch: 32,
  /** Where in this file the commit began that the entry was written with: grows from commit to commit. */
  commitStart: 36,
  /** Up to where this file was on stable storage when the entry was appended. */
  flushedEnd: 40,
  /** CRC-32C of the body; 0 for `append`, whose batch has its own. */
  bodyCrc: 44,
  /** Partition of the entry before: if that one is damaged beyond recognition, it is known whose it was. */
  previousPartition: 48,
  /** CRC-32C of all fields before. */
  headerCrc: 52,
} as const;

export const entryHeaderBytes = 56;
const entryMagic = 0x4d594c45;

export const entryKinds = {
  append: 1,
  /** The log ends at `baseOffset` now. */
  truncate: 2,
  /** The log goes on at `baseOffset`; what lies between never existed (replication.md F8). */
  gap: 3,
  /** The log begins anew: offset, epochs and producers are in the body (a bootstrap from the tier). */
  start: 4,
  logStart: 5,
  highWatermark: 6,
  /** The body names the partition that `partition` stands for from here on. */
  declared: 7,
  dropped: 8,
  /** What lies below `baseOffset` is in the object store and no longer here. */
  localStart: 9,
} as const;

export type EntryKind = keyof typeof entryKinds;

const kindNames: (EntryKind | undefined)[] = [];
for (const [name, id] of Object.entries(entryKinds)) kindNames[id] = name as EntryKind;

/** Flag of an `append` that repeats a batch from a file about to be reclaimed. */
export const copiedFlag = 1;
/**
 * Flag of an `append` or `declared`: from here on nothing of the log counts before it is flushed (durability `fsync`). What precedes the entry is there if the
 * entry is, and the first append without the flag is flushed too before it counts. So a log whose last such entry has it has lost nothing that counted.
 */
export const flushedFlag = 2;

export type EntryHeader = {
  readonly kind: EntryKind;
  readonly flags: number;
  readonly length: number;
  readonly fileSequence: number;
  readonly entrySequence: number;
  readonly partition: number;
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly commitStart: number;
  readonly flushedEnd: number;
  readonly bodyCrc: number;
  readonly previousPartition: number;
};

/** The body of a `declared` entry: {partition index int32, topic id}. */
export function encodeDeclaration(topicId: string, index: number): Uint8Array {
  const body = Buffer.allocUnsafe(4 + Buffer.byteLength(topicId));
  body.writeInt32BE(index, 0);
  body.write(topicId, 4);
  return body;
}

/** The body of `truncate`, `logStart` and `localStart`: how many bytes of batches are gone with it. */
export function encodeGoneBytes(count: number): Uint8Array {
  const body = new Uint8Array(8);
  putInt64(body, 0, count);
  return body;
}

export const decodeGoneBytes = (body: Uint8Array): number =>
  body.length < 8 ? 0 : roundedInt64At(body, 0);

/** Bytes an entry takes in the file. */
export const entryBytes = (bodyBytes: number): number =>
  Math.ceil((entryHeaderBytes + bodyBytes) / 8) * 8;

export function writeEntryHeader(target: Uint8Array, header: EntryHeader): void {
  putInt32(target, entryField.magic, entryMagic);
  putInt32(target, entryField.kind, 0);
  target[entryField.kind] = entryKinds[header.kind];
  target[entryField.flags] = header.flags;
  putInt32(target, entryField.length, header.length);
  putInt32(target, entryField.fileSequence, header.fileSequence);
  putInt32(target, entryField.entrySequence, header.entrySequence);
  putInt32(target, entryField.partition, header.partition);
  putInt64(target, entryField.baseOffset, header.baseOffset);
  putInt32(target, entryField.leaderEpoch, header.leaderEpoch);
  putInt32(target, entryField.commitStart, header.commitStart);
  putInt32(target, entryField.flushedEnd, header.flushedEnd);
  putInt32(target, entryField.bodyCrc, header.bodyCrc);
  putInt32(target, entryField.previousPartition, header.previousPartition);
  putInt32(target, entryField.headerCrc, crc32c(target, 0, entryField.headerCrc));
}

/** The header at `at`, or null if no sound one of file `fileSequence` is there. */
export function readEntryHeader(
  bytes: Uint8Array,
  at: number,
  fileSequence: number,
): EntryHeader | null {
  if (bytes.length - at < entryHeaderBytes) return null;
  if (int32At(bytes, at) !== entryMagic) return null;
  // Before the checksum: this turns most of a recycled file's ghosts away.
  if (uint32At(bytes, at + entryField.fileSequence) !== fileSequence) return null;
  const crc = crc32c(bytes, at, at + entryField.headerCrc);
  if (uint32At(bytes, at + entryField.headerCrc) !== crc) return null;
  const kind = kindNames[bytes[at + entryField.kind]!];
  if (kind === undefined || !isSafeInt64At(bytes, at + entryField.baseOffset)) return null;
  return {
    kind,
    flags: bytes[at + entryField.flags]!,
    length: uint32At(bytes, at + entryField.length),
    fileSequence,
    entrySequence: uint32At(bytes, at + entryField.entrySequence),
    partition: uint32At(bytes, at + entryField.partition),
    baseOffset: roundedInt64At(bytes, at + entryField.baseOffset),
    leaderEpoch: int32At(bytes, at + entryField.leaderEpoch),
    commitStart: uint32At(bytes, at + entryField.commitStart),
    flushedEnd: uint32At(bytes, at + entryField.flushedEnd),
    bodyCrc: uint32At(bytes, at + entryField.bodyCrc),
    previousPartition: uint32At(bytes, at + entryField.previousPartition),
  };
}

/** Whether the batch is the one the entry was written for, unchanged. The batch's own checksum leaves out what its leader stamps. */
export const isBatchOfEntry = (header: EntryHeader, bytes: Uint8Array): boolean =>
  header.length === bytes.length &&
  batchFailureAt(bytes, 0) === null &&
  batchSizeAt(bytes, 0) === bytes.length &&
  isCrcValidAt(bytes, 0) &&
  baseOffsetAt(bytes, 0) === header.baseOffset &&
  leaderEpochAt(bytes, 0) === header.leaderEpoch;

const fileField = {
  magic: 0,
  version: 8,
  sequence: 12,
  fileBytes: 16,
  previousSequence: 24,
  previousEnd: 28,
  crc: 60,
} as const;

export const fileHeaderBytes = 64;
const fileMagic = [0x4d59454c, 0x494e574c] as const;
const fileVersion = 1;

export type FileHeader = {
  readonly sequence: number;
  readonly fileBytes: number;
  /** The file before, 0 if there is none, and where its entries end: what lies behind was cut off and stays so. */
  readonly previousSequence: number;
  readonly previousEnd: number;
};

export function encodeFileHeader(header: FileHeader): Uint8Array {
  const bytes = new Uint8Array(fileHeaderBytes);
  putInt32(bytes, fileField.magic, fileMagic[0]);
  putInt32(bytes, fileField.magic + 4, fileMagic[1]);
  putInt32(bytes, fileField.version, fileVersion);
  putInt32(bytes, fileField.sequence, header.sequence);
  putInt64(bytes, fileField.fileBytes, header.fileBytes);
  putInt32(bytes, fileField.previousSequence, header.previousSequence);
  putInt32(bytes, fileField.previousEnd, header.previousEnd);
  putInt32(bytes, fileField.crc, crc32c(bytes, 0, fileField.crc));
  return bytes;
}

/** `unknownVersion`: written by another version of this software; not to be touched. */
export function decodeFileHeader(bytes: Uint8Array): FileHeader | "unknownVersion" | null {
  if (bytes.length < fileHeaderBytes) return null;
  if (int32At(bytes, 0) !== fileMagic[0] || int32At(bytes, 4) !== fileMagic[1]) return null;
  if (uint32At(bytes, fileField.crc) !== crc32c(bytes, 0, fileField.crc)) return null;
  if (int32At(bytes, fileField.version) !== fileVersion) return "unknownVersion";
  return {
    sequence: uint32At(bytes, fileField.sequence),
    fileBytes: roundedInt64At(bytes, fileField.fileBytes),
    previousSequence: uint32At(bytes, fileField.previousSequence),
    previousEnd: uint32At(bytes, fileField.previousEnd),
  };
}
