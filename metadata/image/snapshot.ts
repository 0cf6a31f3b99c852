import { createHash } from "node:crypto";

import { compressPart, expandRecords } from "../records/compressed-records.ts";
import { MetadataDecodeError } from "../records/field-types.ts";
import { maxMetadataLevel, minMetadataLevel } from "../records/table.ts";
import type { MetadataRecord } from "../records/table.ts";
import { applyEntry } from "./apply.ts";
import { createImage } from "./image.ts";
import type { Image } from "./image.ts";

/**
 * An image as the records that would build it, in an order of their own: equal images have equal bytes, and a new kind of record brings its
 * place in the snapshot with it.
 *   0  format (1)
 *   1  metadata level of the records
 *   2  revision, 8 bytes
 *  10  hash of the entry at that revision, 16 bytes
 *  26  SHA-256 of what follows, 32 bytes
 *  58  records
 */
const format = 1;
const headerBytes = 58;
/** 200,000 partitions in JSON are about 16 MB. */
const maxExpandedBytes = 512 * 1024 * 1024;

export function encodeSnapshot(image: Image): Uint8Array {
  const encoding = encodingSnapshot(image);
  for (;;) {
    const step = encoding.next();
    if (step.done === true) return step.value;
  }
}

/** Two thousand partitions at a time: some 5 ms, where 200,000 at once would keep a broker from its clients for half a second. */
const partitionsPerPart = 2_000;

/** The image as it is at the first step, whatever becomes of it before the last. */
export function* encodingSnapshot(image: Image): Generator<undefined, Uint8Array> {
  const { level, revision, entryHash } = image;
  const parts = partsOf(snapshotRecords(image));
  const header = Buffer.alloc(headerBytes);
  const hash = createHash("sha256");
  const compressed: Uint8Array[] = [header];
  for (const [position, records] of parts.entries()) {
    if (position > 0) yield;
    const isLast = position === parts.length - 1;
    const bytes = compressPart(records, { level, isFirst: position === 0, isLast });
    hash.update(bytes);
    compressed.push(bytes);
  }
  header[0] = format;
  header[1] = level;
  header.writeBigUInt64BE(BigInt(revision), 2);
  header.write(entryHash, 10, 16, "hex");
  header.set(hash.digest(), 26);
  return Buffer.concat(compressed);
}

function partsOf(records: readonly MetadataRecord[]): MetadataRecord[][] {
  let part: MetadataRecord[] = [];
  const parts = [part];
  let partitionCount = 0;
  for (const record of records) {
    partitionCount += record.kind === "topic" ? record.partitions.length : 1;
    part.push(record);
    if (partitionCount < partitionsPerPart) continue;
    part = [];
    parts.push(part);
    partitionCount = 0;
  }
  return parts.filter(({ length }) => length > 0);
}

/** Throws MetadataDecodeError: "unknown" for a newer version's snapshot, "corrupt" for bytes that are not one. */
export function decodeSnapshot(snapshot: Uint8Array): Image {
  const bytes = Buffer.from(snapshot.buffer, snapshot.byteOffset, snapshot.byteLength);
  const level = bytes[1];
  if (level === undefined || bytes.byteLength < headerBytes) {
    throw new MetadataDecodeError("corrupt", `a metadata snapshot of ${bytes.byteLength} bytes`);
  }
  if (bytes[0] !== format || level < minMetadataLevel || level > maxMetadataLevel) {
    throw new MetadataDecodeError(
      "unknown",
      `a metadata snapshot has format ${bytes[0]} and level ${level}; this version reads format ${format}, levels ${minMetadataLevel} to ${maxMetadataLevel}`,
    );
  }
  const body = bytes.subarray(headerBytes);
  if (!createHash("sha256").update(body).digest().equals(bytes.subarray(26, headerBytes))) {
    throw new MetadataDecodeError("corrupt", "a metadata snapshot does not match its checksum");
  }
  const image = createImage();
  const records = expandRecords(body, { level, maxBytes: maxExpandedBytes });
  const revision = Number(bytes.readBigUInt64BE(2));
  applyEntry(image, { revision, hash: bytes.toString("hex", 10, 26), records });
  return image;
}

/** The state of the whole image. Sorted where the image has no order; idempotency keys keep theirs, oldest first. */
export function snapshotRecords(image: Image): MetadataRecord[] {
  const { cellId, level, createdAtMs } = image;
  return [
    { kind: "genesis", cellId, level, createdAtMs },
    { kind: "controller", ...image.controller },
    // A level that knows no sleep has none to write down.
    ...(image.sleep.state === "awake" ? [] : [{ kind: "cellSleep" as const, ...image.sleep }]),
    ...sorted(image.clusters).map((cluster) => ({ kind: "cluster" as const, ...cluster })),
    ...[...image.epochFloors.keys()].sort().map((clusterId) => ({
      kind: "epochFloor" as const,
      clusterId,
      epoch: image.epochFloors.get(clusterId) ?? 0,
    })),
    ...sorted(image.brokers).map((broker) => ({ kind: "broker" as const, ...broker })),
    // After those that ask and are asked, whose registrations end questions.
    ...sorted(image.questions).map((question) => ({ kind: "question" as const, ...question })),
    // Topics change in place while this is encoded, their partitions never.
    ...sorted(image.topics).map((topic) => {
      return { kind: "topic" as const, ...topic, partitions: [...topic.partitions] };
    }),
    ...sorted(image.purgingTopics).map((topic) => ({ kind: "topicPurging" as const, ...topic })),
    ...[...image.idempotencyKeys.values()].map((key) => ({
      kind: "idempotencyKey" as const,
      ...key,
    })),
    // Last: the records above move counters too, but not past those of things that are gone.
    {
      kind: "counters",
      nextBrokerId: image.nextBrokerId,
      nextPortOffset: image.nextPortOffset,
      nextProducerId: image.nextProducerId,
    },
  ];
}

function sorted<Key extends string | number, Value>(values: ReadonlyMap<Key, Value>): Value[] {
  return [...values.entries()]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, value]) => value);
}
