import { expect, test } from "vitest";
import {
  followerFetched,
  propose,
  restFollower,
  startTerm,
} from "../../../../broker/replication/leader-state.ts";

const assignment = {
  leaderEpoch: 5,
  partitionEpoch: 9,
  replicas: [1, 2],
  adding: [],
  isr: [1, 2],
  elr: [],
  lastIsr: [1, 2],
};
const term = (nowMs = 0) =>
  startTerm(assignment, { selfId: 1, startOffset: 100, nowMs, brokerEpochOf: () => 7 });
const context = { maxLagMs: 10_000, highWatermark: 100, isActive: () => true };
const fetchAt = (fetchOffset: number) => ({ brokerId: 2, brokerEpoch: 7, fetchOffset });

test("of a follower at rest each fetch of its session counts", () => {
  const state = term();
  const clock = { lastFetchMs: 0 };
  followerFetched(state, fetchAt(100), { leaderEnd: 100, nowMs: 0 });
  expect(restFollower(state, fetchAt(100), clock)).not.toBeNull();
  clock.lastFetchMs = 29_000;
  expect(propose(state, { ...context, nowMs: 30_000 })).toBeNull();
  expect(propose(state, { ...context, nowMs: 40_000 })).toMatchObject({ kind: "shrink", isr: [1] });
});

test("stirred, it has been caught up until its session's last fetch", () => {
  const state = term();
  const clock = { lastFetchMs: 0 };
  followerFetched(state, fetchAt(100), { leaderEnd: 100, nowMs: 0 });
  const stir = restFollower(state, fetchAt(100), clock);
  clock.lastFetchMs = 20_000;
  stir?.();
  clock.lastFetchMs = 39_000;
  expect(propose(state, { ...context, nowMs: 29_000 })).toBeNull();
  expect(propose(state, { ...context, nowMs: 31_000 })).toMatchObject({ kind: "shrink" });
});

test("it does not come to rest in a term that has counted no fetch of it, or another one's", () => {
  const state = term();
  expect(restFollower(state, fetchAt(100), { lastFetchMs: 0 })).toBeNull();
  followerFetched(state, fetchAt(90), { leaderEnd: 100, nowMs: 0 });
  expect(restFollower(state, fetchAt(100), { lastFetchMs: 0 })).toBeNull();
});

test("a session that was given up does not stop the clock of the one that followed", () => {
  const state = term();
  followerFetched(state, fetchAt(100), { leaderEnd: 100, nowMs: 0 });
  const now = { lastFetchMs: 20_000 };
  restFollower(state, fetchAt(100), now);
  restFollower(state, fetchAt(100), { lastFetchMs: 5_000 });
  now.lastFetchMs = 40_000;
  expect(propose(state, { ...context, nowMs: 41_000 })).toBeNull();
});
