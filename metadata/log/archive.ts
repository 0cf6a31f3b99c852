import type { MetadataEntry } from "../../ports/metadata-log.ts";
import { MetadataDecodeError } from "../records/field-types.ts";

const headerBytes = 12;

/** Entries as they were appended, each behind its revision (8 bytes) and length (4 bytes). They are compressed already. */
export function encodeArchive(entries: readonly MetadataEntry[]): Uint8Array {
  const sizeBytes = entries.reduce((sum, { entry }) => sum + headerBytes + entry.byteLength, 0);
  const bytes = Buffer.alloc(sizeBytes);
  let position = 0;
  for (const { revision, entry } of entries) {
    bytes.writeBigUInt64BE(BigInt(revision), position);
    bytes.writeUInt32BE(entry.byteLength, position + 8);
    bytes.set(entry, position + headerBytes);
    position += headerBytes + entry.byteLength;
  }
  return bytes;
}

/** What a restore reads: the entries behind a snapshot, up to a point in time. */
export function decodeArchive(archive: Uint8Array): MetadataEntry[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const entries: MetadataEntry[] = [];
  let position = 0;
  while (position < bytes.byteLength) {
    const entryAt = position + headerBytes;
    const end = entryAt <= bytes.byteLength ? entryAt + bytes.readUInt32BE(position + 8) : Infinity;
    if (end > bytes.byteLength) {
      throw new MetadataDecodeError("corrupt", `a metadata archive is cut off at byte ${position}`);
    }
    const revision = Number(bytes.readBigUInt64BE(position));
    entries.push({ revision, entry: bytes.subarray(entryAt, end) });
    position = end;
  }
  return entries;
}
