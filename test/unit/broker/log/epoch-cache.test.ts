import fc from "fast-check";
import { expect, test } from "vitest";
import {
  assignEpoch,
  createEpochCache,
  decodeEpochs,
  encodeEpochs,
  endOffsetFor,
  epochOfOffset,
  latestEpoch,
  truncateEpochsFromEnd,
  truncateEpochsFromStart,
  type EpochCache,
} from "../../../../broker/log/epoch-cache.ts";

/** Epoch 1 from 0, 3 from 10, 4 from 25; the log ends at 40. */
const lineage = (): EpochCache =>
  createEpochCache([
    { epoch: 1, startOffset: 0 },
    { epoch: 3, startOffset: 10 },
    { epoch: 4, startOffset: 25 },
  ]);

test.each([
  [0, { epoch: 0, endOffset: 0 }],
  [1, { epoch: 1, endOffset: 10 }],
  [2, { epoch: 1, endOffset: 10 }],
  [3, { epoch: 3, endOffset: 25 }],
  [4, { epoch: 4, endOffset: 40 }],
  [5, { epoch: -1, endOffset: -1 }],
  [-1, { epoch: -1, endOffset: -1 }],
])(
  "asked for epoch %d it tells the largest known at or below, and where that ends",
  (epoch, expected) => {
    expect(endOffsetFor(lineage(), epoch, 40)).toEqual(expected);
  },
);

test("a log without epochs knows none", () => {
  const cache = createEpochCache();
  expect(latestEpoch(cache)).toBe(-1);
  expect(endOffsetFor(cache, 0, 0)).toEqual({ epoch: -1, endOffset: -1 });
  expect(epochOfOffset(cache, 5)).toBe(-1);
});

test("an epoch keeps its first start", () => {
  const cache = lineage();
  expect(assignEpoch(cache, 4, 30)).toBe(false);
  expect(cache.entries).toEqual(lineage().entries);
  expect(assignEpoch(cache, 5, 40)).toBe(true);
  expect(latestEpoch(cache)).toBe(5);
});

test("an epoch that wrote nothing gives way to the next one at its offset", () => {
  const cache = lineage();
  assignEpoch(cache, 5, 40);
  assignEpoch(cache, 6, 40);
  expect(cache.entries.slice(-2)).toEqual([
    { epoch: 4, startOffset: 25 },
    { epoch: 6, startOffset: 40 },
  ]);
});

test("tells which epoch wrote an offset", () => {
  const cache = lineage();
  expect([0, 9, 10, 24, 25, 1000].map((offset) => epochOfOffset(cache, offset))).toEqual([
    1, 1, 3, 3, 4, 4,
  ]);
});

test("truncating the end takes out the epochs that have nothing left", () => {
  const cache = lineage();
  truncateEpochsFromEnd(cache, 26);
  expect(latestEpoch(cache)).toBe(4);
  truncateEpochsFromEnd(cache, 25);
  expect(latestEpoch(cache)).toBe(3);
  truncateEpochsFromEnd(cache, 0);
  expect(cache.entries).toEqual([]);
});

test("truncating the start lets the epoch of the first offset begin there", () => {
  const cache = lineage();
  truncateEpochsFromStart(cache, 12);
  expect(cache.entries).toEqual([
    { epoch: 3, startOffset: 12 },
    { epoch: 4, startOffset: 25 },
  ]);
  truncateEpochsFromStart(cache, 12);
  truncateEpochsFromStart(cache, 5);
  expect(cache.entries[0]).toEqual({ epoch: 3, startOffset: 12 });
  truncateEpochsFromStart(cache, 25);
  expect(cache.entries).toEqual([{ epoch: 4, startOffset: 25 }]);
});

test("stays ascending, and answers within the log, whatever is done to it", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("assign" as const), value: fc.nat(6) }),
    fc.record({ kind: fc.constant("append" as const), value: fc.nat(9) }),
    fc.record({ kind: fc.constant("end" as const), value: fc.nat(9) }),
    fc.record({ kind: fc.constant("start" as const), value: fc.nat(9) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = createEpochCache();
      let [start, end] = [0, 0];
      for (const { kind, value } of steps) {
        if (kind === "assign") assignEpoch(cache, Math.max(latestEpoch(cache), 0) + value, end);
        if (kind === "append") end += value;
        if (kind === "end") truncateEpochsFromEnd(cache, (end = Math.max(start, end - value)));
        if (kind === "start")
          truncateEpochsFromStart(cache, (start = Math.min(end, start + value)));
        const { entries } = cache;
        for (const [index, entry] of entries.entries()) {
          const next = entries[index + 1];
          if (next === undefined) continue;
          expect(next.epoch).toBeGreaterThan(entry.epoch);
          expect(next.startOffset).toBeGreaterThan(entry.startOffset);
        }
        for (let epoch = 0; epoch <= latestEpoch(cache); epoch += 1) {
          const answer = endOffsetFor(cache, epoch, end);
          expect(answer.epoch).toBeLessThanOrEqual(epoch);
          expect(answer.endOffset).toBeLessThanOrEqual(end);
        }
        expect(decodeEpochs(encodeEpochs(cache))).toEqual(cache);
      }
    }),
    { numRuns: 60 },
  );
});

test("bytes that are no lineage are told", () => {
  const bytes = Buffer.from(encodeEpochs(lineage()));
  expect(decodeEpochs(bytes.subarray(0, 35))).toBeNull();
  expect(decodeEpochs(Buffer.concat([bytes, bytes]))).toBeNull();
  bytes.writeBigInt64BE(2n ** 60n, 28);
  expect(decodeEpochs(bytes)).toBeNull();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (any) => {
      const cache = decodeEpochs(any);
      if (cache !== null) expect(Buffer.from(encodeEpochs(cache)).equals(any)).toBe(true);
    }),
  );
});
