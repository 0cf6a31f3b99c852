import {
  baseOffsetAt,
  batchFailureAt,
  batchSizeAt,
  forEachBatch,
  isCrcValidAt,
  leaderEpochAt,
  nextOffsetAt,
} from "../../protocol/records/batch.ts";
import { assert } from "../assert.ts";
import { ByteWriter } from "../log/byte-writer.ts";
import {
  readInt32,
  readList,
  readOffset,
  readString,
  readUint32,
  type ByteReader,
} from "./byte-reader.ts";
import {
  corrupt,
  readPart,
  tailBytes,
  takeWithTail,
  type CorruptObject,
  type TailFormat,
} from "./object-tail.ts";

// A pack: the batches that a broker's partitions have committed since the last one, partition by partition, then a directory, then a tail that finds it. It is
// read only where every replica is lost. Layout: docs/decisions/0013-segments-manifests-and-packs.md.

/** Batches of one partition, one behind the other, without a hole between their offsets. */
export type PackRange = {
  readonly topicId: string;
  readonly index: number;
  readonly baseOffset: number;
  /** Exclusive. */
  readonly endOffset: number;
  /** Of the first batch and the last. */
  readonly firstLeaderEpoch: number;
  readonly lastLeaderEpoch: number;
  /**
   * The term of the leader that packed the whole log, from where it began outside of segments: with what else the pack has of the partition, everything that
   * was committed then. -1 for what only followed an earlier pack.
   */
  readonly wholeInEpoch: number;
  /** In the object. */
  readonly position: number;
  readonly sizeBytes: number;
};

export type PackBuilder = {
  readonly dataBytes: number;
  /**
   * Copies one committed batch. The batches of a partition come one after the other, in their order; where offsets jump, another range begins. `full`: the
   * pack is to be finished without it.
   */
  add(
    partition: { readonly topicId: string; readonly index: number },
    batch: Uint8Array,
  ): { readonly kind: "added" } | { readonly kind: "full" } | PackedCorrupt;
  /** What was added of the partition is its whole log, as the leader of that term has it. */
  markWhole(partition: { readonly topicId: string; readonly index: number }, inEpoch: number): void;
  /** The object, a view of the buffer; nothing is added afterwards. */
  finish(): { readonly bytes: Uint8Array; readonly ranges: readonly PackRange[] };
};

/** The bytes are no whole batch, or their CRC does not hold: nothing of them was taken. */
type PackedCorrupt = { readonly kind: "corruptState"; readonly message: string };

export const packFormat: TailFormat = {
  object: "pack",
  part: "directory",
  magic: 0x4d594c4b,
  version: 2,
};
const countBytes = 4;
/** Of a directory's row, without the topic id. */
const rowBytes = 44;

type OpenRange = { -readonly [Field in keyof PackRange]: PackRange[Field] };

/** Builds one pack in a buffer that is lent until its upload has settled. */
export function createPackBuilder(buffer: Uint8Array): PackBuilder {
  const ranges: OpenRange[] = [];
  let at = 0;
  let directoryBytes = countBytes;
  let isFinished = false;
  return {
    get dataBytes() {
      return at;
    },
    add({ topicId, index }, batch) {
      assert(!isFinished, "nothing is added to a finished pack");
      const failure = batchFailureAt(batch, 0);
      if (failure !== null) return { kind: "corruptState", message: failure.message };
      if (batchSizeAt(batch, 0) !== batch.length || !isCrcValidAt(batch, 0)) {
        return { kind: "corruptState", message: `damaged batch at ${baseOffsetAt(batch, 0)}` };
      }
      const last = ranges.at(-1);
      const baseOffset = baseOffsetAt(batch, 0);
      const goesOn =
        last?.topicId === topicId && last.index === index && last.endOffset === baseOffset;
      const moreBytes = goesOn ? 0 : rowBytes + Buffer.byteLength(topicId);
      if (at + batch.length + directoryBytes + moreBytes + tailBytes > buffer.length) {
        return { kind: "full" };
      }
      const leaderEpoch = leaderEpochAt(batch, 0);
      if (goesOn) {
        last.endOffset = nextOffsetAt(batch, 0);
        last.lastLeaderEpoch = leaderEpoch;
        last.sizeBytes += batch.length;
      } else {
        ranges.push({
          topicId,
          index,
          baseOffset,
          endOffset: nextOffsetAt(batch, 0),
          firstLeaderEpoch: leaderEpoch,
          lastLeaderEpoch: leaderEpoch,
          wholeInEpoch: -1,
          position: at,
          sizeBytes: batch.length,
        });
      }
      buffer.set(batch, at);
      at += batch.length;
      directoryBytes += moreBytes;
      return { kind: "added" };
    },
    markWhole({ topicId, index }, inEpoch) {
      const first = ranges.find((range) => range.topicId === topicId && range.index === index);
      assert(first !== undefined, "something of it was added");
      first.wholeInEpoch = inEpoch;
    },
    finish() {
      assert(!isFinished, "a pack is finished once");
      isFinished = true;
      const directory = encodeDirectory(ranges);
      assert(directory.length === directoryBytes + tailBytes, "room was kept for the rows");
      buffer.set(directory, at);
      return { bytes: buffer.subarray(0, at + directory.length), ranges };
    },
  };
}

