import { expect, test } from "vitest";
import {
  createDirtyPartitions,
  forgetAll,
  forgetPartition,
  makeDirty,
  rest,
} from "../../../../broker/fetch-sessions/dirty-partitions.ts";
import type { WantedPartition } from "../../../../broker/fetch-sessions/session-cache.ts";

const wanted = (partition: number): WantedPartition => ({
  topic: "",
  topicId: "t",
  partition,
  currentLeaderEpoch: 1,
  fetchOffset: 0,
  lastFetchedEpoch: -1,
  logStartOffset: 0,
  partitionMaxBytes: 1,
  sentHighWatermark: 0,
  sentLogStartOffset: 0,
  sentTieredEnd: -1,
  sentPackedEnd: -1,
});

const scene = () => {
  const all = [wanted(0), wanted(1), wanted(2)];
  const session = createDirtyPartitions(all, 5);
  const partitions = all.map(() => ({ stirs: new Set<() => void>() }));
  const stirred: number[] = [];
  return {
    all,
    session,
    stirred,
    rest: (at: number) => rest(session, all[at]!, partitions[at]!, () => stirred.push(at)),
    stir: (at: number) => Array.from(partitions[at]!.stirs, (stir) => stir()),
    dirty: () => Array.from(session.dirty, ({ partition }) => partition),
    listeners: () => partitions.map(({ stirs }) => stirs.size),
  };
};

test("what is at rest is not looked at until its partition stirs it, once", () => {
  const { rest, stir, dirty, stirred, listeners, session } = scene();
  let calls = 0;
  session.onDirty = () => (calls += 1);
  rest(0);
  rest(2);
  expect([dirty(), listeners()]).toEqual([[1], [1, 0, 1]]);
  stir(2);
  stir(2);
  expect([dirty(), listeners(), stirred, calls]).toEqual([[1, 2], [1, 0, 0], [2], 1]);
});

test("what a request names is looked at, after the others", () => {
  const { all, rest, dirty, stirred, listeners, session } = scene();
  rest(0);
  makeDirty(session, all[0]!);
  makeDirty(session, all[1]!);
  expect([dirty(), stirred, listeners()]).toEqual([[2, 0, 1], [0], [0, 0, 0]]);
});

test("what is forgotten, or ends, leaves no listener", () => {
  const { all, rest, dirty, listeners, session } = scene();
  for (const at of [0, 1]) rest(at);
  forgetPartition(session, all[0]!);
  forgetPartition(session, all[2]!);
  expect([dirty(), listeners()]).toEqual([[], [0, 1, 0]]);
  // It was forgotten while its answer was made.
  rest(2);
  forgetAll(session);
  expect([dirty(), listeners(), session.atRest.size]).toEqual([[], [0, 0, 0], 0]);
});
