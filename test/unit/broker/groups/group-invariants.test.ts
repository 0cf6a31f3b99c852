import fc from "fast-check";
import { expect, test } from "vitest";
import { createGroupHarness } from "./group-harness.ts";
import type { GroupHarness } from "./group-harness.ts";

type Client = {
  memberId: string;
  readonly instanceId: string | null;
  join: number | null;
  sync: number | null;
  generationId: number;
  isLeader: boolean;
  assignment: string | null;
};

const slots = 6;
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("join" as const), slot: fc.nat(slots - 1) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("sync" as const), slot: fc.nat(slots - 1) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("heartbeat" as const), slot: fc.nat(slots - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("leave" as const), slot: fc.nat(slots - 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("restart" as const), slot: fc.nat(slots - 1) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("advance" as const),
      ms: fc.integer({ min: 1, max: 8_000 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ type: "commit" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "failCommit" as const }) },
);

function newClient(slot: number): Client {
  const instanceId = slot >= slots - 2 ? `instance-${slot}` : null;
  return {
    memberId: "",
    instanceId,
    join: null,
    sync: null,
    generationId: -1,
    isLeader: false,
    assignment: null,
  };
}

/** Hears the answers that have come, as a client would. */
function listen(harness: GroupHarness, client: Client): void {
  const joined = client.join === null ? null : harness.joinReply(client.join);
  if (joined !== null) {
    client.join = null;
    if (joined.error === "MEMBER_ID_REQUIRED") client.memberId = joined.memberId;
    else if (joined.error === "NONE") {
      client.memberId = joined.memberId;
      client.generationId = joined.generationId;
      client.isLeader = joined.leader === joined.memberId;
      client.assignment = null;
    } else if (joined.error !== "REBALANCE_IN_PROGRESS") client.memberId = "";
  }
  const synced = client.sync === null ? null : harness.syncReply(client.sync);
  if (synced !== null) {
    client.sync = null;
    if (synced.error === "NONE") client.assignment = Buffer.from(synced.assignment).toString();
  }
}

function run(
  harness: GroupHarness,
  clients: Client[],
  each: { type: string; slot?: number; ms?: number },
): void {
  const slot = each.slot ?? 0;
  const client = clients[slot] ?? newClient(slot);
  const { memberId, instanceId, generationId } = client;
  switch (each.type) {
    case "join":
      client.join = harness.join({
        ...(memberId === "" ? {} : { memberId }),
        groupInstanceId: instanceId,
        requiresKnownMemberId: true,
      });
      return;
    case "sync": {
      if (generationId < 0) return;
      // The assignment carries its generation, so that an old one shows.
      const assignments = client.isLeader
        ? Object.fromEntries(
            [...harness.group.members.keys()].map((id) => [id, `generation ${generationId}`]),
          )
        : {};
      client.sync = harness.sync(memberId, generationId, {
        assignments,
        ...(instanceId === null ? {} : { groupInstanceId: instanceId }),
      });
      return;
    }
    case "heartbeat":
      if (memberId !== "") harness.heartbeat(memberId, generationId, instanceId);
      return;
    case "leave":
      if (memberId !== "") harness.leave({ memberId });
      return;
    case "restart":
      clients[slot] = newClient(slot);
      return;
    case "advance":
      harness.advance(each.ms ?? 0);
      return;
    case "commit":
      harness.commit();
      return;
    default:
      harness.commit("UNKNOWN_SERVER_ERROR");
  }
}

function check(harness: GroupHarness, clients: Client[]): void {
  const { group } = harness;
  if (group.leaderId !== null) expect(group.members.has(group.leaderId)).toBe(true);
  if (group.state === "Stable" || group.state === "CompletingRebalance")
    expect(group.leaderId).not.toBeNull();
  if (group.state === "Empty") expect(group.members.size).toBe(0);
  expect(group.rebalance !== null).toBe(group.state === "PreparingRebalance");
  for (const [instanceId, memberId] of group.staticMembers)
    expect(group.members.get(memberId)?.groupInstanceId).toBe(instanceId);
  for (const member of group.members.values()) {
    if (group.state !== "PreparingRebalance" && member.parkedJoin !== null)
      expect(group.state).toBe("Stable");
    if (member.parkedSync !== null) expect(group.state).toBe("CompletingRebalance");
    const assignment = Buffer.from(member.assignment).toString();
    if (group.state === "Stable" && assignment !== "")
      expect(assignment).toBe(`generation ${group.generationId}`);
  }
  const leaders = clients.filter(
    ({ isLeader, memberId, generationId }) =>
      isLeader && generationId === group.generationId && group.members.has(memberId),
  );
  expect(leaders.length).toBeLessThanOrEqual(1);
  for (const client of clients)
    if (client.assignment !== null && client.assignment !== "")
      expect(client.assignment).toBe(`generation ${client.generationId}`);
}

test("whatever members do, one leads, no old assignment is handed out, and every parked request is answered in bounded time", () => {
  fc.assert(
    fc.property(
      fc.array(command, { minLength: 20, maxLength: 200 }),
      fc.constantFrom(0, 3_000),
      (commands, initialRebalanceDelayMs) => {
        const harness = createGroupHarness({ initialRebalanceDelayMs });
        harness.holdCommits();
        const clients = Array.from({ length: slots }, (_, slot) => newClient(slot));
        const tickets = new Set<number>();
        let generationId = 0;
        for (const each of commands) {
          run(harness, clients, each);
          for (const client of clients) {
            for (const ticket of [client.join, client.sync])
              if (ticket !== null) tickets.add(ticket);
            listen(harness, client);
          }
          check(harness, clients);
          expect(harness.group.generationId).toBeGreaterThanOrEqual(generationId);
          generationId = harness.group.generationId;
        }
        // Nobody says anything more: two rebalance timeouts, the sessions and the wait for a new member bound every answer.
        harness.commit();
        for (let round = 0; round < 8; round++) {
          harness.advance(60_000);
          harness.commit();
        }
        for (const ticket of tickets) expect(harness.hasReply(ticket)).toBe(true);
        expect(harness.group.state).toBe("Empty");
        expect(harness.group.pendingMembers.size).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
