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

test("what has expired goes, up to the first that has not", () => {
  const units = [unit(0, 900), unit(10, 600), unit(20, 100), unit(30, 900)];
  expect(retainedTier(units, { ...at, settings: byTime })).toBe(20);
});

test("a segment without a timestamp goes with the next that has expired, and not before", () => {
  const settings = byTime;
  expect(retainedTier([unit(0, null), unit(10, 900), unit(20, 1)], { ...at, settings })).toBe(20);
  expect(retainedTier([unit(0, null), unit(10, 100)], { ...at, settings })).toBe(0);
  expect(retainedTier([unit(0, null)], { ...at, settings })).toBe(0);
});

test("by size it goes like any other", () => {
  const settings = { retentionMs: -1, retentionBytes: 250 };
  const units = [unit(0, null), unit(10, 900), unit(20, 900), unit(30, 900)];
  expect(retainedTier(units, { ...at, settings })).toBe(10);
  expect(retainedTier(units, { ...at, settings, localBytes: 100 })).toBe(20);
});

test("what counts for retention.bytes are records: many small segments have as many footers", async () => {
  const segments = [0, 10, 20, 30].map((baseOffset) =>
    entryOf(baseOffset, baseOffset + 10, { sizeBytes: 1_000, dataBytes: 100 }),
  );
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
  const tier = {
    manifest: () => Promise.resolve(manifest),
    pages: {} as never,
    pathOf: () => path,
  };
  const units = await tieredUnits(tier, path, 40);
  const settings = { retentionMs: -1, retentionBytes: 350 };
  expect(retainedTier(units, { ...at, settings })).toBe(0);
  expect(retainedTier(units, { ...at, settings, localBytes: 50 })).toBe(10);
});