const encodeDirectory = (ranges: readonly PackRange[]): Uint8Array => {
  const writer = new ByteWriter();
  writer.uint32(ranges.length);
  for (const range of ranges) {
    writer.bytes(Buffer.from(range.topicId));
    writer.uint32(range.index);
    writer.int64(range.baseOffset);
    writer.int64(range.endOffset);
    writer.uint32(range.firstLeaderEpoch);
    writer.uint32(range.lastLeaderEpoch);
    writer.uint32(range.wholeInEpoch);
    writer.uint32(range.position);
    writer.uint32(range.sizeBytes);
  }
  return takeWithTail(writer, packFormat);
};

export type DecodedPack =
  | { readonly kind: "decoded"; readonly ranges: readonly PackRange[] }
  | CorruptObject;

/** `bytes`: the end of the object, from the directory on or more of it. `sizeBytes`: of the whole object. */
export function decodePackDirectory(bytes: Uint8Array, sizeBytes: number): DecodedPack {
  const found = readPart(bytes, packFormat, readRanges);
  if (found.kind === "corrupt") return found;
  const { part: ranges, partAt } = found;
  const dataBytes = sizeBytes - (bytes.length - partAt);
  for (const { baseOffset, endOffset, position, sizeBytes: rangeBytes } of ranges) {
    const isInside = position + rangeBytes <= dataBytes;
    if (baseOffset >= endOffset || !isInside) return corrupt(packFormat, "a range lies outside");
  }
  return { kind: "decoded", ranges };
}

const readRanges = (reader: ByteReader): PackRange[] => readList(reader, rowBytes, readRange);

const readRange = (reader: ByteReader): PackRange => ({
  topicId: readString(reader),
  index: readUint32(reader),
  baseOffset: readOffset(reader),
  endOffset: readOffset(reader),
  firstLeaderEpoch: readInt32(reader),
  lastLeaderEpoch: readInt32(reader),
  wholeInEpoch: readInt32(reader),
  position: readUint32(reader),
  sizeBytes: readUint32(reader),
});

/** Up to where a pack has partitions whole, and in whose term it was packed. */
export type WholeLog = Pick<PackRange, "topicId" | "index" | "endOffset" | "lastLeaderEpoch"> & {
  readonly inEpoch: number;
};

/** `ranges`: of one pack, in their order. */
export function wholeLogsIn(ranges: readonly PackRange[]): WholeLog[] {
  const whole: { -readonly [Field in keyof WholeLog]: WholeLog[Field] }[] = [];
  for (const { topicId, index, endOffset, lastLeaderEpoch, wholeInEpoch } of ranges) {
    const last = whole.at(-1);
    if (wholeInEpoch >= 0)
      whole.push({ topicId, index, endOffset, lastLeaderEpoch, inEpoch: wholeInEpoch });
    // Behind a gap that a recovery left.
    else if (last?.topicId === topicId && last.index === index)
      Object.assign(last, { endOffset, lastLeaderEpoch });
  }
  return whole;
}

/** What keeps a range's bytes from being taken, or null: whole batches whose CRCs hold, from its first offset to its last without a hole. */
export function rangeProblem(range: PackRange, bytes: Uint8Array): string | null {
  let nextOffset = range.baseOffset;
  let problem: string | null = null;
  const failure = forEachBatch(bytes, (at) => {
    if (baseOffsetAt(bytes, at) !== nextOffset) problem = `a hole at ${nextOffset}`;
    else if (!isCrcValidAt(bytes, at)) problem = `the CRC of ${nextOffset} does not hold`;
    nextOffset = nextOffsetAt(bytes, at);
    return problem === null;
  });
  if (failure !== null) return failure.message;
  if (problem !== null) return problem;
  return nextOffset === range.endOffset ? null : `ends at ${nextOffset}`;
}
