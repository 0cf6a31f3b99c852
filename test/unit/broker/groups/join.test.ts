import { expect, test } from "vitest";
import { createGroupHarness, createStableGroup } from "./group-harness.ts";

test("the first join of an empty group waits for others, who then share its generation", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 3_000 });
  const first = group.join();
  group.advance(2_000);
  const second = group.join();
  expect(group.hasReply(first)).toBe(false);
  // The second came during the wait, so it is extended once.
  group.advance(1_000);
  expect(group.hasReply(first)).toBe(false);
  group.advance(3_000);
  expect(group.joinReply(first)).toMatchObject({
    error: "NONE",
    generationId: 1,
    leader: "member-1",
  });
  expect(group.joinReply(second)).toMatchObject({ error: "NONE", generationId: 1, members: [] });
  expect(group.joinReply(first)?.members.map(({ memberId }) => memberId)).toEqual([
    "member-1",
    "member-2",
  ]);
});

test("the initial wait is extended while members arrive, but not beyond the rebalance timeout", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 3_000 });
  const first = group.join({ rebalanceTimeoutMs: 7_000 });
  for (let elapsedMs = 0; elapsedMs < 6_000; elapsedMs += 1_000) {
    group.advance(1_000);
    group.join({ rebalanceTimeoutMs: 7_000 });
    expect(group.hasReply(first)).toBe(false);
  }
  group.advance(1_000);
  expect(group.joinReply(first)?.generationId).toBe(1);
});

test("without an initial delay the first member forms a generation by itself at once", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0 });
  expect(group.joinReply(group.join())).toMatchObject({ generationId: 1, leader: "member-1" });
});

test("a dynamic member of v4 is sent away with an id and counts when it comes back with it", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0 });
  const away = group.joinReply(group.join({ requiresKnownMemberId: true }));
  expect(away).toMatchObject({
    error: "MEMBER_ID_REQUIRED",
    memberId: "member-1",
    generationId: -1,
  });
  expect(group.group.members.size).toBe(0);
  const back = group.join({ memberId: "member-1", requiresKnownMemberId: true });
  expect(group.joinReply(back)).toMatchObject({ error: "NONE", memberId: "member-1" });
});

test("an id handed out lapses after the session timeout", () => {
  const group = createGroupHarness();
  group.join({ requiresKnownMemberId: true, sessionTimeoutMs: 6_000 });
  group.advance(6_000);
  expect(group.group.pendingMembers.size).toBe(0);
  const late = group.join({ memberId: "member-1", requiresKnownMemberId: true });
  expect(group.joinReply(late)?.error).toBe("UNKNOWN_MEMBER_ID");
});

test("a rebalance waits for members that were handed an id until they join or it lapses", () => {
  const group = createStableGroup(1);
  group.join({ requiresKnownMemberId: true, sessionTimeoutMs: 6_000 });
  const rejoined = group.join({ memberId: "member-1" });
  expect(group.hasReply(rejoined)).toBe(false);
  group.advance(6_000);
  expect(group.joinReply(rejoined)?.generationId).toBe(2);
});

test("an unknown member id is refused", () => {
  const group = createStableGroup(1);
  expect(group.joinReply(group.join({ memberId: "ghost" }))).toMatchObject({
    error: "UNKNOWN_MEMBER_ID",
    memberId: "ghost",
  });
});

test.each([
  ["another protocol type", { protocolType: "connect" }],
  ["no protocol of the others", { protocols: [{ name: "sticky", metadata: Buffer.from("") }] }],
  ["no protocols at all", { protocols: [] }],
])("a member with %s is refused", (_case, overrides) => {
  const group = createStableGroup(2);
  expect(group.joinReply(group.join(overrides))?.error).toBe("INCONSISTENT_GROUP_PROTOCOL");
  expect(group.group.state).toBe("Stable");
});

test.each([
  ["an empty protocol type", { protocolType: "" }],
  ["no protocols", { protocols: [] }],
])("an empty group takes no member with %s", (_case, overrides) => {
  const group = createGroupHarness();
  expect(group.joinReply(group.join(overrides))?.error).toBe("INCONSISTENT_GROUP_PROTOCOL");
  expect(group.group.members.size).toBe(0);
});

test("the protocol most members prefer among those all have is chosen", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 100 });
  const protocols = (...names: string[]) =>
    names.map((name) => ({ name, metadata: Buffer.from(`${name} metadata`) }));
  const first = group.join({ protocols: protocols("a", "b", "c") });
  group.join({ protocols: protocols("d", "b", "a") });
  group.join({ protocols: protocols("b", "a") });
  group.advance(1_000);
  expect(group.joinReply(first)).toMatchObject({ protocolName: "b", protocolType: "test" });
  expect(group.joinReply(first)?.members[0]?.metadata.toString()).toBe("b metadata");
});

test("any protocol type works, its metadata untouched", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0 });
  const metadata = Buffer.from([0xff, 0x00, 0x80]);
  const reply = group.joinReply(
    group.join({ protocolType: "connect", protocols: [{ name: "sessioned", metadata }] }),
  );
  expect(reply).toMatchObject({ error: "NONE", protocolType: "connect" });
  expect(Buffer.from(reply?.members[0]?.metadata ?? [])).toEqual(metadata);
});

