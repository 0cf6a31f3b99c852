import { expect, test } from "vitest";
import { beforeGap, skipGap } from "../../../../broker/log/gaps.ts";

const gaps = [
  { end: 10, start: 100 },
  { end: 100, start: 200 },
  { end: 250, start: 300 },
];

test.each([
  [9, 9],
  [10, 200],
  [99, 200],
  [100, 200],
  [199, 200],
  [200, 200],
  [250, 300],
])("from %i a log goes on at %i", (offset, expected) => {
  expect(skipGap(gaps, offset)).toBe(expected);
});

test.each([
  [10, 10],
  [11, 10],
  [100, 10],
  [200, 10],
  [201, 201],
  [300, 250],
])("a log without gaps calls %i %i", (offset, expected) => {
  expect(beforeGap(gaps, offset)).toBe(expected);
});
