import { expect, test } from "vitest";
import { isExpired } from "../../../../broker/log/retention.ts";

const unit = { sizeBytes: 100, maxTimestamp: 1_000 };
const unlimited = { retentionMs: -1, retentionBytes: -1 };

test("without limits nothing expires", () => {
  expect(isExpired(unit, 1e9, unlimited, 1e12)).toBe(false);
});

test.each([
  [1_500, false],
  [1_501, true],
])("by time: a largest timestamp of 1000 under 500 ms at %i", (nowMs, expected) => {
  expect(isExpired(unit, 100, { ...unlimited, retentionMs: 500 }, nowMs)).toBe(expected);
});

test("records of the future, or without time, do not expire by time", () => {
  const settings = { ...unlimited, retentionMs: 500 };
  expect(isExpired({ ...unit, maxTimestamp: 1e13 }, 100, settings, 1e12)).toBe(false);
  expect(isExpired({ ...unit, maxTimestamp: -1 }, 100, settings, 1e12)).toBe(false);
});

test.each([
  [599, false],
  [600, true],
])("by size: 100 of %i bytes go only if 500 are left", (logBytes, expected) => {
  expect(isExpired(unit, logBytes, { ...unlimited, retentionBytes: 500 }, 0)).toBe(expected);
});
