import { expect, test } from "vitest";
import { createGroupHarness, createStableGroup } from "./group-harness.ts";

function createJoinedGroup(count = 2) {
  const group = createGroupHarness({ initialRebalanceDelayMs: 100 });
  for (let index = 0; index < count; index++) group.join();
  group.advance(200);
  expect(group.group.state).toBe("CompletingRebalance");
  return group;
}

const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

test("followers wait for the leader, and nobody hears of the assignment before it is committed", () => {
  const group = createJoinedGroup();
  group.holdCommits();
  const follower = group.sync("member-2", 1);
  expect(group.hasReply(follower)).toBe(false);
  const leader = group.sync("member-1", 1, { assignments: { "member-1": "p0", "member-2": "p1" } });
  expect(group.hasReply(leader)).toBe(false);
  expect(group.group.state).toBe("CompletingRebalance");
  expect(group.kept.at(-1)?.members.map(({ assignment }) => textOf(assignment))).toEqual([
    "p0",
    "p1",
  ]);
  group.commit();
  expect(group.group.state).toBe("Stable");
  expect(textOf(group.syncReply(leader)?.assignment)).toBe("p0");
  expect(textOf(group.syncReply(follower)?.assignment)).toBe("p1");
  expect(group.syncReply(follower)).toMatchObject({ protocolType: "test", protocolName: "range" });
});

test("a member the leader forgot gets an empty assignment", () => {
  const group = createJoinedGroup();
  group.sync("member-1", 1, { assignments: { "member-1": "all" } });
  expect(group.syncReply(group.sync("member-2", 1))).toMatchObject({ error: "NONE" });
  expect(group.syncReply(group.sync("member-2", 1))?.assignment.byteLength).toBe(0);
});

test("a late sync in a stable group gets the current assignment", () => {
  const group = createStableGroup(2);
  const reply = group.syncReply(group.sync("member-2", 1));
  expect(textOf(reply?.assignment)).toBe("part of member-2");
});

test("an assignment that cannot be kept sends everybody back to join", () => {
  const group = createJoinedGroup();
  group.holdCommits();
  const follower = group.sync("member-2", 1);
  const leader = group.sync("member-1", 1, { assignments: {} });
  group.commit("UNKNOWN_SERVER_ERROR");
  for (const ticket of [leader, follower])
    expect(group.syncReply(ticket)?.error).toBe("UNKNOWN_SERVER_ERROR");
  expect(group.group.state).toBe("PreparingRebalance");
});

test("a member that joins while the assignment is being committed makes it void", () => {
  const group = createJoinedGroup();
  group.holdCommits();
  const leader = group.sync("member-1", 1, { assignments: { "member-1": "all" } });
  group.join();
  expect(group.syncReply(leader)?.error).toBe("REBALANCE_IN_PROGRESS");
  group.commit();
  expect(group.group.state).toBe("PreparingRebalance");
  expect(group.group.members.get("member-1")?.assignment.byteLength).toBe(0);
});

test.each([
  ["of another generation", { memberId: "member-1", generationId: 7 }, "ILLEGAL_GENERATION"],
  ["of an unknown member", { memberId: "ghost", generationId: 1 }, "UNKNOWN_MEMBER_ID"],
  [
    "with another protocol",
    { memberId: "member-1", generationId: 1, protocolName: "sticky" },
    "INCONSISTENT_GROUP_PROTOCOL",
  ],
])("a sync %s is refused", (_case, { memberId, generationId, ...more }, error) => {
  const group = createJoinedGroup();
  expect(group.syncReply(group.sync(memberId, generationId, more))?.error).toBe(error);
});

test("a sync during a rebalance is told to rejoin", () => {
  const group = createStableGroup(2);
  group.join();
  expect(group.syncReply(group.sync("member-2", 1))?.error).toBe("REBALANCE_IN_PROGRESS");
});

test("members that never ask for their assignment are dropped after the rebalance timeout", () => {
  const group = createJoinedGroup(3);
  group.sync("member-1", 1, { assignments: {} });
  const alive = () => {
    for (const id of ["member-1", "member-2", "member-3"]) group.heartbeat(id, 1);
  };
  for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += 5_000) {
    alive();
    group.advance(5_000);
  }
  expect([...group.group.members.keys()]).toEqual(["member-1"]);
  expect(group.group.state).toBe("PreparingRebalance");
});

test("the leader dying before it assigned frees the followers that wait", () => {
  const group = createJoinedGroup();
  const follower = group.sync("member-2", 1);
  group.advance(10_000);
  expect(group.syncReply(follower)?.error).toBe("REBALANCE_IN_PROGRESS");
  expect([...group.group.members.keys()]).toEqual(["member-2"]);
});

test("a retried sync answers the one it replaces, and the assignment is kept once", () => {
  const group = createJoinedGroup();
  group.holdCommits();
  const first = group.sync("member-1", 1, { assignments: { "member-1": "p0" } });
  const second = group.sync("member-1", 1, { assignments: { "member-1": "p9" } });
  expect(group.syncReply(first)?.error).toBe("REBALANCE_IN_PROGRESS");
  group.commit();
  expect(textOf(group.syncReply(second)?.assignment)).toBe("p0");
  expect(group.kept).toHaveLength(1);
});
