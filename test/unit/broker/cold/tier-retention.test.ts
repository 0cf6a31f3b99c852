import { expect, test } from "vitest";
import { retainedTier, tieredUnits } from "../../../../broker/cold/tier-retention.ts";
import { nothingExpires, type Manifest } from "../../../../broker/tiering/manifest.ts";
import { entryOf, path } from "../tiering/objects.ts";

const nowMs = 1_000_000;
const unit = (baseOffset: number, ageMs: number | null, sizeBytes = 100) => ({
  baseOffset,
  endOffset: baseOffset + 10,
  sizeBytes,
  maxTimestamp: ageMs === null ? -1 : nowMs - ageMs,
});

const byTime = { retentionMs: 500, retentionBytes: -1 };
const at = { logStartOffset: 0, localBytes: 0, nowMs };
const startOf = (...args: Parameters<typeof retainedTier>): number => retainedTier(...args).start;

test("what has expired goes, up to the first that has not", () => {
  const units = [unit(0, 900), unit(10, 600), unit(20, 100), unit(30, 900)];
  expect(startOf(units, { ...at, settings: byTime })).toBe(20);
});

test("a segment without a timestamp goes with the next that has expired, and not before", () => {
  const settings = byTime;
  expect(startOf([unit(0, null), unit(10, 900), unit(20, 1)], { ...at, settings })).toBe(20);
  expect(startOf([unit(0, null), unit(10, 100)], { ...at, settings })).toBe(0);
  expect(startOf([unit(0, null)], { ...at, settings })).toBe(0);
});

test("by size it goes like any other", () => {
  const settings = { retentionMs: -1, retentionBytes: 250 };
  const units = [unit(0, null), unit(10, 900), unit(20, 900), unit(30, 900)];
  expect(startOf(units, { ...at, settings })).toBe(10);
  expect(startOf(units, { ...at, settings, localBytes: 100 })).toBe(20);
});

/** With 5 bytes an offset. */
const logFrom = (localStartOffset: number) => ({
  localStartOffset,
  highWatermark: 100,
  sizeBetween: (from: number, to: number) => Promise.resolve(5 * (to - from)),
});

function tierOf(segments: Manifest["segments"]) {
  const { topicId, index } = path;
  const manifest: Manifest = {
    topicId,
    index,
    leaderEpoch: 1,
    revision: 1,
    logStartOffset: 0,
    pages: [],
    segments,
    leaving: [],
    cleanedTo: 0,
    expiring: nothingExpires,
  };
  return {
    manifest: () => Promise.resolve(manifest),
    pages: {} as never,
    pathOf: () => path,
  };
}

test("of the segment that the local log begins in what lies before that goes by itself", async () => {
  const segments = [0, 10, 20].map((baseOffset) =>
    entryOf(baseOffset, baseOffset + 10, { sizeBytes: 1_000, dataBytes: 100 }),
  );
  const units = await tieredUnits(tierOf(segments), path, logFrom(16));
  const { endOffset, sizeBytes } = units.at(-1)!;
  // Four offsets of it are here, of five bytes each.
  expect([units.length, endOffset, sizeBytes]).toEqual([2, 16, 80]);
});

test("what is here goes on where nothing before it is young, and not otherwise", () => {
  const isThrough = (...units: ReturnType<typeof unit>[]) =>
    retainedTier(units, { ...at, settings: byTime }).isThrough;
  expect(isThrough(unit(0, 900))).toBe(true);
  expect(isThrough(unit(0, 900), unit(10, null))).toBe(true);
  expect(isThrough(unit(0, 900), unit(10, 100))).toBe(false);
});

test("what counts for retention.bytes are records: many small segments have as many footers", async () => {
  const segments = [0, 10, 20, 30].map((baseOffset) =>
    entryOf(baseOffset, baseOffset + 10, { sizeBytes: 1_000, dataBytes: 100 }),
  );
  const tier = tierOf(segments);
  const units = await tieredUnits(tier, path, logFrom(40));
  const settings = { retentionMs: -1, retentionBytes: 350 };
  expect(startOf(units, { ...at, settings })).toBe(0);
  expect(startOf(units, { ...at, settings, localBytes: 50 })).toBe(10);
});
