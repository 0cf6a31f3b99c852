import { expect, test } from "vitest";
import { createGroup } from "../../../../broker/groups/group.ts";
import { groupOf, imageOf } from "../../../../broker/groups/group-image.ts";
import { createGroupHarness, createStableGroup } from "./group-harness.ts";

test("a member that sends nothing for a session is dropped, and the others rebalance", () => {
  const group = createStableGroup(2);
  group.advance(9_000);
  expect(group.heartbeat("member-1", 1)).toBe("NONE");
  group.advance(1_000);
  expect([...group.group.members.keys()]).toEqual(["member-1"]);
  expect(group.heartbeat("member-1", 1)).toBe("REBALANCE_IN_PROGRESS");
});

test("any request renews the session", () => {
  const group = createStableGroup(1);
  for (let round = 0; round < 5; round++) {
    group.advance(9_000);
    group.sync("member-1", 1);
  }
  expect(group.group.state).toBe("Stable");
});

test("a parked join of a known member counts as alive", () => {
  const group = createStableGroup(2);
  const rejoined = group.join({ memberId: "member-1" });
  for (let elapsedMs = 0; elapsedMs < 55_000; elapsedMs += 5_000) {
    group.heartbeat("member-2", 1);
    group.advance(5_000);
  }
  expect(group.hasReply(rejoined)).toBe(false);
  expect(group.group.members.has("member-1")).toBe(true);
});

test.each([
  ["an unknown member", "ghost", 1, "UNKNOWN_MEMBER_ID"],
  ["an old generation", "member-1", 0, "ILLEGAL_GENERATION"],
  ["a member of the generation", "member-1", 1, "NONE"],
] as const)("a heartbeat of %s", (_case, memberId, generationId, error) => {
  expect(createStableGroup(1).heartbeat(memberId, generationId)).toBe(error);
});

test("a heartbeat between join and assignment is no error", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0 });
  group.join();
  expect(group.group.state).toBe("CompletingRebalance");
  expect(group.heartbeat("member-1", 1)).toBe("NONE");
});

test("the last member leaving empties the group, a generation on, and that is kept", () => {
  const group = createStableGroup(1);
  expect(group.leave({ memberId: "member-1" })).toEqual(["NONE"]);
  expect(group.group).toMatchObject({ state: "Empty", generationId: 2, leaderId: null });
  expect(group.kept.at(-1)).toMatchObject({ generation: 2, members: [], protocol: null });
});

test("leaving answers each member by itself, static ones by instance id, pending ones too", () => {
  const group = createStableGroup(2);
  group.join({ requiresKnownMemberId: true });
  group.join({ groupInstanceId: "s" });
  group.join({ memberId: "member-1" });
  group.join({ memberId: "member-2" });
  const left = group.leave(
    { memberId: "member-3" },
    { groupInstanceId: "s" },
    { memberId: "member-2", groupInstanceId: "s" },
    { memberId: "member-2" },
    { groupInstanceId: "nobody" },
    {},
  );
  expect(left).toEqual([
    "NONE",
    "NONE",
    "UNKNOWN_MEMBER_ID",
    "NONE",
    "UNKNOWN_MEMBER_ID",
    "UNKNOWN_MEMBER_ID",
  ]);
  expect([...group.group.members.keys()]).toEqual(["member-1"]);
});

test("a static member that leaves under a wrong member id is fenced", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0 });
  group.join({ groupInstanceId: "s" });
  expect(group.leave({ memberId: "other", groupInstanceId: "s" })).toEqual(["FENCED_INSTANCE_ID"]);
});

test("a leader that leaves hands over, and the group rebalances", () => {
  const group = createStableGroup(3);
  group.leave({ memberId: "member-1" });
  const second = group.join({ memberId: "member-3" });
  const first = group.join({ memberId: "member-2" });
  expect(group.joinReply(first)?.members).toHaveLength(2);
  expect(group.joinReply(second)).toMatchObject({ generationId: 2, leader: "member-2" });
});

test("a group comes back from what was kept as it was, every member with a whole session", () => {
  const before = createStableGroup(2);
  const image = before.kept.at(-1);
  expect(image).toBeDefined();
  if (image === undefined) return;
  const group = groupOf(image, 1_000);
  expect(group).toMatchObject({ state: "Stable", generationId: 1, leaderId: "member-1" });
  expect(imageOf(group)).toEqual(image);
  const after = createGroupHarness({}, group);
  after.apply({ type: "tick" });
  after.advance(9_999);
  expect(after.heartbeat("member-1", 1)).toBe("NONE");
  after.advance(1);
  expect([...after.group.members.keys()]).toEqual(["member-1"]);
});

test("an empty group asks for no wake-up", () => {
  const group = createGroupHarness({}, createGroup());
  group.apply({ type: "tick" });
  group.advance(1_000_000_000);
  expect(group.replyCount()).toBe(0);
});
