import { expect, test } from "vitest";
import { cutLimits, isCutDue } from "../../../../broker/cold/when-to-cut.ts";

const broker = { segmentBytes: 1_000, maxAgeMs: 3_600, isEager: true };
const topic = {
  segmentBytes: 5_000,
  segmentMs: 9_000,
  isCompacted: false,
  maxCompactionLagMs: 60,
};

test("a topic's segments are no larger and no older than the broker's, and than its own settings", () => {
  expect(cutLimits(broker, topic)).toEqual(broker);
  const small = cutLimits(broker, { ...topic, segmentBytes: 10, segmentMs: 20 });
  expect(small).toEqual({ segmentBytes: 10, maxAgeMs: 20, isEager: true });
});

test("max.compaction.lag.ms closes the segments of compacted topics only", () => {
  expect(cutLimits(broker, { ...topic, isCompacted: true }).maxAgeMs).toBe(60);
  expect(cutLimits(broker, topic).maxAgeMs).toBe(3_600);
});

test("a segment is cut when it is full, old, or in the way, and never empty", () => {
  const untiered = { bytes: 10, isOld: false, isPressed: false };
  expect(isCutDue(untiered, broker)).toBe(false);
  expect(isCutDue({ ...untiered, bytes: 1_000 }, broker)).toBe(true);
  expect(isCutDue({ ...untiered, bytes: 1_000 }, { ...broker, isEager: false })).toBe(false);
  expect(isCutDue({ ...untiered, isOld: true }, broker)).toBe(true);
  expect(isCutDue({ ...untiered, isPressed: true }, broker)).toBe(true);
  expect(isCutDue({ bytes: 0, isOld: true, isPressed: true }, broker)).toBe(false);
});
