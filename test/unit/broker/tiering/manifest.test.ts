import fc from "fast-check";
import { expect, test } from "vitest";
import type { Gap } from "../../../../broker/log/gaps.ts";
import {
  appendSegment,
  claim,
  forget,
  maxLeaving,
  moveLogStart,
  noteCleaned,
  noteOrphans,
  replaceSegments,
  tieredEnd,
  tieredStart,
  type Manifest,
  type SegmentEntry,
  type Transition,
} from "../../../../broker/tiering/manifest.ts";
import {
  maxInlineSegments,
  replaceInPage,
  segmentsPerPage,
  splitOldest,
} from "../../../../broker/tiering/manifest-paging.ts";
import { manifestProblems } from "../../../../broker/tiering/manifest-problems.ts";
import { pageName } from "../../../../broker/tiering/object-keys.ts";
import { entryOf, nextId, path } from "./objects.ts";

const partition = { topicId: path.topicId, index: path.index, logStartOffset: 0 };

const done = (transition: Transition): Manifest => {
  if (transition.kind !== "changed") throw new Error(`refused: ${JSON.stringify(transition)}`);
  return transition.manifest;
};

const withSegments = (ends: readonly number[]): Manifest => {
  let manifest = done(claim(null, 1, partition));
  for (const [at, end] of ends.entries()) {
    manifest = done(appendSegment(manifest, entryOf(ends[at - 1] ?? 0, end), []));
  }
  return manifest;
};

test("a later leader takes the manifest over, and an earlier one is fenced", () => {
  const manifest = done(claim(withSegments([10]), 4, partition));
  expect(manifest).toMatchObject({ leaderEpoch: 4, revision: 3 });
  expect(claim(manifest, 3, partition)).toEqual({ kind: "fenced", leaderEpoch: 4 });
  const late = entryOf(10, 20, { leaderEpoch: 1 });
  expect(appendSegment(manifest, late, [])).toEqual({ kind: "fenced", leaderEpoch: 4 });
  expect(claim(manifest, 5, { ...partition, index: 9 }).kind).toBe("rejected");
});

test("a segment continues the tiered end exactly", () => {
  const manifest = withSegments([10, 20]);
  expect(tieredEnd(manifest)).toBe(20);
  expect(tieredStart(manifest)).toBe(0);
  for (const [base, end] of [
    [19, 30],
    [21, 30],
    [10, 20],
  ] as const) {
    expect(appendSegment(manifest, entryOf(base, end), []).kind).toBe("rejected");
  }
  expect(tieredEnd(done(appendSegment(manifest, entryOf(20, 30), [])))).toBe(30);
});

test("a segment jumps over a recovery's gap, and none spans it", () => {
  const gaps: Gap[] = [{ end: 20, start: 1000 }];
  const manifest = withSegments([10, 20]);
  expect(appendSegment(manifest, entryOf(20, 30), gaps).kind).toBe("rejected");
  expect(manifestProblems(done(appendSegment(manifest, entryOf(1000, 1010), gaps)), gaps)).toEqual(
    [],
  );
  const later: Gap[] = [{ end: 25, start: 1000 }];
  expect(appendSegment(manifest, entryOf(20, 1010), later).kind).toBe("rejected");
  expect(appendSegment(manifest, entryOf(1000, 1010), later).kind).toBe("rejected");
});

test("where the log's start has passed the tiered end, the next segment is the one that holds it", () => {
  const manifest = done(moveLogStart(withSegments([10]), 50, 1));
  expect(manifest.segments).toEqual([]);
  expect(tieredEnd(manifest)).toBe(50);
  expect(appendSegment(manifest, entryOf(30, 50), []).kind).toBe("rejected");
  expect(appendSegment(manifest, entryOf(51, 60), []).kind).toBe("rejected");
  expect(manifestProblems(done(appendSegment(manifest, entryOf(45, 60), [])), [])).toEqual([]);
});

test("a segment that is leaving is not listed again", () => {
  const orphan = entryOf(10, 20);
  const manifest = done(noteOrphans(withSegments([10]), [orphan.name], 5));
  expect(manifest.leaving).toEqual([{ name: orphan.name, sinceMs: 5 }]);
  expect(appendSegment(manifest, orphan, []).kind).toBe("rejected");
  expect(done(forget(manifest, new Set([orphan.name]))).leaving).toEqual([]);
});

test("what is listed or leaving already is no orphan", () => {
  const manifest = withSegments([10, 20]);
  const names = [manifest.segments[0]!.name, "other"];
  const once = done(noteOrphans(manifest, names, 5));
  expect(done(noteOrphans(once, ["other"], 9)).leaving).toEqual([{ name: "other", sinceMs: 5 }]);
});

