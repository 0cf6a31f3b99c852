import { assert } from "../assert.ts";
import { ByteWriter } from "../log/byte-writer.ts";
import type { EpochEntry } from "../log/epoch-cache.ts";
import type { Gap } from "../log/gaps.ts";
import {
  readBytes,
  readCount,
  readInt32,
  readInt64,
  readList,
  readOffset,
  readString,
  readUint32,
  type ByteReader,
} from "./byte-reader.ts";
import {
  corrupt,
  readPart,
  takeWithTail,
  type CorruptObject,
  type TailFormat,
} from "./object-tail.ts";

// What stands behind a segment's batches: everything a reader needs to find its way in them, and everything a replica needs that begins where they end. The
// layout is in docs/decisions/0013-segments-manifests-and-packs.md. A new field is a new version.

/** Every row a batch: where it begins. Ascending in both. About one row for each 32 KiB of batches, the first batch always. */
export type OffsetIndex = { readonly offsets: Float64Array; readonly positions: Float64Array };

/** Ascending in both: no batch of the segment before `offsets[i]` has a timestamp above `timestamps[i]`, one has that. */
export type TimeIndex = { readonly timestamps: Float64Array; readonly offsets: Float64Array };

/** As Kafka's transaction index has it. */
export type AbortedTransaction = {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The abort marker's own offset; it lies in the segment. */
  readonly lastOffset: number;
  /** The log's last stable offset once the marker was in it: a reader up to there needs no later marker. */
  readonly lastStableOffset: number;
};

export type OpenTransaction = { readonly producerId: number; readonly firstOffset: number };

export type SegmentFooter = {
  readonly topicId: string;
  readonly index: number;
  /** Of the leader that wrote the object; its batches have epochs of their own. */
  readonly leaderEpoch: number;
  /** Where the range begins that the segment stands for; the first batch may begin later, where compaction took what was before it. */
  readonly baseOffset: number;
  /** Exclusive. */
  readonly endOffset: number;
  /** Bytes of batches: the footer begins there. */
  readonly dataBytes: number;
  readonly recordCount: number;
  /** Of the batches' largest timestamps; -1 if there is none. */
  readonly minTimestamp: number;
  /** -1 if there is none. */
  readonly maxTimestamp: number;
  /** The base offset of the first batch that has `maxTimestamp`; -1 if there is none. */
  readonly maxTimestampOffset: number;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  /** Those whose marker lies in the segment, in the order of the markers. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** At `endOffset`, in the order of their beginnings. */
  readonly openTransactions: readonly OpenTransaction[];
  /** `encodeProducerState` of what is known at `endOffset`. */
  readonly producers: Uint8Array;
  /** The whole lineage up to `endOffset`. */
  readonly epochs: readonly EpochEntry[];
  /** The log's recoveries below `endOffset`. */
  readonly gaps: readonly Gap[];
};

export const segmentFormat: TailFormat = {
  object: "segment",
  part: "footer",
  magic: 0x4d594c53,
  version: 1,
};

/** The footer and the tail behind it: what follows the batches to the object's end. */
export function encodeSegmentFooter(footer: SegmentFooter): Uint8Array {
  const writer = new ByteWriter();
  writeSummary(writer, footer);
  writePairs(writer, footer.offsetIndex.offsets, footer.offsetIndex.positions);
  writePairs(writer, footer.timeIndex.timestamps, footer.timeIndex.offsets);
  writer.uint32(footer.abortedTransactions.length);
  for (const aborted of footer.abortedTransactions) {
    writer.int64(aborted.producerId);
    writer.int64(aborted.firstOffset);
    writer.int64(aborted.lastOffset);
    writer.int64(aborted.lastStableOffset);
  }
  writer.uint32(footer.openTransactions.length);
  for (const open of footer.openTransactions) {
    writer.int64(open.producerId);
    writer.int64(open.firstOffset);
  }
  writer.bytes(footer.producers);
  writer.uint32(footer.epochs.length);
  for (const { epoch, startOffset } of footer.epochs) {
    writer.uint32(epoch);
    writer.int64(startOffset);
  }
  writer.uint32(footer.gaps.length);
  for (const { end, start } of footer.gaps) {
    writer.int64(end);
    writer.int64(start);
  }
  return takeWithTail(writer, segmentFormat);
}

const writeSummary = (writer: ByteWriter, footer: SegmentFooter): void => {
  writer.bytes(Buffer.from(footer.topicId));
  writer.uint32(footer.index);
  writer.uint32(footer.leaderEpoch);
  writer.int64(footer.baseOffset);
  writer.int64(footer.endOffset);
  writer.int64(footer.dataBytes);
  writer.int64(footer.recordCount);
  writer.int64(footer.minTimestamp);
  writer.int64(footer.maxTimestamp);
  writer.int64(footer.maxTimestampOffset);
};

