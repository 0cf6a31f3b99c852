import type { ErrorName } from "../../protocol/errors.ts";
import type { Time } from "../coordinator/state-machine.ts";
import type { GroupConfig } from "./group-config.ts";
import type { KeptGroup } from "./kept.ts";

/** "Dead" is what an absent group is called on the wire; no group here is ever in that state. */
export type GroupStateName = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

/** Names a parked request; the shell knows whose answer it is. */
export type Ticket = number;

export type Protocol = { readonly name: string; readonly metadata: Uint8Array };

export type Member = {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly Protocol[];
  assignment: Uint8Array;
  /** Has not been in a generation yet: it has heard nothing from us, so nothing can be expected of it. */
  isNew: boolean;
  /** Counts unless a request of a known member is parked, which proves it alive. */
  sessionDeadlineMs: number;
  parkedJoin: Ticket | null;
  parkedSync: Ticket | null;
};

/** A rebalance of an empty group waits for more members to come; any other for the known ones to rejoin. */
export type Rebalance =
  | {
      kind: "initial";
      deadlineMs: number;
      delayMs: number;
      remainingMs: number;
      hasNewMember: boolean;
    }
  | { kind: "ordinary"; deadlineMs: number };

/**
 * A classic group: Empty -> PreparingRebalance -> CompletingRebalance -> Stable -> PreparingRebalance ... -> Empty. Changed in place by the functions
 * of this folder, which take no port. `rebalance` is set in PreparingRebalance only.
 */
export type Group = {
  state: GroupStateName;
  protocolType: string | null;
  protocolName: string | null;
  generationId: number;
  leaderId: string | null;
  /** In the order they joined: what the leader is sent and who leads next follows it. */
  readonly members: Map<string, Member>;
  /** group.instance.id -> member id (KIP-345). */
  readonly staticMembers: Map<string, string>;
  /** Ids handed out with MEMBER_ID_REQUIRED (KIP-394) and when they lapse. */
  readonly pendingMembers: Map<string, number>;
  readonly pendingSync: Set<string>;
  pendingSyncDeadlineMs: number | null;
  rebalance: Rebalance | null;
  /** The leader's assignment while it is being committed. */
  assigning: {
    readonly generationId: number;
    readonly assignments: ReadonlyMap<string, Uint8Array>;
  } | null;
  /** Wall time of the last change of state, -1 before the first; offsets of an empty group expire from here. */
  stateChangedMs: number;
  /** Topics the members subscribe to; null if that cannot be known. */
  subscribedTopics: ReadonlySet<string> | null;
};

export type JoinReply = {
  readonly error: ErrorName;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Uint8Array;
  }[];
};

export type SyncReply = {
  readonly error: ErrorName;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
};

export type LeaveResult = {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly error: ErrorName;
};

export type Effect =
  | { readonly type: "joinReply"; readonly ticket: Ticket; readonly reply: JoinReply }
  | { readonly type: "syncReply"; readonly ticket: Ticket; readonly reply: SyncReply }
  | { readonly type: "heartbeatReply"; readonly ticket: Ticket; readonly error: ErrorName }
  | {
      readonly type: "leaveReply";
      readonly ticket: Ticket;
      readonly results: readonly LeaveResult[];
    }
  /** Commit `image`, then step with `onKept` (its `error` set if it does not fit in a batch). */
  | { readonly type: "keep"; readonly image: KeptGroup; readonly onKept: KeptEvent | null }
  /**
   * Step with a tick at `atMs` or before. Never cancelled: a group that is woken early looks at its deadlines and asks again, so that the commonest
   * event, a heartbeat moving a deadline back, touches no timer.
   */
  | { readonly type: "wakeBy"; readonly atMs: number };

export type KeptEvent =
  | { readonly type: "assignmentKept"; readonly generationId: number }
  | { readonly type: "replacementKept"; readonly memberId: string; readonly reply: JoinReply };

/** What the functions of one step share. */
export type Step = {
  readonly time: Time;
  readonly config: GroupConfig;
  readonly effects: Effect[];
};

export const noAssignment = new Uint8Array(0);

export function createGroup(): Group {
  return {
    state: "Empty",
    protocolType: null,
    protocolName: null,
    generationId: 0,
    leaderId: null,
    members: new Map(),
    staticMembers: new Map(),
    pendingMembers: new Map(),
    pendingSync: new Set(),
    pendingSyncDeadlineMs: null,
    rebalance: null,
    assigning: null,
    stateChangedMs: -1,
    subscribedTopics: null,
  };
}

export function enterState(group: Group, state: GroupStateName, step: Step): void {
  group.state = state;
  group.stateChangedMs = step.time.wallMs;
  if (state !== "PreparingRebalance") group.rebalance = null;
}

export function restartSession(member: Member, step: Step): void {
  member.sessionDeadlineMs = step.time.nowMs + member.sessionTimeoutMs;
  step.effects.push({ type: "wakeBy", atMs: member.sessionDeadlineMs });
}

/** UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID (KIP-345), or null. */
export function memberError(
  group: Group,
  memberId: string,
  groupInstanceId: string | null,
): ErrorName | null {
  if (groupInstanceId === null) return group.members.has(memberId) ? null : "UNKNOWN_MEMBER_ID";
  const holder = group.staticMembers.get(groupInstanceId);
  if (holder === undefined) return "UNKNOWN_MEMBER_ID";
  return holder === memberId ? null : "FENCED_INSTANCE_ID";
}

/** The longest rebalance timeout of any member: how long slow ones are waited for. */
export function rebalanceTimeoutMs(group: Group): number {
  let longest = 0;
  for (const member of group.members.values())
    longest = Math.max(longest, member.rebalanceTimeoutMs);
  return longest;
}

export function failedJoin(error: ErrorName, memberId: string): JoinReply {
  return {
    error,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: "",
    skipAssignment: false,
    memberId,
    members: [],
  };
}

export function failedSync(error: ErrorName): SyncReply {
  return { error, protocolType: null, protocolName: null, assignment: noAssignment };
}

/** Answers the member's parked join, if any, and starts to expect it again. */
export function replyJoin(member: Member, reply: JoinReply, step: Step): void {
  if (member.parkedJoin === null) return;
  step.effects.push({ type: "joinReply", ticket: member.parkedJoin, reply });
  member.parkedJoin = null;
}

export function replySync(member: Member, reply: SyncReply, step: Step): void {
  if (member.parkedSync === null) return;
  step.effects.push({ type: "syncReply", ticket: member.parkedSync, reply });
  member.parkedSync = null;
}
