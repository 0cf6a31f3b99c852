import { createGroup } from "../../../../broker/groups/group.ts";
import type { Effect, JoinReply, KeptEvent, SyncReply } from "../../../../broker/groups/group.ts";
import { defaultGroupConfig } from "../../../../broker/groups/group-config.ts";
import type { GroupConfig } from "../../../../broker/groups/group-config.ts";
import { step } from "../../../../broker/groups/group.machine.ts";
import type { GroupEvent } from "../../../../broker/groups/group.machine.ts";
import type { JoinEvent } from "../../../../broker/groups/join-event.ts";
import type { KeptGroup } from "../../../../broker/groups/kept.ts";

export type GroupHarness = ReturnType<typeof createGroupHarness>;

/** A group with time in the test's hand: replies by ticket, what was kept, and ticks at the times the machine asked for. */
export function createGroupHarness(options: Partial<GroupConfig> = {}, group = createGroup()) {
  const config: GroupConfig = { ...defaultGroupConfig, ...options };
  const replies = new Map<number, Exclude<Effect, { type: "keep" | "wakeBy" }>>();
  const kept: KeptGroup[] = [];
  const uncommitted: KeptEvent[] = [];
  let wakes: number[] = [];
  let nowMs = 1_000;
  let tickCount = 0;
  let lastTicket = 0;
  let lastMember = 0;
  /** Commits take effect at once unless a test holds them. */
  let isHolding = false;

  function apply(event: GroupEvent): void {
    const time = { nowMs, wallMs: 1_700_000_000_000 + nowMs };
    for (const effect of step(group, event, { time, config })) {
      if (effect.type === "keep") {
        kept.push(effect.image);
        if (effect.onKept !== null) uncommitted.push(effect.onKept);
      } else if (effect.type === "wakeBy") wakes.push(effect.atMs);
      else replies.set(effect.ticket, effect);
    }
    if (!isHolding) commit();
  }

  function commit(error: "UNKNOWN_SERVER_ERROR" | null = null): void {
    for (let event = uncommitted.shift(); event !== undefined; event = uncommitted.shift())
      apply({ ...event, error });
  }

  function join(overrides: Partial<JoinEvent> = {}): number {
    const ticket = ++lastTicket;
    const metadata = Buffer.from("any");
    apply({
      type: "join",
      ticket,
      memberId: "",
      newMemberId: overrides.memberId === undefined ? `member-${++lastMember}` : "unused",
      groupInstanceId: null,
      clientId: "client",
      clientHost: "/127.0.0.1",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: "test",
      protocols: [{ name: "range", metadata }],
      requiresKnownMemberId: false,
      canSkipAssignment: true,
      ...overrides,
    });
    return ticket;
  }

  function sync(
    memberId: string,
    generationId: number,
    more: {
      assignments?: Record<string, string>;
      groupInstanceId?: string;
      protocolName?: string;
    } = {},
  ): number {
    const ticket = ++lastTicket;
    const assignments = new Map(
      Object.entries(more.assignments ?? {}).map(([id, text]) => [id, Buffer.from(text)]),
    );
    const { groupInstanceId = null, protocolName = null } = more;
    const base = { type: "sync", ticket, memberId, generationId, protocolType: null } as const;
    apply({ ...base, groupInstanceId, protocolName, assignments });
    return ticket;
  }

  const answerTo = (ticket: number) => replies.get(ticket);
  return {
    group,
    kept,
    apply,
    commit,
    join,
    sync,
    nowMs: () => nowMs,
    tickCount: () => tickCount,
    nextTicket: () => ++lastTicket,
    holdCommits: () => void (isHolding = true),
    hasReply: (ticket: number) => replies.has(ticket),
    replyCount: () => replies.size,
    joinReply(ticket: number): JoinReply | null {
      const effect = answerTo(ticket);
      return effect?.type === "joinReply" ? effect.reply : null;
    },
    syncReply(ticket: number): SyncReply | null {
      const effect = answerTo(ticket);
      return effect?.type === "syncReply" ? effect.reply : null;
    },
    heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null) {
      const ticket = ++lastTicket;
      apply({ type: "heartbeat", ticket, memberId, groupInstanceId, generationId });
      const effect = answerTo(ticket);
      return effect?.type === "heartbeatReply" ? effect.error : null;
    },
    leave(...members: { memberId?: string; groupInstanceId?: string }[]) {
      const ticket = ++lastTicket;
      const named = members.map(({ memberId = "", groupInstanceId = null as string | null }) => ({
        memberId,
        groupInstanceId,
      }));
      apply({ type: "leave", ticket, members: named });
      const effect = answerTo(ticket);
      return effect?.type === "leaveReply" ? effect.results.map(({ error }) => error) : null;
    },
    /** Moves time on, ticking whenever the machine asked to be woken by then, and only then. */
    advance(ms: number): void {
      const untilMs = nowMs + ms;
      for (;;) {
        const nextMs = Math.min(...wakes);
        if (nextMs > untilMs) break;
        wakes = wakes.filter((atMs) => atMs > nextMs);
        nowMs = Math.max(nowMs, nextMs);
        if (++tickCount > 10_000) throw new Error("the machine asks to be woken over and over");
        apply({ type: "tick" });
      }
      nowMs = untilMs;
    },
  };
}

/** A stable group of `count` dynamic members, `member-1` leading. */
export function createStableGroup(count: number, options: Partial<GroupConfig> = {}) {
  const harness = createGroupHarness({ initialRebalanceDelayMs: 100, ...options });
  for (let index = 0; index < count; index++) harness.join();
  harness.advance(200);
  const memberIds = [...harness.group.members.keys()];
  const assignments = Object.fromEntries(memberIds.map((id) => [id, `part of ${id}`]));
  for (const id of memberIds)
    harness.sync(id, 1, id === harness.group.leaderId ? { assignments } : {});
  return harness;
}

/** A ConsumerProtocolSubscription of version 1 with some owned partitions behind the topics. */
export function subscription(topics: string[], owned = ""): Buffer {
  const parts = topics.map((topic) => {
    const length = Buffer.alloc(2);
    length.writeInt16BE(Buffer.byteLength(topic));
    return Buffer.concat([length, Buffer.from(topic)]);
  });
  const head = Buffer.alloc(6);
  head.writeInt16BE(1);
  head.writeInt32BE(topics.length, 2);
  return Buffer.concat([head, ...parts, Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from(owned)]);
}
