import { expect, test } from "vitest";
import {
  dirtyRatioOf,
  nextToClean,
  reasonToClean,
  type CompactionCandidate,
} from "../../../../broker/compaction/when-to-clean.ts";

const partition = (changes: Partial<CompactionCandidate> = {}): CompactionCandidate => ({
  cleanBytes: 100,
  dirtyBytes: 0,
  firstDirtyTimestampMs: null,
  expiringBytes: 0,
  lastDeleteHorizonMs: null,
  minCleanableDirtyRatio: 0.5,
  maxCompactionLagMs: Infinity,
  notBeforeMs: 0,
  ...changes,
});

test("a partition is cleaned when it is dirtier than its ratio, not at it", () => {
  expect(reasonToClean(partition({ dirtyBytes: 100, firstDirtyTimestampMs: 1 }), 9)).toBeNull();
  expect(reasonToClean(partition({ dirtyBytes: 300, firstDirtyTimestampMs: 1 }), 9)).toEqual({
    kind: "dirt",
    dirtyRatio: 0.75,
  });
  expect(reasonToClean(partition({ cleanBytes: 0 }), 9)).toBeNull();
});

test("a ratio of 0 cleans whatever is dirty, and nothing that is clean", () => {
  const eager = { minCleanableDirtyRatio: 0 };
  expect(reasonToClean(partition(eager), 9)).toBeNull();
  expect(reasonToClean(partition({ ...eager, dirtyBytes: 1 }), 9)).not.toBeNull();
});

test("a record that has waited past the greatest lag forces cleaning", () => {
  const waiting = partition({
    cleanBytes: 1_000_000,
    dirtyBytes: 1,
    firstDirtyTimestampMs: 500,
    maxCompactionLagMs: 1_000,
  });
  expect(reasonToClean(waiting, 1_500)).toBeNull();
  expect(reasonToClean(waiting, 1_501)).toEqual({ kind: "lag", overdueMs: 1 });
  expect(reasonToClean({ ...waiting, dirtyBytes: 0 }, 9_999)).toBeNull();
});

test("tombstones count as dirt once the last of them may go", () => {
  const expiring = partition({ expiringBytes: 60, lastDeleteHorizonMs: 1_000 });
  expect(dirtyRatioOf(expiring, 999)).toBe(0);
  expect(dirtyRatioOf(expiring, 1_000)).toBe(0.6);
  expect(reasonToClean(expiring, 1_000)).toEqual({ kind: "dirt", dirtyRatio: 0.6 });
  expect(dirtyRatioOf({ ...expiring, expiringBytes: 500 }, 1_000)).toBe(1);
});

test("nothing is cleaned before its time after a failure", () => {
  const failed = partition({ dirtyBytes: 900, firstDirtyTimestampMs: 1, notBeforeMs: 50 });
  expect(reasonToClean(failed, 49)).toBeNull();
  expect(reasonToClean(failed, 50)).not.toBeNull();
});

test("the longest overdue comes first, then the dirtiest", () => {
  const named = (name: string, changes: Partial<CompactionCandidate>) => ({
    name,
    ...partition({ firstDirtyTimestampMs: 0, ...changes }),
  });
  const clean = named("clean", { dirtyBytes: 1 });
  const dirty = named("dirty", { dirtyBytes: 200 });
  const dirtier = named("dirtier", { dirtyBytes: 900 });
  const overdue = named("overdue", { dirtyBytes: 1, maxCompactionLagMs: 50 });
  const longOverdue = named("longOverdue", { dirtyBytes: 1, maxCompactionLagMs: 10 });
  const of = (...all: (typeof clean)[]) => nextToClean(all, 100)?.candidate.name ?? null;
  expect(of()).toBeNull();
  expect(of(clean)).toBeNull();
  expect(of(clean, dirty, dirtier)).toBe("dirtier");
  expect(of(dirtier, dirty)).toBe("dirtier");
  expect(of(overdue, dirtier)).toBe("overdue");
  expect(of(dirtier, overdue)).toBe("overdue");
  expect(of(longOverdue, dirtier, overdue)).toBe("longOverdue");
  expect(of(overdue, longOverdue)).toBe("longOverdue");
});
