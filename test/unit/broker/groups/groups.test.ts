import { expect, test } from "vitest";
import { defaultShardLimits } from "../../../../broker/coordinator/shard-limits.ts";
import { createGroupCell, settle } from "./group-cell.ts";

const dayMs = 24 * 3_600_000;

test("two clusters' groups of the same name never meet", async () => {
  const cell = await createGroupCell();
  await cell.commit("billing", 11, {}, "alpha");
  await cell.commit("billing", 22, {}, "beta");
  expect(await cell.fetch("billing", "alpha")).toEqual(["orders-0@11"]);
  expect(await cell.fetch("billing", "beta")).toEqual(["orders-0@22"]);
  const joined = await cell.join("billing", {}, "beta");
  expect(joined.members).toHaveLength(1);
  expect(cell.groups.listGroups("alpha").groups).toEqual([
    { groupId: "billing", protocolType: "", state: "Empty" },
  ]);
  expect(await cell.groups.deleteGroup("alpha", "billing")).toBe("NONE");
  expect(await cell.fetch("billing", "beta")).toEqual(["orders-0@22"]);
  const stranger = {
    groupId: "billing",
    generationId: 1,
    memberId: joined.memberId,
    groupInstanceId: null,
  };
  expect(await cell.groups.heartbeat(stranger, cell.client("alpha"))).toBe("UNKNOWN_MEMBER_ID");
});

test("group ids with colons stay apart", async () => {
  const cell = await createGroupCell();
  await cell.commit("a:b", 1);
  await cell.restart();
  expect(await cell.fetch("a:b")).toEqual(["orders-0@1"]);
  expect(cell.groups.listGroups("alpha").groups.map(({ groupId }) => groupId)).toEqual(["a:b"]);
});

test("offsets and groups are there after a restart, members with a whole session", async () => {
  const cell = await createGroupCell();
  const joined = await cell.join("billing");
  const synced = await cell.sync("billing", joined.memberId, 1, "p0 and p1");
  expect(synced.error).toBe("NONE");
  const member = { memberId: joined.memberId, generationId: 1 };
  expect(await cell.commit("billing", 42, member)).toEqual(["NONE"]);
  await cell.restart();
  expect(await cell.fetch("billing")).toEqual(["orders-0@42"]);
  const { group } = await cell.groups.describeGroup("alpha", "billing");
  expect(group).toMatchObject({ state: "Stable", protocolType: "consumer", protocolName: "range" });
  expect(Buffer.from(group?.members[0]?.assignment ?? []).toString()).toBe("p0 and p1");
  await cell.clock.advance(9_999);
  const heartbeat = {
    groupId: "billing",
    generationId: 1,
    memberId: joined.memberId,
    groupInstanceId: null,
  };
  expect(await cell.groups.heartbeat(heartbeat, cell.client())).toBe("NONE");
  await cell.clock.advance(10_000);
  expect(await cell.groups.heartbeat(heartbeat, cell.client())).toBe("UNKNOWN_MEMBER_ID");
});

test("a commit is answered, and shown, only once it is committed to the log", async () => {
  const cell = await createGroupCell();
  for (const log of cell.logs) log.hold();
  const answers: string[] = [];
  const commit = cell.commit("billing", 7).then((errors) => answers.push(...errors));
  const fetch = cell.fetch("billing").then((offsets) => answers.push(String(offsets)));
  await settle();
  expect(answers).toEqual([]);
  for (const log of cell.logs) log.release();
  await Promise.all([commit, fetch]);
  expect(answers).toEqual(["NONE", "orders-0@7"]);
});

test("a commit the log refuses is answered retriably and never seen", async () => {
  const cell = await createGroupCell();
  await cell.commit("billing", 1);
  for (const log of cell.logs) log.failNext("refused");
  expect(await cell.commit("billing", 2)).toEqual(["COORDINATOR_NOT_AVAILABLE"]);
  await cell.clock.advance(1_000);
  expect(await cell.fetch("billing")).toEqual(["orders-0@1"]);
});