const writePairs = (writer: ByteWriter, first: Float64Array, second: Float64Array): void => {
  assert(first.length === second.length, "an index has two columns of one length");
  writer.uint32(first.length);
  for (const [row, value] of first.entries()) {
    writer.int64(value);
    writer.int64(second[row]!);
  }
};

export type DecodedFooter =
  | { readonly kind: "decoded"; readonly footer: SegmentFooter }
  | CorruptObject;

/** `bytes`: the object from `dataBytes` on, or more of it: it may begin earlier. The footer keeps none of them. */
export function decodeSegmentFooter(bytes: Uint8Array): DecodedFooter {
  const found = readPart(bytes, segmentFormat, readFooter);
  if (found.kind === "corrupt") return found;
  const problem = footerProblem(found.part);
  return problem === null
    ? { kind: "decoded", footer: found.part }
    : corrupt(segmentFormat, problem);
}

const readFooter = (reader: ByteReader): SegmentFooter => {
  const summary = {
    topicId: readString(reader),
    index: readUint32(reader),
    leaderEpoch: readInt32(reader),
    baseOffset: readOffset(reader),
    endOffset: readOffset(reader),
    dataBytes: readOffset(reader),
    recordCount: readOffset(reader),
    minTimestamp: readInt64(reader),
    maxTimestamp: readInt64(reader),
    maxTimestampOffset: readInt64(reader),
  };
  const [offsets, positions] = readPairs(reader);
  const [timestamps, timeOffsets] = readPairs(reader);
  return {
    ...summary,
    offsetIndex: { offsets, positions },
    timeIndex: { timestamps, offsets: timeOffsets },
    abortedTransactions: readList(reader, 32, (from) => ({
      producerId: readInt64(from),
      firstOffset: readOffset(from),
      lastOffset: readOffset(from),
      lastStableOffset: readOffset(from),
    })),
    openTransactions: readList(reader, 16, (from) => ({
      producerId: readInt64(from),
      firstOffset: readOffset(from),
    })),
    // A copy: what is kept of a footer must not keep the piece of the object it came in.
    producers: new Uint8Array(readBytes(reader)),
    epochs: readList(reader, 12, (from) => ({
      epoch: readInt32(from),
      startOffset: readOffset(from),
    })),
    gaps: readList(reader, 16, (from) => ({ end: readOffset(from), start: readOffset(from) })),
  };
};

const readPairs = (reader: ByteReader): [Float64Array, Float64Array] => {
  const count = readCount(reader, 16);
  const first = new Float64Array(count);
  const second = new Float64Array(count);
  for (let row = 0; row < count; row += 1) {
    first[row] = readInt64(reader);
    second[row] = readOffset(reader);
  }
  return [first, second];
};

/** What contradicts itself in a footer whose CRC holds: a writer's bug, and nothing to look things up by. */
function footerProblem(footer: SegmentFooter): string | null {
  const { baseOffset, endOffset, dataBytes, offsetIndex, timeIndex, epochs, gaps } = footer;
  if (baseOffset >= endOffset) return "its range is empty";
  if (!isAscending(offsetIndex.offsets) || !isAscending(offsetIndex.positions)) {
    return "its offset index does not ascend";
  }
  if ((offsetIndex.offsets.length === 0) !== (dataBytes === 0)) {
    return "its offset index does not fit its batches";
  }
  if (!isWithin(offsetIndex.offsets, baseOffset, endOffset)) return "an index row lies outside";
  if (!isWithin(offsetIndex.positions, 0, dataBytes)) return "an index row lies outside";
  if (!isAscending(timeIndex.timestamps) || !isAscending(timeIndex.offsets)) {
    return "its time index does not ascend";
  }
  if (!isWithin(timeIndex.offsets, baseOffset, endOffset + 1)) return "an index row lies outside";
  for (const [at, { epoch, startOffset }] of epochs.entries()) {
    const before = epochs[at - 1];
    if (epoch < 0 || startOffset >= endOffset) return "an epoch begins behind its end";
    if (before !== undefined && (before.epoch >= epoch || before.startOffset >= startOffset)) {
      return "its epochs do not ascend";
    }
  }
  for (const [at, { end, start }] of gaps.entries()) {
    if (start <= end || start > endOffset || (gaps[at - 1]?.start ?? 0) > end) {
      return "its gaps are out of order";
    }
  }
  return null;
}

const isAscending = (values: Float64Array): boolean =>
  values.every((value, at) => at === 0 || values[at - 1]! < value);

/** Of ascending values. */
const isWithin = (values: Float64Array, from: number, end: number): boolean =>
  values.length === 0 || (values[0]! >= from && values.at(-1)! < end);