test("a full group refuses newcomers and keeps its members", () => {
  const group = createStableGroup(2, { maxSize: 2 });
  expect(group.joinReply(group.join())).toMatchObject({
    error: "GROUP_MAX_SIZE_REACHED",
    memberId: "",
  });
  const rejoined = group.join({ memberId: "member-2" });
  expect(group.joinReply(rejoined)).toMatchObject({ error: "NONE", generationId: 1 });
});

test("a follower that rejoins unchanged while stable is told the current generation, and nobody rebalances", () => {
  const group = createStableGroup(2);
  const reply = group.joinReply(group.join({ memberId: "member-2" }));
  expect(reply).toMatchObject({ error: "NONE", generationId: 1, leader: "member-1", members: [] });
  expect(group.group.state).toBe("Stable");
});

test("a leader that rejoins gets a rebalance, even unchanged", () => {
  const group = createStableGroup(2);
  const leader = group.join({ memberId: "member-1" });
  expect(group.group.state).toBe("PreparingRebalance");
  expect(group.heartbeat("member-2", 1)).toBe("REBALANCE_IN_PROGRESS");
  const follower = group.join({ memberId: "member-2" });
  expect(group.joinReply(leader)).toMatchObject({ generationId: 2, leader: "member-1" });
  expect(group.joinReply(follower)).toMatchObject({ generationId: 2 });
});

test("a member that wants something else gets a rebalance", () => {
  const group = createStableGroup(2);
  group.join({
    memberId: "member-2",
    protocols: [{ name: "range", metadata: Buffer.from("more topics") }],
  });
  expect(group.group.state).toBe("PreparingRebalance");
});

test("a member that missed its answer asks again before the assignment and gets it, the leader with the members", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 100 });
  group.join();
  group.join();
  group.advance(500);
  expect(group.group.state).toBe("CompletingRebalance");
  const leader = group.joinReply(group.join({ memberId: "member-1" }));
  expect(leader).toMatchObject({ generationId: 1, leader: "member-1" });
  expect(leader?.members).toHaveLength(2);
  expect(group.joinReply(group.join({ memberId: "member-2" }))?.members).toEqual([]);
  expect(group.group.state).toBe("CompletingRebalance");
});

test("a rebalance drops dynamic members that do not rejoin in time, and another one leads", () => {
  const group = createStableGroup(3, { initialRebalanceDelayMs: 100 });
  const rejoined = group.join({
    memberId: "member-2",
    protocols: [{ name: "range", metadata: Buffer.from("x") }],
  });
  const keepAlive = () => {
    for (const id of ["member-1", "member-3"]) group.heartbeat(id, 1);
  };
  for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += 5_000) {
    expect(group.hasReply(rejoined)).toBe(false);
    keepAlive();
    group.advance(5_000);
  }
  expect(group.joinReply(rejoined)).toMatchObject({ generationId: 2, leader: "member-2" });
  expect([...group.group.members.keys()]).toEqual(["member-2"]);
});

test("the slowest member's rebalance timeout is everybody's", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0 });
  group.join({ rebalanceTimeoutMs: 200_000, sessionTimeoutMs: 300_000 });
  group.sync("member-1", 1, { assignments: {} });
  const second = group.join({ rebalanceTimeoutMs: 5_000 });
  group.advance(199_000);
  expect(group.hasReply(second)).toBe(false);
  group.advance(1_000);
  expect(group.joinReply(second)).toMatchObject({ generationId: 2, leader: "member-2" });
});

test("the join of a new member that waits too long is given up, since nobody may be there to hear", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0, newMemberJoinTimeoutMs: 30_000 });
  group.join({ sessionTimeoutMs: 1_000_000, rebalanceTimeoutMs: 1_000_000 });
  const waiting = group.join();
  group.advance(30_000);
  expect(group.joinReply(waiting)?.error).toBe("UNKNOWN_MEMBER_ID");
});

test("a retried join answers the one it replaces", () => {
  const group = createStableGroup(2);
  const changed = { protocols: [{ name: "range", metadata: Buffer.from("changed") }] };
  const first = group.join({ memberId: "member-2", ...changed });
  const second = group.join({ memberId: "member-2", ...changed });
  expect(group.joinReply(first)?.error).toBe("REBALANCE_IN_PROGRESS");
  group.join({ memberId: "member-1" });
  expect(group.joinReply(second)?.generationId).toBe(2);
});

test("a group takes only so much metadata, each member's counted once", () => {
  const group = createGroupHarness({ initialRebalanceDelayMs: 0, groupMetadataMaxBytes: 30 });
  const protocols = (byteLength: number) => [{ name: "range", metadata: Buffer.alloc(byteLength) }];
  group.join({ protocols: protocols(10) });
  group.sync("member-1", 1);
  const tooMuch = group.join({ protocols: protocols(11) });
  expect(group.joinReply(tooMuch)?.error).toBe("GROUP_MAX_SIZE_REACHED");
  const again = group.join({ memberId: "member-1", protocols: protocols(25) });
  expect(group.joinReply(again)?.error).toBe("NONE");
});