test("with too few replicas in sync a commit is refused at once, offsets are still told, and sessions live on", async () => {
  const cell = await createGroupCell();
  const { memberId } = await cell.join("billing");
  await cell.sync("billing", memberId, 1);
  const member = { memberId, generationId: 1 };
  expect(await cell.commit("billing", 1, member)).toEqual(["NONE"]);
  for (const log of cell.logs) log.runShort(true);
  expect(await cell.commit("billing", 2, member)).toEqual(["COORDINATOR_NOT_AVAILABLE"]);
  expect(await cell.fetch("billing")).toEqual(["orders-0@1"]);
  const heartbeat = { groupId: "billing", generationId: 1, memberId, groupInstanceId: null };
  for (let round = 0; round < 4; round++) {
    await cell.clock.advance(6_000);
    expect(await cell.groups.heartbeat(heartbeat, cell.client())).toBe("NONE");
  }
  for (const log of cell.logs) log.runShort(false);
  expect(await cell.commit("billing", 3, member)).toEqual(["NONE"]);
});

test("a commit that is not replicated within five seconds is answered, and counts if it is replicated later", async () => {
  const cell = await createGroupCell();
  for (const log of cell.logs) log.hold();
  const commit = cell.commit("billing", 7);
  const fetch = cell.fetch("billing");
  await cell.clock.advance(5_000);
  expect(await commit).toEqual(["COORDINATOR_NOT_AVAILABLE"]);
  // Consumers before 3.9 know no other code that has them try again.
  expect(await fetch).toBe("NOT_COORDINATOR");
  expect(await cell.commit("billing", 7)).toEqual(["COORDINATOR_NOT_AVAILABLE"]);
  for (const log of cell.logs) log.release();
  await settle();
  expect(await cell.fetch("billing")).toEqual(["orders-0@7"]);
  await cell.restart();
  expect(await cell.fetch("billing")).toEqual(["orders-0@7"]);
});

test("an assignment that is not replicated within five seconds sends every member back to join, whatever becomes of it", async () => {
  const cell = await createGroupCell({ initialRebalanceDelayMs: 100 });
  const joins = [1, 2].map(() => cell.join("billing"));
  await cell.clock.advance(1_000);
  const joined = await Promise.all(joins);
  const leaderId = joined[0]?.leader ?? "";
  const followerId = joined.find(({ memberId }) => memberId !== leaderId)?.memberId ?? "";
  const { generationId = 0 } = joined[0] ?? {};
  for (const log of cell.logs) log.hold();
  const syncs = [leaderId, followerId].map((id) => cell.sync("billing", id, generationId));
  await cell.clock.advance(5_000);
  for (const synced of await Promise.all(syncs))
    expect(synced.error).toBe("COORDINATOR_NOT_AVAILABLE");
  for (const log of cell.logs) log.release();
  await settle();
  const again = await Promise.all(
    [leaderId, followerId].map((memberId) => cell.join("billing", { memberId })),
  );
  expect(again.map(({ error }) => error)).toEqual(["NONE", "NONE"]);
  const next = again[0]?.generationId ?? 0;
  expect(next).toBe(generationId + 1);
  for (const id of [leaderId, followerId])
    expect((await cell.sync("billing", id, next)).error).toBe("NONE");
});

test("parked joins and syncs are answered when the coordinator goes away", async () => {
  const cell = await createGroupCell({ initialRebalanceDelayMs: 3_000 });
  const joining = cell.join("billing");
  await settle();
  await cell.groups.close();
  expect((await joining).error).toBe("NOT_COORDINATOR");
  expect((await cell.join("billing")).error).toBe("NOT_COORDINATOR");
});

test("a heartbeat while the coordinator loads is answered as if all were well", async () => {
  const cell = await createGroupCell();
  const partition = cell.groups.partitionOf("alpha", "billing");
  const log = cell.logs[partition];
  if (log === undefined) throw new Error("no such partition");
  cell.groups.lead(partition, log);
  const heartbeat = { groupId: "billing", generationId: 1, memberId: "m", groupInstanceId: null };
  expect(await cell.groups.heartbeat(heartbeat, cell.client())).toBe("NONE");
  cell.groups.lead(partition, log);
  expect((await cell.join("billing")).error).toBe("COORDINATOR_LOAD_IN_PROGRESS");
  cell.groups.lead(partition, log);
  expect(cell.groups.listGroups("alpha").error).toBe("COORDINATOR_LOAD_IN_PROGRESS");
});

