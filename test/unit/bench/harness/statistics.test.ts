import { expect, test } from "vitest";
import {
  median,
  pairedRatios,
  spreadOf,
  spreadText,
  threeDigits,
} from "../../../../bench/harness/statistics.ts";

test("the median of an odd number of values is the middle one, whatever their order", () => {
  expect(median([9, 1, 5])).toBe(5);
});

test("the median of an even number of values lies between the two middle ones", () => {
  expect(median([1, 9, 5, 3])).toBe(4);
});

test("the median of nothing is not a number", () => {
  expect(median([])).toBeNaN();
});

test("ratios are taken round by round: a round that was slow for both does not move them", () => {
  const { median: middle, lowest, highest, count } = pairedRatios([200, 20, 180], [100, 10, 60]);
  expect([middle, lowest, highest, count]).toEqual([2, 2, 3, 3]);
});

test("a value without a partner is left out of the ratios", () => {
  expect(pairedRatios([4, 8], [2]).count).toBe(1);
});

test.each([
  [1234.5, "1,235"],
  [99.94, "99.9"],
  [9.876, "9.88"],
  [Number.NaN, "-"],
])("%f is told as %s", (value, text) => {
  expect(threeDigits(value)).toBe(text);
});

test("a spread is shown unless all values are one", () => {
  expect(spreadText(spreadOf([1, 2, 3]))).toBe("2.00 (1.00..3.00)");
  expect(spreadText(spreadOf([2, 2]))).toBe("2.00");
});
