import { expect, test } from "vitest";
import { createWriteCost } from "../../../../adapters/node/write-cost.ts";

const kib = 1024;

test("small writes are cheap, large ones are not", () => {
  const cost = createWriteCost();
  expect([1, 16 * kib, 64 * kib].map((size) => cost.isCheap(size))).toEqual([true, true, true]);
  expect([256 * kib, 4 * kib * kib].map((size) => cost.isCheap(size))).toEqual([false, false]);
});

test("after a write that had to wait not even the smallest is cheap, until writes are quick again", () => {
  const cost = createWriteCost();
  cost.note(2 * kib, 50);
  expect(cost.isCheap(1)).toBe(false);
  let count = 0;
  for (; !cost.isCheap(16 * kib) && count < 100; count += 1) cost.note(500 * kib, 0.13);
  expect(count).toBeGreaterThan(4);
  expect(count).toBeLessThan(20);
});

test("while every write is slow none is cheap, and it does not take longer to get over many than over one", () => {
  const cost = createWriteCost();
  for (let count = 0; count < 10_000; count += 1) {
    cost.note(2 * kib, 5);
    expect(cost.isCheap(2 * kib)).toBe(false);
  }
  let count = 0;
  for (; !cost.isCheap(2 * kib); count += 1) cost.note(2 * kib, 0.005);
  expect(count).toBeLessThan(40);
});
