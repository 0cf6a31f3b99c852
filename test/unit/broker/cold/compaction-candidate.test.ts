import { expect, test } from "vitest";
import { compactionCandidate } from "../../../../broker/cold/compaction-candidate.ts";
import { nothingExpires, type Manifest } from "../../../../broker/tiering/manifest.ts";
import { pageOf } from "../../../../broker/tiering/manifest-paging.ts";
import { entryOf, path } from "../tiering/objects.ts";

/** Ten offsets and 1,000 bytes each; timestamps are offsets. */
const segments = [20, 30, 40].map((baseOffset) => entryOf(baseOffset, baseOffset + 10));

const manifest = (changes: Partial<Manifest> = {}): Manifest => ({
  topicId: path.topicId,
  index: path.index,
  leaderEpoch: 1,
  revision: 1,
  logStartOffset: 0,
  pages: [pageOf("manifest-pages/x", [entryOf(0, 10), entryOf(10, 20)])],
  segments,
  leaving: [],
  cleanedTo: 0,
  expiring: nothingExpires,
  ...changes,
});

const settings = {
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: 1_000,
};

const candidate = (of: Manifest, changes: Partial<typeof settings> = {}, nowMs = 100) =>
  compactionCandidate(of, { ...settings, ...changes }, { nowMs, notBeforeMs: 7 });

test("what no compaction has been over is dirty, pages too, since its oldest timestamp", () => {
  expect(candidate(manifest())).toEqual({
    cleanBytes: 0,
    dirtyBytes: 5_000,
    firstDirtyTimestampMs: 0,
    expiringBytes: 0,
    lastDeleteHorizonMs: null,
    minCleanableDirtyRatio: 0.5,
    maxCompactionLagMs: 1_000,
    notBeforeMs: 7,
  });
  expect(candidate(manifest({ cleanedTo: 30 }))).toMatchObject({
    cleanBytes: 3_000,
    dirtyBytes: 2_000,
    firstDirtyTimestampMs: 30,
  });
  const clean = { cleanBytes: 5_000, dirtyBytes: 0, firstDirtyTimestampMs: null };
  expect(candidate(manifest({ cleanedTo: 50 }))).toMatchObject(clean);
});

test("of a segment that a run came to the middle of, the rest is dirty", () => {
  const halfway = candidate(manifest({ cleanedTo: 35 }));
  expect(halfway).toMatchObject({ cleanBytes: 3_500, dirtyBytes: 1_500 });
});

test("from the first segment on that holds something too young, nothing counts", () => {
  const young = candidate(manifest({ cleanedTo: 20 }), { minCompactionLagMs: 60 });
  expect(young).toMatchObject({ dirtyBytes: 2_000, firstDirtyTimestampMs: 20 });
  expect(candidate(manifest(), { minCompactionLagMs: 90 })).toMatchObject({ dirtyBytes: 0 });
});

test("without timestamps nothing is overdue", () => {
  const timeless = entryOf(0, 10, { minTimestamp: -1, maxTimestamp: -1 });
  const found = candidate(manifest({ pages: [], segments: [timeless] }));
  expect(found).toMatchObject({ dirtyBytes: 1_000, firstDirtyTimestampMs: null });
});

test("what compaction left for a while is told as the manifest has it", () => {
  const expiring = { bytes: 80, lastHorizonMs: 90 };
  const found = candidate(manifest({ cleanedTo: 50, expiring }));
  expect(found).toMatchObject({ expiringBytes: 80, lastDeleteHorizonMs: 90 });
});
