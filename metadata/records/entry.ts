import { createHash } from "node:crypto";

import { compressRecords, expandRecords } from "./compressed-records.ts";
import { MetadataDecodeError } from "./field-types.ts";
import { maxMetadataLevel, minMetadataLevel } from "./table.ts";
import type { MetadataRecord } from "./table.ts";

/**
 * One entry of the metadata log:
 *   0  format of this frame (1)
 *   1  metadata level of the records
 *   2  nonce of the writer, 16 bytes: how a writer whose append timed out knows its own entry
 *  18  hash of the previous entry, 16 bytes (zeros at genesis): how a reader knows that this log continues the one it read
 *  34  records
 */
type MetadataLogEntry = {
  readonly level: number;
  /** Hex. */
  readonly nonce: string;
  /** Hex; "" at genesis. */
  readonly previousHash: string;
  readonly records: readonly MetadataRecord[];
};

const frameFormat = 1;
const hashBytes = 16;
const headerBytes = 2 + 2 * hashBytes;
/** Entries are at most 256 KiB compressed; what claims to grow beyond this is not ours. */
const maxExpandedBytes = 64 * 1024 * 1024;
const noHash = "0".repeat(hashBytes * 2);

export function encodeEntry(entry: MetadataLogEntry): Uint8Array {
  const records = compressRecords(entry.records, entry.level);
  const bytes = new Uint8Array(headerBytes + records.byteLength);
  bytes[0] = frameFormat;
  bytes[1] = entry.level;
  bytes.set(Buffer.from(entry.nonce, "hex"), 2);
  bytes.set(Buffer.from(entry.previousHash || noHash, "hex"), 2 + hashBytes);
  bytes.set(records, headerBytes);
  return bytes;
}

/** The header alone: enough to recognise an own entry or a broken chain. */
export function entryHeader(bytes: Uint8Array): Omit<MetadataLogEntry, "records"> {
  const format = bytes[0];
  const level = bytes[1];
  if (format === undefined || level === undefined || bytes.byteLength < headerBytes) {
    throw new MetadataDecodeError("corrupt", `a metadata entry of ${bytes.byteLength} bytes`);
  }
  if (format !== frameFormat || level < minMetadataLevel || level > maxMetadataLevel) {
    throw new MetadataDecodeError(
      "unknown",
      `a metadata entry has format ${format} and level ${level}; this version reads format ${frameFormat}, levels ${minMetadataLevel} to ${maxMetadataLevel}`,
    );
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const previousHash = view.toString("hex", 2 + hashBytes, headerBytes);
  return {
    level,
    nonce: view.toString("hex", 2, 2 + hashBytes),
    previousHash: previousHash === noHash ? "" : previousHash,
  };
}

export function decodeEntry(bytes: Uint8Array): MetadataLogEntry {
  const header = entryHeader(bytes);
  const records = expandRecords(bytes.subarray(headerBytes), {
    level: header.level,
    maxBytes: maxExpandedBytes,
  });
  return { ...header, records };
}

/** Hex, over the whole entry as stored. */
export function hashEntry(bytes: Uint8Array): string {
  return createHash("sha256")
    .update(bytes)
    .digest("hex")
    .slice(0, hashBytes * 2);
}