test.each([
  ["an empty group id", { groupId: "" }, "INVALID_GROUP_ID"],
  ["a session shorter than allowed", { sessionTimeoutMs: 5_999 }, "INVALID_SESSION_TIMEOUT"],
  ["a session longer than allowed", { sessionTimeoutMs: 1_800_001 }, "INVALID_SESSION_TIMEOUT"],
  ["a member id of an absent group", { memberId: "m" }, "UNKNOWN_MEMBER_ID"],
  ["an instance id no record can hold", { groupInstanceId: "x".repeat(30_000) }, "INVALID_REQUEST"],
  [
    "metadata no record can hold",
    { protocols: [{ name: "r", metadata: new Uint8Array(1_100_000) }] },
    "INVALID_REQUEST",
  ],
  [
    "more protocols than there are assignors",
    {
      protocols: Array.from({ length: 33 }, (_, index) => ({
        name: `p${index}`,
        metadata: new Uint8Array(1),
      })),
    },
    "INVALID_REQUEST",
  ],
])("a join with %s is refused and leaves no group behind", async (_case, more, error) => {
  const cell = await createGroupCell();
  expect((await cell.join("billing", more)).error).toBe(error);
  expect(cell.groups.listGroups("alpha").groups).toEqual([]);
});

test("member ids are the client id and a uuid, even for the strangest client id", async () => {
  const cell = await createGroupCell();
  expect((await cell.join("billing")).memberId).toMatch(
    /^client-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const client = { ...cell.client(), clientId: "\u{1f600}".repeat(20_000), apiVersion: 3 };
  const request = {
    groupId: "odd",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: -1,
    memberId: "",
    groupInstanceId: null,
    protocolType: "p",
    protocols: [{ name: "r", metadata: new Uint8Array(1) }],
    reason: null,
  };
  const joined = await cell.groups.joinGroup(request, client);
  expect(joined.memberId.isWellFormed()).toBe(true);
  expect((await cell.sync("odd", joined.memberId, 1)).error).toBe("NONE");
});

test.each([
  ["of no member to an absent group", {}, ["NONE"]],
  ["of a member of an absent group", { memberId: "m", generationId: 1 }, ["GROUP_ID_NOT_FOUND"]],
  [
    "with metadata that is too long",
    {
      partitions: [
        {
          topic: "orders",
          topicId: "AAAAAAAAAAAAAAAAAAAAAQ",
          partition: 0,
          offset: 1,
          leaderEpoch: -1,
          metadata: "x".repeat(4_097),
        },
      ],
    },
    ["OFFSET_METADATA_TOO_LARGE"],
  ],
])("a commit %s", async (_case, more, errors) => {
  const cell = await createGroupCell();
  expect(await cell.commit("billing", 1, more)).toEqual(errors);
});

test("before v9 a commit of a member of an absent group is of an illegal generation", async () => {
  const cell = await createGroupCell();
  const request = {
    groupId: "g",
    memberId: "m",
    groupInstanceId: null,
    generationId: 1,
    retentionTimeMs: -1,
    partitions: [
      { topic: "orders", topicId: "", partition: 0, offset: 1, leaderEpoch: -1, metadata: "" },
    ],
  };
  expect(await cell.groups.commitOffsets(request, cell.client("alpha", 8))).toEqual([
    "ILLEGAL_GENERATION",
  ]);
});

test("a group with members takes commits of its generation only, and none between join and assignment", async () => {
  const cell = await createGroupCell();
  const { memberId } = await cell.join("billing");
  expect(await cell.commit("billing", 1, { memberId, generationId: 1 })).toEqual([
    "REBALANCE_IN_PROGRESS",
  ]);
  await cell.sync("billing", memberId, 1);
  expect(await cell.commit("billing", 1)).toEqual(["UNKNOWN_MEMBER_ID"]);
  expect(await cell.commit("billing", 1, { memberId, generationId: 0 })).toEqual([
    "ILLEGAL_GENERATION",
  ]);
  expect(await cell.commit("billing", 1, { memberId: "ghost", generationId: 1 })).toEqual([
    "UNKNOWN_MEMBER_ID",
  ]);
  expect(await cell.commit("billing", 1, { memberId, generationId: 1 })).toEqual(["NONE"]);
});

test("commits keep a member alive", async () => {
  const cell = await createGroupCell();
  const { memberId } = await cell.join("billing");
  await cell.sync("billing", memberId, 1);
  for (let round = 0; round < 5; round++) {
    await cell.clock.advance(9_000);
    expect(await cell.commit("billing", round, { memberId, generationId: 1 })).toEqual(["NONE"]);
  }
});

test("a commit too large for a batch is refused as such", async () => {
  const cell = await createGroupCell();
  const metadata = "x".repeat(4_000);
  const partitions = Array.from({ length: 300 }, (_, partition) => ({
    topic: "orders",
    topicId: "AAAAAAAAAAAAAAAAAAAAAQ",
    partition,
    offset: 1,
    leaderEpoch: -1,
    metadata,
  }));
  expect(new Set(await cell.commit("billing", 1, { partitions }))).toEqual(
    new Set(["INVALID_COMMIT_OFFSET_SIZE"]),
  );
  expect(await cell.fetch("billing")).toEqual([]);
});

test("offsets of a group that was never joined expire a retention after the commit", async () => {
  const cell = await createGroupCell();
  await cell.commit("tool", 1);
  await cell.clock.advance(7 * dayMs - 1);
  expect(await cell.fetch("tool")).toEqual(["orders-0@1"]);
  await cell.clock.advance(600_001);
  expect(await cell.fetch("tool")).toEqual([]);
  expect(cell.groups.listGroups("alpha").groups).toEqual([]);
});

test("offsets of a group expire a retention after it became empty, and the group with them", async () => {
  const cell = await createGroupCell();
  const { memberId } = await cell.join("billing", { sessionTimeoutMs: 1_800_000 });
  await cell.sync("billing", memberId, 1);
  await cell.commit("billing", 1, { memberId, generationId: 1 });
  const heartbeat = { groupId: "billing", generationId: 1, memberId, groupInstanceId: null };
  for (let elapsedMs = 0; elapsedMs < 10 * dayMs; elapsedMs += 1_700_000) {
    expect(await cell.groups.heartbeat(heartbeat, cell.client())).toBe("NONE");
    await cell.clock.advance(1_700_000);
  }
  expect(await cell.fetch("billing")).toEqual(["orders-0@1"]);
  await cell.groups.leaveGroup(
    { groupId: "billing", members: [{ memberId, groupInstanceId: null, reason: null }] },
    cell.client(),
  );
  await settle();
  await cell.clock.advance(7 * dayMs - 600_000);
  expect(await cell.fetch("billing")).toEqual(["orders-0@1"]);
  await cell.clock.advance(2 * 600_000);
  expect(await cell.fetch("billing")).toEqual([]);
  expect(cell.groups.listGroups("alpha").groups).toEqual([]);
  await cell.restart();
  expect(cell.groups.listGroups("alpha").groups).toEqual([]);
});

test("a commit of v2 to v4 may say how long it is kept", async () => {
  const cell = await createGroupCell();
  await cell.commit("tool", 1, { retentionTimeMs: 3_600_000 });
  await cell.restart();
  await cell.clock.advance(3_000_000);
  expect(await cell.fetch("tool")).toEqual(["orders-0@1"]);
  await cell.clock.advance(1_200_001);
  expect(await cell.fetch("tool")).toEqual([]);
});

test("deleting a topic drops its offsets of that cluster, and no other's", async () => {
  const cell = await createGroupCell();
  await cell.commit("billing", 1);
  await cell.commit("billing", 2, {}, "beta");
  cell.topics.delete("alpha/orders");
  expect(await cell.groups.dropTopicOffsets("alpha", "orders")).toBeNull();
  expect(await cell.fetch("billing", "beta")).toEqual(["orders-0@2"]);
  // Gone from the log as well, not merely hidden with its topic.
  cell.addTopic("alpha", "orders", "AAAAAAAAAAAAAAAAAAAAAQ");
  await cell.restart();
  expect(await cell.fetch("billing")).toEqual([]);
});

test("offsets of a topic made anew are not dropped with those of its deleted namesake", async () => {
  const cell = await createGroupCell();
  await cell.commit("old", 1);
  cell.addTopic("alpha", "orders", "BBBBBBBBBBBBBBBBBBBBBA");
  await cell.commit("new", 2);
  expect(await cell.groups.dropTopicOffsets("alpha", "orders")).toBeNull();
  expect(await cell.fetch("old")).toEqual([]);
  expect(await cell.fetch("new")).toEqual(["orders-0@2"]);
});

test("a topic that was deleted unseen and made again does not inherit the offsets", async () => {
  const cell = await createGroupCell();
  await cell.commit("billing", 1);
  cell.addTopic("alpha", "orders", "BBBBBBBBBBBBBBBBBBBBBA");
  expect(await cell.fetch("billing")).toEqual([]);
  await cell.clock.advance(600_000);
  await settle();
  expect(cell.groups.listGroups("alpha").groups).toEqual([]);
});

test("offsets of a topic in use cannot be deleted, others can", async () => {
  const cell = await createGroupCell();
  await cell.commit("billing", 1);
  const { memberId } = await cell.join("billing");
  await cell.sync("billing", memberId, 1);
  const ask = (topic: string) =>
    cell.groups.deleteOffsets("billing", cell.client(), [{ topic, partition: 0 }]);
  expect(await ask("orders")).toEqual({ error: "NONE", partitions: ["GROUP_SUBSCRIBED_TO_TOPIC"] });
  expect(await ask("returns")).toEqual({ error: "NONE", partitions: ["NONE"] });
  expect(await cell.groups.deleteOffsets("nobody", cell.client(), [])).toMatchObject({
    error: "GROUP_ID_NOT_FOUND",
  });
  await cell.groups.leaveGroup(
    { groupId: "billing", members: [{ memberId, groupInstanceId: null, reason: null }] },
    cell.client(),
  );
  await settle();
  expect(await ask("orders")).toEqual({ error: "NONE", partitions: ["NONE"] });
  expect(await cell.fetch("billing")).toEqual([]);
});

test("a group with members is not deleted, an empty one is with all its offsets, an absent one is not found", async () => {
  const cell = await createGroupCell();
  const { memberId } = await cell.join("billing");
  expect(await cell.groups.deleteGroup("alpha", "billing")).toBe("NON_EMPTY_GROUP");
  await cell.groups.leaveGroup(
    { groupId: "billing", members: [{ memberId, groupInstanceId: null, reason: null }] },
    cell.client(),
  );
  await settle();
  // More offsets than one batch of tombstones holds.
  for (let part = 0; part < 3; part++) {
    const partitions = Array.from({ length: 400 }, (_, index) => ({
      topic: "orders",
      topicId: "AAAAAAAAAAAAAAAAAAAAAQ",
      partition: part * 400 + index,
      offset: 1,
      leaderEpoch: -1,
      metadata: "",
    }));
    await cell.commit("billing", 1, { partitions });
  }
  expect(await cell.fetch("billing")).toHaveLength(1_200);
  expect(await cell.groups.deleteGroup("alpha", "billing")).toBe("NONE");
  expect(await cell.groups.deleteGroup("alpha", "billing")).toBe("GROUP_ID_NOT_FOUND");
  await cell.restart();
  expect(await cell.fetch("billing")).toEqual([]);
  expect(cell.groups.listGroups("alpha").groups).toEqual([]);
});

test("a group too large for its record sends its members back instead of hanging", async () => {
  const cell = await createGroupCell({ initialRebalanceDelayMs: 100 });
  const protocols = [{ name: "range", metadata: new Uint8Array(400_000) }];
  const joins = [1, 2, 3].map(() => cell.join("huge", { protocols, protocolType: "connect" }));
  await cell.clock.advance(1_000);
  const joined = await Promise.all(joins);
  const leader = joined.find(({ memberId, leader: leaderId }) => memberId === leaderId);
  expect((await cell.sync("huge", leader?.memberId ?? "", 1)).error).toBe("UNKNOWN_SERVER_ERROR");
});

test("a shard refuses more groups than it may keep, and goes on serving those it has", async () => {
  const cell = await createGroupCell({ maxGroupsPerShard: 3 });
  const outcomes = new Set<string>();
  for (let index = 0; index < 40; index++) {
    outcomes.add((await cell.commit(`group-${index}`, 1))[0] ?? "");
    outcomes.add((await cell.join(`other-${index}`)).error);
  }
  expect(outcomes).toEqual(new Set(["NONE", "POLICY_VIOLATION"]));
  expect(cell.groups.listGroups("alpha").groups.length).toBeLessThanOrEqual(12);
  expect(await cell.commit("group-0", 2)).toEqual(["NONE"]);
});

test("the coordinator keeps no view of the bytes a request lent it", async () => {
  const cell = await createGroupCell();
  const metadata = new Uint8Array(Buffer.from("precious"));
  const joined = await cell.join("billing", {
    protocolType: "connect",
    protocols: [{ name: "p", metadata }],
  });
  metadata.fill(0);
  const assignment = Buffer.from("yours");
  const request = {
    groupId: "billing",
    generationId: 1,
    memberId: joined.memberId,
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [{ memberId: joined.memberId, assignment }],
  };
  await cell.groups.syncGroup(request, cell.client());
  assignment.fill(0);
  const { group } = await cell.groups.describeGroup("alpha", "billing");
  expect(Buffer.from(group?.members[0]?.metadata ?? []).toString()).toBe("precious");
  expect(Buffer.from(group?.members[0]?.assignment ?? []).toString()).toBe("yours");
});

test("a burst of commits loses neither an assignment that has just been committed nor a heartbeat", async () => {
  const cell = await createGroupCell({}, { ...defaultShardLimits, queueBytes: 50 });
  const partition = cell.groups.partitionOf("alpha", "billing");
  const neighbour = Array.from({ length: 40 }, (_, index) => `tool-${index}`).find(
    (groupId) => cell.groups.partitionOf("alpha", groupId) === partition,
  );
  const { memberId } = await cell.join("billing");
  cell.logs[partition]?.hold();
  const synced = cell.sync("billing", memberId, 1);
  await settle();
  void cell.commit(neighbour ?? "", 1);
  expect(await cell.commit(neighbour ?? "", 2)).toEqual(["COORDINATOR_LOAD_IN_PROGRESS"]);
  cell.logs[partition]?.release();
  expect((await synced).error).toBe("NONE");
  cell.logs[partition]?.hold();
  void cell.commit(neighbour ?? "", 3);
  await settle();
  void cell.commit(neighbour ?? "", 4);
  const heartbeat = { groupId: "billing", generationId: 1, memberId, groupInstanceId: null };
  await cell.clock.advance(9_000);
  expect(await cell.groups.heartbeat(heartbeat, cell.client())).toBe("NONE");
  await cell.clock.advance(9_000);
  expect(await cell.groups.heartbeat(heartbeat, cell.client())).toBe("NONE");
});

test("a commit that asks to be kept beyond all time is kept", async () => {
  const cell = await createGroupCell();
  const retentionTimeMs = Number.MAX_SAFE_INTEGER;
  expect(await cell.commit("billing", 1, { retentionTimeMs })).toEqual(["NONE"]);
  await cell.restart();
  await cell.clock.advance(30 * dayMs);
  expect(await cell.fetch("billing")).toEqual(["orders-0@1"]);
});
