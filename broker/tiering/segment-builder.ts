import {
  baseOffsetAt,
  batchFailureAt,
  batchSizeAt,
  isCrcValidAt,
  nextOffsetAt,
} from "../../protocol/records/batch.ts";
import { assert } from "../assert.ts";
import { createEpochCache, truncateEpochsFromEnd, type EpochCache } from "../log/epoch-cache.ts";
import { gapsBelow, type Gap } from "../log/gaps.ts";
import type { SegmentEntry } from "./manifest.ts";
import { segmentName } from "./object-keys.ts";
import {
  encodeSegmentFooter,
  type AbortedTransaction,
  type OpenTransaction,
  type SegmentFooter,
} from "./segment-footer.ts";
import { createSegmentIndex, indexBatch, type SegmentIndex } from "./segment-index.ts";

export type SegmentBuilderOptions = {
  readonly topicId: string;
  readonly index: number;
  /** Of the leader that writes the object. */
  readonly leaderEpoch: number;
  /** Where the segment's range begins; its first batch may begin later. */
  readonly baseOffset: number;
  /** Of the object: `newObjectId`. */
  readonly id: string;
  /** Holds the whole object in the end; lent until the upload of what `finish` answers has settled. */
  readonly buffer: Uint8Array;
  /** How many compactions the batches have gone through: 0, unless this one is a compaction's. */
  readonly generation?: number;
  /** Kept free of batches, for the footer: 1 MiB, or an eighth of a smaller buffer. */
  readonly footerRoomBytes?: number;
};

export type Added =
  | { readonly kind: "added" }
  /** It does not fit any more: finish, and begin another segment with it. */
  | { readonly kind: "full" }
  /** The bytes are no whole batch, or their CRC does not hold: nothing of them was taken. */
  | { readonly kind: "corruptState"; readonly message: string };

/** What a segment says of the log at its end, beside its batches. */
export type SegmentEnd = {
  /** Exclusive; not below what was added. Above it, where compaction took the last offsets. */
  readonly endOffset: number;
  /** `encodeProducerState` of the state at `endOffset`. */
  readonly producers: Uint8Array;
  /** The log's lineage; of epochs that begin at or behind `endOffset` the footer does not speak. */
  readonly epochs: EpochCache;
  readonly gaps: readonly Gap[];
  /** Those whose marker lies in the segment. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Those open at `endOffset`. */
  readonly openTransactions: readonly OpenTransaction[];
};

export type Finished =
  | {
      readonly kind: "finished";
      /** The object: a view of the buffer. */
      readonly bytes: Uint8Array;
      readonly entry: SegmentEntry;
    }
  /** The footer is larger than the room kept for it. */
  | { readonly kind: "tooLarge"; readonly neededBytes: number };

export type SegmentBuilder = {
  /** Exclusive end of what was added, or the base offset. */
  readonly nextOffset: number;
  readonly dataBytes: number;
  readonly recordCount: number;
  /** Copies one batch of the log. In order: its base offset is not below `nextOffset`. */
  add(batch: Uint8Array): Added;
  /** The segment up to `endOffset`, once; nothing is added afterwards. A `tooLarge` one may be tried again with less. */
  finish(end: SegmentEnd): Finished;
};

const defaultFooterRoomBytes = 1024 * 1024;

/** Builds one segment object in a buffer that is lent: none of that size is allocated for each upload. */
export function createSegmentBuilder(options: SegmentBuilderOptions): SegmentBuilder {
  const { buffer, baseOffset } = options;
  const footerRoom =
    options.footerRoomBytes ?? Math.min(defaultFooterRoomBytes, buffer.length >>> 3);
  const room = buffer.length - footerRoom;
  assert(room > 0 && baseOffset >= 0, "a segment has room for batches, and a place");
  const index = createSegmentIndex(room);
  let at = 0;
  let nextOffset = baseOffset;
  let isFinished = false;
  return {
    get nextOffset() {
      return nextOffset;
    },
    get dataBytes() {
      return at;
    },
    get recordCount() {
      return index.recordCount;
    },
    add(batch) {
      assert(!isFinished, "nothing is added to a finished segment");
      const failure = batchFailureAt(batch, 0);
      if (failure !== null) return { kind: "corruptState", message: failure.message };
      const isOne = batchSizeAt(batch, 0) === batch.length;
      if (!isOne || !isCrcValidAt(batch, 0)) {
        const what = isOne ? "the CRC does not hold" : "more bytes than one batch";
        return { kind: "corruptState", message: `${what}, at ${baseOffsetAt(batch, 0)}` };
      }
      assert(baseOffsetAt(batch, 0) >= nextOffset, "batches are added in the log's order");
      if (at + batch.length > room) return { kind: "full" };
      buffer.set(batch, at);
      indexBatch(index, buffer, at);
      at += batch.length;
      nextOffset = nextOffsetAt(batch, 0);
      return { kind: "added" };
    },
    finish(end) {
      assert(!isFinished, "a segment is finished once");
      assert(end.endOffset >= nextOffset && end.endOffset > baseOffset, "a segment has a range");
      const footer = encodeSegmentFooter(footerOf(options, index, { dataBytes: at, ...end }));
      const sizeBytes = at + footer.length;
      if (sizeBytes > buffer.length) return { kind: "tooLarge", neededBytes: sizeBytes };
      buffer.set(footer, at);
      isFinished = true;
      const written = { dataBytes: at, sizeBytes };
      return {
        kind: "finished",
        bytes: buffer.subarray(0, sizeBytes),
        entry: entryOf(options, index, { ...written, ...end }),
      };
    },
  };
}

const footerOf = (
  options: SegmentBuilderOptions,
  index: SegmentIndex,
  end: SegmentEnd & { readonly dataBytes: number },
): SegmentFooter => ({
  topicId: options.topicId,
  index: options.index,
  leaderEpoch: options.leaderEpoch,
  baseOffset: options.baseOffset,
  endOffset: end.endOffset,
  dataBytes: end.dataBytes,
  recordCount: index.recordCount,
  minTimestamp: index.minTimestamp,
  maxTimestamp: index.maxTimestamp,
  maxTimestampOffset: index.maxTimestampOffset,
  offsetIndex: {
    offsets: Float64Array.from(index.offsets),
    positions: Float64Array.from(index.positions),
  },
  timeIndex: {
    timestamps: Float64Array.from(index.timestamps),
    offsets: Float64Array.from(index.timeOffsets),
  },
  abortedTransactions: end.abortedTransactions,
  openTransactions: end.openTransactions,
  producers: end.producers,
  epochs: epochsBelow(end.epochs, end.endOffset),
  gaps: gapsBelow(end.gaps, end.endOffset),
});

const entryOf = (
  options: SegmentBuilderOptions,
  index: SegmentIndex,
  end: SegmentEnd & { readonly dataBytes: number; readonly sizeBytes: number },
): SegmentEntry => ({
  name: segmentName(options),
  baseOffset: options.baseOffset,
  endOffset: end.endOffset,
  leaderEpoch: options.leaderEpoch,
  sizeBytes: end.sizeBytes,
  dataBytes: end.dataBytes,
  minTimestamp: index.minTimestamp,
  maxTimestamp: index.maxTimestamp,
  generation: options.generation ?? 0,
  hasAborted: end.abortedTransactions.length > 0,
});

const epochsBelow = (epochs: EpochCache, endOffset: number) => {
  const below = createEpochCache(epochs.entries);
  truncateEpochsFromEnd(below, endOffset);
  return below.entries;
};
