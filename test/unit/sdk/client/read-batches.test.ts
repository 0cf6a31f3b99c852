import type { RecordsBatch } from "@platformatic/kafka";
import { expect, test } from "vitest";
import { readBatches } from "../../../../sdk/src/client/read-batches.ts";

function batch(firstOffset: number, deltas: number[], changes: Partial<RecordsBatch> = {}) {
  return {
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: deltas.at(-1) ?? 0,
    firstTimestamp: 1_000n,
    attributes: 0,
    partitionLeaderEpoch: 3,
    records: deltas.map((offsetDelta) => ({
      length: 0,
      attributes: 0,
      offsetDelta,
      timestampDelta: BigInt(offsetDelta),
      key: null,
      value: Buffer.from(`v${firstOffset + offsetDelta}`),
      headers: [[Buffer.from("h"), null]],
    })),
    ...changes,
  } as unknown as RecordsBatch;
}

const place = { topic: "orders", partition: 2 };

test("a batch asked for from its middle gives only what was asked for", () => {
  const { records, nextOffset } = readBatches(place, [batch(10, [0, 1, 2, 3])], 12);
  expect(records.map(({ offset }) => offset)).toEqual([12, 13]);
  expect(records[0]).toMatchObject({ ...place, timestampMs: 1_002, leaderEpoch: 3, key: null });
  expect(nextOffset).toBe(14);
});

test("reading goes on behind what compaction left of a batch, and behind markers", () => {
  const compacted = batch(0, [1], { lastOffsetDelta: 9 });
  const marker = batch(10, [0], { attributes: 0x20 });
  const { records, nextOffset } = readBatches(place, [compacted, marker], 0);
  expect(records.map(({ offset }) => offset)).toEqual([1]);
  expect(nextOffset).toBe(11);
});

test("a header without a value reads as an empty one", () => {
  const { records } = readBatches(place, [batch(0, [0])], 0);
  expect(records[0]?.headers).toEqual([["h", Buffer.alloc(0)]]);
});

test("nothing leaves the place where it is", () => {
  expect(readBatches(place, [], 7)).toEqual({ records: [], nextOffset: 7, sizeBytes: 0 });
});
