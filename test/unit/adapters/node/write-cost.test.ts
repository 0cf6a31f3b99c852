import { expect, test } from "vitest";
import { createWriteCost } from "../../../../adapters/node/write-cost.ts";

const kib = 1024;

test("small writes are cheap, large ones are not", () => {
  const cost = createWriteCost();
  expect([1, 16 * kib, 64 * kib].map((size) => cost.isCheap(size))).toEqual([true, true, true]);
  expect([256 * kib, 4 * kib * kib].map((size) => cost.isCheap(size))).toEqual([false, false]);
});

test("one slow write among quick ones changes nothing: it lost the processor", () => {
  const cost = createWriteCost();
  for (let count = 0; count < 100; count += 1) {
    cost.note(2 * kib, count % 3 === 0 ? 8 : 0.005);
    expect(cost.isCheap(2 * kib)).toBe(true);
  }
});

test("after a few slow writes not even the smallest is cheap, until as many were quick", () => {
  const cost = createWriteCost();
  for (let count = 0; count < 3; count += 1) cost.note(2 * kib, 2);
  expect(cost.isCheap(1)).toBe(false);
  cost.note(500 * kib, 0.13);
  cost.note(500 * kib, 0.13);
  expect(cost.isCheap(1)).toBe(false);
  cost.note(500 * kib, 0.13);
  expect(cost.isCheap(16 * kib)).toBe(true);
});

test("two long writes among five turn the next ones to the thread", () => {
  const cost = createWriteCost();
  for (const tookMs of [20, 0.005, 0.005, 20]) {
    expect(cost.isCheap(2 * kib)).toBe(true);
    cost.note(2 * kib, tookMs);
  }
  cost.note(2 * kib, 20);
  expect(cost.isCheap(2 * kib)).toBe(false);
});

test("a write that stood still for long counts as several", () => {
  const cost = createWriteCost();
  cost.note(2 * kib, 60);
  expect(cost.isCheap(1)).toBe(false);
});

test("while every write is slow none is cheap, and it does not take longer to get over many than over a few", () => {
  const cost = createWriteCost();
  cost.noteFailure();
  for (let count = 0; count < 10_000; count += 1) {
    expect(cost.isCheap(2 * kib)).toBe(false);
    cost.note(2 * kib, 5);
  }
  let count = 0;
  for (; !cost.isCheap(2 * kib); count += 1) cost.note(2 * kib, 0.005);
  expect(count).toBeLessThan(10);
});
