import { expect, test } from "vitest";
import type { JoinEvent } from "../../../../broker/groups/join-event.ts";
import { createGroupHarness, subscription } from "./group-harness.ts";

const protocolsOf = (topics: string[], owned = "") => [
  { name: "range", metadata: subscription(topics, owned) },
];

/** Two static members, `member-1` of "a" leading and `member-2` of "b", stable in generation 1. */
function createStaticGroup() {
  const group = createGroupHarness({ initialRebalanceDelayMs: 100 });
  const join = (groupInstanceId: string, overrides: Partial<JoinEvent> = {}) =>
    group.join({
      groupInstanceId,
      protocolType: "consumer",
      protocols: protocolsOf(["orders"], "owned before"),
      requiresKnownMemberId: true,
      ...overrides,
    });
  join("a");
  join("b");
  group.advance(200);
  const assignments = { "member-1": "p0", "member-2": "p1" };
  group.sync("member-1", 1, { assignments, groupInstanceId: "a" });
  group.sync("member-2", 1, { groupInstanceId: "b" });
  return { ...group, joinAs: join };
}

test("static members join directly, whatever the version", () => {
  const group = createStaticGroup();
  expect([...group.group.staticMembers]).toEqual([
    ["a", "member-1"],
    ["b", "member-2"],
  ]);
  expect(group.group.state).toBe("Stable");
});

test("a restarted follower takes its place over without a rebalance, and its predecessor is fenced", () => {
  const group = createStaticGroup();
  const restarted = group.joinAs("b", { protocols: protocolsOf(["orders"], "nothing owned") });
  expect(group.joinReply(restarted)).toMatchObject({
    error: "NONE",
    generationId: 1,
    memberId: "member-3",
    leader: "member-1",
    skipAssignment: false,
  });
  expect(group.group.state).toBe("Stable");
  const assignment = group.syncReply(group.sync("member-3", 1, { groupInstanceId: "b" }));
  expect(Buffer.from(assignment?.assignment ?? []).toString()).toBe("p1");
  expect(group.heartbeat("member-2", 1, "b")).toBe("FENCED_INSTANCE_ID");
  expect(group.syncReply(group.sync("member-2", 1, { groupInstanceId: "b" }))?.error).toBe(
    "FENCED_INSTANCE_ID",
  );
});

test("a restarted leader of v9 learns the members but is told to skip the assignment", () => {
  const group = createStaticGroup();
  const reply = group.joinReply(group.joinAs("a"));
  expect(reply).toMatchObject({ leader: "member-3", memberId: "member-3", skipAssignment: true });
  expect(reply?.members).toHaveLength(2);
});

test("a restarted leader of an older version is told it follows, so that it only asks for its assignment", () => {
  const group = createStaticGroup();
  const reply = group.joinReply(group.joinAs("a", { canSkipAssignment: false }));
  expect(reply).toMatchObject({ leader: "member-1", memberId: "member-3", skipAssignment: false });
  expect(reply?.members).toEqual([]);
});

test("the takeover is answered only once the log knows the new member id", () => {
  const group = createStaticGroup();
  group.holdCommits();
  const restarted = group.joinAs("b");
  expect(group.hasReply(restarted)).toBe(false);
  expect(group.kept.at(-1)?.members.map(({ memberId }) => memberId)).toEqual([
    "member-1",
    "member-3",
  ]);
  expect(group.kept.at(-1)?.generation).toBe(1);
  group.commit();
  expect(group.joinReply(restarted)?.error).toBe("NONE");
});

test("a restarted member that subscribes to other topics gets a rebalance", () => {
  const group = createStaticGroup();
  group.joinAs("b", { protocols: protocolsOf(["orders", "returns"]) });
  expect(group.group.state).toBe("PreparingRebalance");
});

test("a join with an instance id and somebody else's member id is fenced", () => {
  const group = createStaticGroup();
  const reply = group.joinReply(group.joinAs("b", { memberId: "member-1" }));
  expect(reply).toMatchObject({ error: "FENCED_INSTANCE_ID", memberId: "member-1" });
});

