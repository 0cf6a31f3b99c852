import fc from "fast-check";
import { expect, test } from "vitest";
import { AssertionFailure } from "../../../../broker/assert.ts";
import { createEpochCache } from "../../../../broker/log/epoch-cache.ts";
import { createSegmentBuilder } from "../../../../broker/tiering/segment-builder.ts";
import {
  decodeSegmentFooter,
  type SegmentFooter,
} from "../../../../broker/tiering/segment-footer.ts";
import {
  nextPosition,
  offsetBefore,
  positionOf,
} from "../../../../broker/tiering/segment-index.ts";
import {
  baseOffsetAt,
  batchSizeAt,
  maxTimestampAt,
  nextOffsetAt,
} from "../../../../protocol/records/batch.ts";
import { batchOf, endAt, path, segmentOf } from "./objects.ts";

const footerOf = (bytes: Uint8Array): SegmentFooter => {
  const decoded = decodeSegmentFooter(bytes);
  if (decoded.kind !== "decoded") throw new Error(decoded.message);
  return decoded.footer;
};

const builderOf = (bufferBytes: number, footerRoomBytes = 1000) =>
  createSegmentBuilder({
    topicId: path.topicId,
    index: path.index,
    leaderEpoch: 4,
    baseOffset: 10,
    id: "A".repeat(22),
    buffer: new Uint8Array(bufferBytes),
    footerRoomBytes,
  });

test("a segment is its batches as they are, then its footer", () => {
  const batches = [batchOf({ baseOffset: 12, records: 3 }), batchOf({ baseOffset: 15 })];
  const { bytes, entry } = segmentOf(
    10,
    batches,
    endAt(20, {
      epochs: createEpochCache([
        { epoch: 1, startOffset: 0 },
        { epoch: 2, startOffset: 20 },
      ]),
      gaps: [
        { end: 2, start: 10 },
        { end: 20, start: 40 },
      ],
    }),
  );
  expect(bytes.subarray(0, entry.dataBytes)).toEqual(new Uint8Array(Buffer.concat(batches)));
  expect(entry).toMatchObject({ baseOffset: 10, endOffset: 20, sizeBytes: bytes.length });
  expect(footerOf(bytes)).toMatchObject({
    baseOffset: 10,
    endOffset: 20,
    dataBytes: entry.dataBytes,
    recordCount: 4,
    minTimestamp: 1014,
    maxTimestamp: 1015,
    maxTimestampOffset: 15,
    // Neither an epoch nor a gap that begins only where the segment ends.
    epochs: [{ epoch: 1, startOffset: 0 }],
    gaps: [{ end: 2, start: 10 }],
  });
});

test("every batch is found by its offset and by its time", () => {
  const shape = fc.record({
    skipped: fc.nat(3),
    records: fc.integer({ min: 1, max: 4 }),
    timestamp: fc.integer({ min: -1, max: 500 }),
    valueBytes: fc.constantFrom(1, 5000, 20_000, 40_000),
  });
  fc.assert(
    fc.property(fc.array(shape, { minLength: 1, maxLength: 40 }), (shapes) => {
      let next = 0;
      const batches = shapes.map(({ skipped, ...rest }) => {
        const batch = batchOf({ ...rest, baseOffset: next + skipped });
        next = nextOffsetAt(batch, 0);
        return batch;
      });
      const { bytes, entry } = segmentOf(0, batches, endAt(next));
      const footer = footerOf(bytes);
      for (let at = 0; at < entry.dataBytes; at += batchSizeAt(bytes, at)) {
        const offset = baseOffsetAt(bytes, at);
        const from = positionOf(footer.offsetIndex, offset);
        expect(from).toBeLessThanOrEqual(at);
        expect(nextPosition(footer.offsetIndex, from, entry.dataBytes)).toBeGreaterThan(at);
        const timestamp = maxTimestampAt(bytes, at);
        if (timestamp < 0) continue;
        expect(offsetBefore(footer.timeIndex, timestamp) ?? 0).toBeLessThanOrEqual(offset);
      }
      const rows = footer.offsetIndex.positions.length;
      expect(rows).toBeLessThanOrEqual(entry.dataBytes / (32 * 1024) + 1);
      expect(footer.maxTimestamp).toBe(Math.max(...batches.map((each) => maxTimestampAt(each, 0))));
    }),
    { numRuns: 60 },
  );
});

test("a batch that does not fit is left to the next segment", () => {
  const builder = builderOf(4000);
  expect(builder.add(batchOf({ baseOffset: 10, valueBytes: 2000 })).kind).toBe("added");
  const { dataBytes } = builder;
  expect(builder.add(batchOf({ baseOffset: 11, valueBytes: 2000 }))).toEqual({ kind: "full" });
  expect(builder).toMatchObject({ dataBytes, nextOffset: 11, recordCount: 1 });
  const finished = builder.finish(endAt(11));
  expect(finished).toMatchObject({ kind: "finished", entry: { endOffset: 11, leaderEpoch: 4 } });
});

test("a footer larger than its room is told, with what it needs", () => {
  const builder = builderOf(1200, 100);
  builder.add(batchOf({ baseOffset: 10, valueBytes: 900 }));
  const finished = builder.finish(endAt(11, { producers: new Uint8Array(500) }));
  expect(finished).toMatchObject({ kind: "tooLarge" });
  expect(finished.kind === "tooLarge" && finished.neededBytes).toBeGreaterThan(1200);
});

test("a damaged batch is not taken, and one out of order is a bug", () => {
  const builder = builderOf(4000);
  const damaged = batchOf({ baseOffset: 10 });
  damaged[damaged.length - 1]! ^= 1;
  expect(builder.add(damaged).kind).toBe("corruptState");
  const two = Buffer.concat([batchOf({ baseOffset: 10 }), batchOf({ baseOffset: 11 })]);
  expect(builder.add(two).kind).toBe("corruptState");
  expect(builder.add(two.subarray(0, 30)).kind).toBe("corruptState");
  expect(builder.dataBytes).toBe(0);
  expect(() => builder.add(batchOf({ baseOffset: 9 }))).toThrow(AssertionFailure);
});

test("a segment that lost all its batches to compaction stands for its offsets still", () => {
  const { bytes, entry } = segmentOf(5, [], endAt(9));
  expect(entry).toMatchObject({ baseOffset: 5, endOffset: 9, dataBytes: 0, maxTimestamp: -1 });
  expect(footerOf(bytes)).toMatchObject({ baseOffset: 5, endOffset: 9, recordCount: 0 });
});
