import { expect, test } from "vitest";
import {
  beginTransaction,
  createOpenTransactions,
  endTransaction,
  firstUnstableOffset,
  lastStableOffset,
  releaseReplicated,
} from "../../../../broker/log/open-transactions.ts";

test("the oldest open transaction holds the last stable offset", () => {
  const open = createOpenTransactions();
  const log = { logStartOffset: 0, highWatermark: 100 };
  expect(firstUnstableOffset(open)).toBeNull();
  expect(lastStableOffset(open, log)).toBe(100);
  beginTransaction(open, 1, 10);
  beginTransaction(open, 2, 20);
  expect(firstUnstableOffset(open)).toBe(10);
  expect(lastStableOffset(open, log)).toBe(10);
});

test("a transaction that ended holds it until its marker is replicated", () => {
  const open = createOpenTransactions();
  beginTransaction(open, 1, 10);
  beginTransaction(open, 2, 20);
  endTransaction(open, 10, 30);
  releaseReplicated(open, 30);
  expect(firstUnstableOffset(open)).toBe(10);
  releaseReplicated(open, 31);
  expect(firstUnstableOffset(open)).toBe(20);
  endTransaction(open, 20, 40);
  releaseReplicated(open, 41);
  expect(firstUnstableOffset(open)).toBeNull();
  expect(open.endedCount).toBe(0);
});

test("the last stable offset is neither past the high watermark nor before the log's start", () => {
  const open = createOpenTransactions();
  beginTransaction(open, 1, 10);
  expect(lastStableOffset(open, { logStartOffset: 0, highWatermark: 5 })).toBe(5);
  expect(lastStableOffset(open, { logStartOffset: 15, highWatermark: 50 })).toBe(15);
});

test("a transaction cannot begin before one that has begun, nor end twice", () => {
  const open = createOpenTransactions();
  beginTransaction(open, 1, 10);
  expect(() => beginTransaction(open, 2, 10)).toThrow("log order");
  endTransaction(open, 10, 11);
  expect(() => endTransaction(open, 10, 12)).toThrow("is open");
});