test("a join with an unknown instance id and a member id is unknown", () => {
  const group = createStaticGroup();
  const reply = group.joinReply(group.joinAs("c", { memberId: "member-1" }));
  expect(reply?.error).toBe("UNKNOWN_MEMBER_ID");
});

test("a takeover while members rejoin answers the predecessor's parked join with fenced", () => {
  const group = createStaticGroup();
  const old = group.joinAs("b", { memberId: "member-2", protocols: protocolsOf(["other"]) });
  expect(group.group.state).toBe("PreparingRebalance");
  const restarted = group.joinAs("b");
  expect(group.joinReply(old)?.error).toBe("FENCED_INSTANCE_ID");
  const leader = group.joinAs("a", { memberId: "member-1" });
  expect(group.joinReply(leader)?.generationId).toBe(2);
  expect(group.joinReply(restarted)).toMatchObject({ generationId: 2, memberId: "member-3" });
});

test("a static member that does not rejoin stays in the group until its session ends", () => {
  const group = createStaticGroup();
  const leader = group.joinAs("a", { memberId: "member-1", rebalanceTimeoutMs: 4_000 });
  group.joinAs("b", { memberId: "member-2", rebalanceTimeoutMs: 4_000 });
  expect(group.joinReply(leader)?.generationId).toBe(2);
  group.sync("member-1", 2, { groupInstanceId: "a", assignments: {} });
  group.sync("member-2", 2, { groupInstanceId: "b" });
  const again = group.joinAs("a", { memberId: "member-1", rebalanceTimeoutMs: 4_000 });
  group.advance(4_000);
  expect(group.joinReply(again)).toMatchObject({ generationId: 3 });
  expect(group.joinReply(again)?.members).toHaveLength(2);
  group.sync("member-1", 3, { groupInstanceId: "a", assignments: {} });
  group.advance(5_999);
  group.heartbeat("member-1", 3, "a");
  expect(group.group.members.has("member-2")).toBe(true);
  group.advance(1);
  expect(group.group.members.has("member-2")).toBe(false);
});

test("when no member rejoins and only static ones are left, the rebalance goes on waiting for one", () => {
  const group = createStaticGroup();
  const joined = group.join({
    protocolType: "consumer",
    protocols: protocolsOf(["orders"]),
    rebalanceTimeoutMs: 4_000,
    sessionTimeoutMs: 6_000,
  });
  expect(group.leave({ memberId: "member-3" })).toEqual(["NONE"]);
  expect(group.joinReply(joined)?.error).toBe("UNKNOWN_MEMBER_ID");
  expect(group.group.state).toBe("PreparingRebalance");
  // Both sessions end before anyone comes back: the group is empty then, a generation on.
  group.advance(10_000);
  expect(group.group.state).toBe("Empty");
  expect(group.group.generationId).toBe(2);
});

test("a full group still takes a restarted static member back", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0, maxSize: 1 });
  group.join({ groupInstanceId: "a" });
  group.sync("member-1", 1, { groupInstanceId: "a", assignments: {} });
  expect(group.joinReply(group.join({ groupInstanceId: "a" }))?.error).toBe("NONE");
  expect(group.joinReply(group.join({ groupInstanceId: "b" }))?.error).toBe(
    "GROUP_MAX_SIZE_REACHED",
  );
});

test("waiting for static members alone is no busy loop, even with a rebalance timeout of nothing", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0 });
  group.join({ groupInstanceId: "s", rebalanceTimeoutMs: 0 });
  group.sync("member-1", 1, { groupInstanceId: "s" });
  group.join({ rebalanceTimeoutMs: 0 });
  expect(group.leave({ memberId: "member-2" })).toEqual(["NONE"]);
  group.advance(9_999);
  expect(group.tickCount()).toBeLessThan(20);
  expect(group.heartbeat("member-1", 1, "s")).toBe("REBALANCE_IN_PROGRESS");
});