test("the log's start takes whole segments out, and never goes back", () => {
  const manifest = withSegments([10, 20, 30]);
  const moved = done(moveLogStart(manifest, 25, 7));
  expect(moved.segments.map(({ baseOffset }) => baseOffset)).toEqual([20]);
  expect(moved.leaving.map(({ name }) => name)).toEqual(
    manifest.segments.slice(0, 2).map(({ name }) => name),
  );
  expect(manifestProblems(moved, [])).toEqual([]);
  expect(moveLogStart(moved, 24, 8).kind).toBe("rejected");
});

test("where no more may leave, the log's start moves and its segments stay listed until there is room", () => {
  let manifest = withSegments([10, 20]);
  const orphans = Array.from({ length: maxLeaving - 1 }, (_, at) => `orphan-${at}`);
  manifest = done(noteOrphans(manifest, orphans, 1));
  const moved = done(moveLogStart(manifest, 20, 2));
  expect(moved).toMatchObject({ logStartOffset: 20, segments: [{ baseOffset: 10 }] });
  const run = { from: [moved.segments[0]!.name], to: [entryOf(10, 20)], nowMs: 3 };
  expect(replaceSegments(moved, run)).toEqual({ kind: "busy" });
  const roomy = done(forget(moved, new Set(orphans)));
  expect(done(moveLogStart(roomy, 20, 4)).segments).toEqual([]);
});

test("a run is replaced by segments that cover the same offsets", () => {
  const manifest = withSegments([10, 20, 30, 40]);
  const [, second, third] = manifest.segments;
  const from = [second!.name, third!.name];
  const merged = entryOf(10, 30, { generation: 1 });
  const next = done(replaceSegments(manifest, { from, to: [merged], nowMs: 9, cleanedTo: 30 }));
  expect(next.segments.map(({ endOffset }) => endOffset)).toEqual([10, 30, 40]);
  expect(next).toMatchObject({ cleanedTo: 30, leaving: [{ sinceMs: 9 }, { sinceMs: 9 }] });
  expect(manifestProblems(next, [])).toEqual([]);
  const refused = (change: { from?: string[]; to?: SegmentEntry[] }) =>
    replaceSegments(manifest, { from, to: [merged], nowMs: 9, ...change }).kind;
  expect(refused({ from: [second!.name, manifest.segments[3]!.name] })).toBe("rejected");
  expect(refused({ from: [] })).toBe("rejected");
  expect(refused({ to: [] })).toBe("rejected");
  expect(refused({ to: [entryOf(10, 29)] })).toBe("rejected");
  expect(refused({ to: [entryOf(10, 15), entryOf(16, 30)] })).toBe("rejected");
  expect(refused({ to: [{ ...merged, name: second!.name }] })).toBe("rejected");
  expect(refused({ to: [entryOf(10, 30, { leaderEpoch: 0 })] })).toBe("fenced");
  const orphaned = done(noteOrphans(manifest, [merged.name], 1));
  expect(replaceSegments(orphaned, { from, to: [merged], nowMs: 9 }).kind).toBe("rejected");
});

test("no run over a recovery's gap is merged", () => {
  const gaps = [{ end: 10, start: 100 }];
  const manifest = done(appendSegment(withSegments([10]), entryOf(100, 110), gaps));
  const from = manifest.segments.map(({ name }) => name);
  expect(replaceSegments(manifest, { from, to: [entryOf(0, 110)], nowMs: 1 }).kind).toBe(
    "rejected",
  );
});

test("compaction that changed nothing notes how far it came, and not beyond the tier", () => {
  const manifest = done(noteCleaned(withSegments([10, 20]), 20));
  expect(manifest.cleanedTo).toBe(20);
  expect(noteCleaned(manifest, 10).kind).toBe("rejected");
  expect(noteCleaned(manifest, 21).kind).toBe("rejected");
});

const manySegments = (): Manifest => ({
  ...withSegments([10]),
  segments: Array.from({ length: maxInlineSegments + 1 }, (_, at) =>
    entryOf(at * 10, at * 10 + 10, { hasAborted: at === 3 }),
  ),
});

