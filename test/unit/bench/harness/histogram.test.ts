import { expect, test } from "vitest";
import { type Buckets, latencyMs, merge, quantile } from "../../../../bench/harness/histogram.ts";

const oneToHundred: Buckets = Array.from({ length: 100 }, (_, index) => [index + 1, 1] as const);

test("a quantile is the smallest bucket that as many values do not pass", () => {
  expect(quantile(oneToHundred, 0.5)).toBe(50);
  expect(quantile(oneToHundred, 0.99)).toBe(99);
  expect(quantile(oneToHundred, 0.999)).toBe(100);
  expect(quantile(oneToHundred, 1)).toBe(100);
});

test("one slow value among a thousand shows in the maximum and not in p99.9", () => {
  const buckets: Buckets = [
    [1, 999],
    [5_000, 1],
  ];
  expect(quantile(buckets, 0.999)).toBe(1);
  expect(quantile(buckets, 1)).toBe(5_000);
});

test("a single value is every quantile", () => {
  expect([0, 0.5, 1].map((at) => quantile([[7, 1]], at))).toEqual([7, 7, 7]);
});

test("nothing has no quantile", () => {
  expect(quantile([], 0.5)).toBeNaN();
});

test("merged histograms count every value once, in order", () => {
  const merged = merge([
    [
      [1, 2],
      [9, 1],
    ],
    [
      [1, 3],
      [4, 1],
    ],
  ]);
  expect(merged).toEqual([
    [1, 5],
    [4, 1],
    [9, 1],
  ]);
});

test("latencies are told in milliseconds", () => {
  expect(latencyMs([[1_500, 10]])).toEqual({ p50: 1.5, p99: 1.5, p999: 1.5, max: 1.5, count: 10 });
});
