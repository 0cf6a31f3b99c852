import { putInt32, uint32At } from "../../protocol/records/big-endian.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import { ByteWriter } from "../log/byte-writer.ts";
import {
  createByteReader,
  isExhausted,
  readInt32,
  readInt64,
  readList,
  readOffset,
  readString,
  readUint32,
  type ByteReader,
} from "./byte-reader.ts";
import type { LeavingObject, Manifest, PageEntry, SegmentEntry } from "./manifest.ts";
import type { CorruptObject } from "./object-tail.ts";

// Manifests and their pages as bytes, big-endian: {magic, version, CRC-32C of the rest}, then the fields in the order written below. A new field is a new
// version. Layout: docs/decisions/0013-segments-manifests-and-packs.md.

const manifestMagic = 0x4d594c4d;
const pageMagic = 0x4d594c50;
const version = 1;
const headerBytes = 12;

/** The least bytes of each row, for the counts in damaged bytes. */
const segmentRowBytes = 64;
const pageRowBytes = 52;
const leavingRowBytes = 12;

export function encodeManifest(manifest: Manifest): Uint8Array {
  const writer = beginObject(manifestMagic);
  writer.bytes(Buffer.from(manifest.topicId));
  writer.uint32(manifest.index);
  writer.uint32(manifest.leaderEpoch);
  writer.int64(manifest.revision);
  writer.int64(manifest.logStartOffset);
  writer.int64(manifest.cleanedTo);
  writer.int64(manifest.expiring.bytes);
  writer.int64(manifest.expiring.lastHorizonMs);
  writer.uint32(manifest.pages.length);
  for (const page of manifest.pages) writePage(writer, page);
  writeSegments(writer, manifest.segments);
  writer.uint32(manifest.leaving.length);
  for (const { name, sinceMs } of manifest.leaving) {
    writer.bytes(Buffer.from(name));
    writer.int64(sinceMs);
  }
  return endObject(writer);
}

/** A page: whose it is, and its entries. */
export function encodePage(
  { topicId, index }: { readonly topicId: string; readonly index: number },
  entries: readonly SegmentEntry[],
): Uint8Array {
  const writer = beginObject(pageMagic);
  writer.bytes(Buffer.from(topicId));
  writer.uint32(index);
  writeSegments(writer, entries);
  return endObject(writer);
}

const beginObject = (magic: number): ByteWriter => {
  const writer = new ByteWriter();
  writer.uint32(magic);
  writer.uint32(version);
  writer.uint32(0);
  return writer;
};

const endObject = (writer: ByteWriter): Uint8Array => {
  const bytes = writer.take();
  putInt32(bytes, 8, crc32c(bytes, headerBytes));
  return bytes;
};

const writePage = (writer: ByteWriter, page: PageEntry): void => {
  writer.bytes(Buffer.from(page.name));
  writer.int64(page.baseOffset);
  writer.int64(page.endOffset);
  writer.uint32(page.segmentCount);
  writer.int64(page.sizeBytes);
  writer.int64(page.minTimestamp);
  writer.int64(page.maxTimestamp);
  writer.uint32(page.hasAborted ? 1 : 0);
};

const writeSegments = (writer: ByteWriter, segments: readonly SegmentEntry[]): void => {
  writer.uint32(segments.length);
  for (const segment of segments) {
    writer.bytes(Buffer.from(segment.name));
    writer.int64(segment.baseOffset);
    writer.int64(segment.endOffset);
    writer.uint32(segment.leaderEpoch);
    writer.int64(segment.sizeBytes);
    writer.int64(segment.dataBytes);
    writer.int64(segment.minTimestamp);
    writer.int64(segment.maxTimestamp);
    writer.uint32(segment.generation);
    writer.uint32(segment.hasAborted ? 1 : 0);
  }
};

export type DecodedManifest =
  | { readonly kind: "decoded"; readonly manifest: Manifest }
  | CorruptObject;

export function decodeManifest(bytes: Uint8Array): DecodedManifest {
  const reader = openObject(bytes, manifestMagic);
  if ("kind" in reader) return reader;
  const manifest: Manifest = {
    topicId: readString(reader),
    index: readUint32(reader),
    leaderEpoch: readInt32(reader),
    revision: readOffset(reader),
    logStartOffset: readOffset(reader),
    cleanedTo: readOffset(reader),
    expiring: { bytes: readOffset(reader), lastHorizonMs: readInt64(reader) },
    pages: readList(reader, pageRowBytes, readPage),
    segments: readList(reader, segmentRowBytes, readSegment),
    leaving: readList(reader, leavingRowBytes, readLeaving),
  };
  return isExhausted(reader)
    ? { kind: "decoded", manifest }
    : corrupt("the counts of the manifest do not fit");
}

export type DecodedPage =
  | {
      readonly kind: "decoded";
      readonly topicId: string;
      readonly index: number;
      readonly entries: readonly SegmentEntry[];
    }
  | CorruptObject;

export function decodePage(bytes: Uint8Array): DecodedPage {
  const reader = openObject(bytes, pageMagic);
  if ("kind" in reader) return reader;
  const topicId = readString(reader);
  const index = readUint32(reader);
  const entries = readList(reader, segmentRowBytes, readSegment);
  return isExhausted(reader)
    ? { kind: "decoded", topicId, index, entries }
    : corrupt("the counts of the page do not fit");
}

const corrupt = (message: string): CorruptObject => ({ kind: "corrupt", message });

const openObject = (bytes: Uint8Array, magic: number): ByteReader | CorruptObject => {
  const what = magic === manifestMagic ? "manifest" : "page of a manifest";
  if (bytes.length < headerBytes) return corrupt(`${bytes.length} bytes are no ${what}`);
  if (uint32At(bytes, 0) !== magic) return corrupt(`no ${what} of ours`);
  const found = uint32At(bytes, 4);
  if (found !== version) return corrupt(`${what} of version ${found}`);
  if (uint32At(bytes, 8) !== crc32c(bytes, headerBytes)) {
    return corrupt(`the CRC of the ${what} does not hold`);
  }
  return createByteReader(bytes.subarray(headerBytes));
};

const readFlag = (reader: ByteReader): boolean => {
  const value = readUint32(reader);
  if (value > 1) reader.failed = true;
  return value === 1;
};

const readPage = (reader: ByteReader): PageEntry => ({
  name: readString(reader),
  baseOffset: readOffset(reader),
  endOffset: readOffset(reader),
  segmentCount: readUint32(reader),
  sizeBytes: readOffset(reader),
  minTimestamp: readInt64(reader),
  maxTimestamp: readInt64(reader),
  hasAborted: readFlag(reader),
});

const readSegment = (reader: ByteReader): SegmentEntry => ({
  name: readString(reader),
  baseOffset: readOffset(reader),
  endOffset: readOffset(reader),
  leaderEpoch: readInt32(reader),
  sizeBytes: readOffset(reader),
  dataBytes: readOffset(reader),
  minTimestamp: readInt64(reader),
  maxTimestamp: readInt64(reader),
  generation: readUint32(reader),
  hasAborted: readFlag(reader),
});

const readLeaving = (reader: ByteReader): LeavingObject => ({
  name: readString(reader),
  sinceMs: readInt64(reader),
});