test("too many segments: the oldest go to a page, and a run in it is replaced by a page of another name", () => {
  const manifest = manySegments();
  const name = pageName({ baseOffset: 0, id: nextId() });
  expect(splitOldest(withSegments([10]), name)).toBeNull();
  const split = splitOldest(manifest, name)!;
  expect(split.entries).toHaveLength(segmentsPerPage);
  const [page] = split.manifest.pages;
  expect(page).toEqual({
    name,
    baseOffset: 0,
    endOffset: segmentsPerPage * 10,
    segmentCount: segmentsPerPage,
    sizeBytes: segmentsPerPage * 1000,
    minTimestamp: 0,
    maxTimestamp: segmentsPerPage * 10,
    hasAborted: true,
  });
  const pages = new Map([[name, split.entries]]);
  expect(manifestProblems(split.manifest, [], pages)).toEqual([]);
  const newPage = pageName({ baseOffset: 0, id: nextId() });
  const from = split.entries.slice(0, 2).map((each) => each.name);
  const replaced = replaceInPage(split.manifest, {
    page: name,
    entries: split.entries,
    newPage,
    from,
    to: [entryOf(0, 20)],
    nowMs: 1,
  });
  if (replaced.kind !== "changed") throw new Error(replaced.kind);
  expect(replaced.manifest.leaving.map((each) => each.name)).toEqual([...from, name]);
  const newPages = new Map([[newPage, replaced.entries]]);
  expect(manifestProblems(replaced.manifest, [], newPages)).toEqual([]);
  const gone = done(moveLogStart(split.manifest, segmentsPerPage * 10, 1));
  expect(gone).toMatchObject({ pages: [], leaving: [{ name }] });
  // Half a page stays as a whole.
  expect(done(moveLogStart(split.manifest, 50, 1)).pages).toHaveLength(1);
});

test("whatever is done to a manifest, it lists the log from its start to its end", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ kind: fc.constant("recover" as const), skipped: fc.integer({ min: 1, max: 50 }) }),
    fc.record({
      kind: fc.constant("start" as const),
      part: fc.double({ min: 0, max: 1.2, noNaN: true }),
    }),
    fc.record({
      kind: fc.constant("merge" as const),
      at: fc.nat(10),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ kind: fc.constant("claim" as const) }),
    fc.record({ kind: fc.constant("forget" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let manifest = done(claim(null, 1, partition));
      const gaps: Gap[] = [];
      let logEnd = 0;
      for (const [nowMs, taken] of steps.entries()) {
        const { leaderEpoch, segments, revision } = manifest;
        if (taken.kind === "append") {
          const end = Math.max(logEnd, manifest.logStartOffset) + taken.count;
          manifest = done(appendSegment(manifest, entryOf(logEnd, end, { leaderEpoch }), gaps));
          logEnd = end;
        } else if (taken.kind === "recover") {
          gaps.push({ end: logEnd, start: logEnd + taken.skipped });
          logEnd += taken.skipped;
        } else if (taken.kind === "start") {
          const offset = Math.floor(taken.part * logEnd);
          if (offset < manifest.logStartOffset) continue;
          manifest = done(moveLogStart(manifest, offset, nowMs));
        } else if (taken.kind === "merge") {
          const run = segments.slice(taken.at, taken.at + taken.count);
          const [first, last] = [run[0], run.at(-1)];
          if (first === undefined || last === undefined) continue;
          const merged = entryOf(first.baseOffset, last.endOffset, { leaderEpoch });
          const from = run.map(({ name }) => name);
          const outcome = replaceSegments(manifest, { from, to: [merged], nowMs });
          const spans = gaps.some(
            ({ end, start }) => first.baseOffset < start && last.endOffset > end,
          );
          // Below the log's start a run may have a hole, too.
          if (outcome.kind === "changed") expect(spans).toBe(false);
          if (outcome.kind === "changed") manifest = outcome.manifest;
        } else if (taken.kind === "claim") {
          manifest = done(claim(manifest, leaderEpoch + 1, partition));
        } else {
          const names = new Set(manifest.leaving.map(({ name }) => name));
          manifest = done(forget(manifest, names));
        }
        if (taken.kind !== "recover" && taken.kind !== "merge") {
          expect(manifest.revision).toBe(revision + 1);
        }
        expect(manifestProblems(manifest, gaps)).toEqual([]);
        if (segments.length > 0 && taken.kind === "append")
          expect(tieredEnd(manifest)).toBe(logEnd);
      }
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["an overlap", { segments: [entryOf(0, 10), entryOf(9, 20)] }],
  ["a hole", { segments: [entryOf(0, 10), entryOf(11, 20)] }],
  ["a hole at the start", { segments: [entryOf(1, 10)] }],
  ["an epoch from the future", { segments: [entryOf(0, 10, { leaderEpoch: 2 })] }],
  ["a name that says another offset", { segments: [{ ...entryOf(1, 10), baseOffset: 0 }] }],
  ["a segment over a gap", { segments: [entryOf(0, 200)] }],
] satisfies [string, Partial<Manifest>][])("%s is a problem", (_, change) => {
  const manifest = { ...withSegments([10]), ...change };
  const gaps = change.segments[0]!.endOffset === 200 ? [{ end: 50, start: 150 }] : [];
  expect(manifestProblems(manifest, gaps)).not.toEqual([]);
});
