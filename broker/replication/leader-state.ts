import { assert } from "../assert.ts";

// What a leader knows of its followers, and the in-sync set it has proposed (replication.md 2 and L3-L7). Pure: told of fetches, the metadata log and the
// time, it says how far the high watermark may go and what to ask of the controller. A partition with one replica has none of this.

/** One follower, within this leader epoch and one registration of its broker. */
export type FollowerProgress = {
  readonly brokerId: number;
  /** Of the registration the metadata log has; the fetches of any other do not count. */
  brokerEpoch: number;
  /** Up to where it has written (flushed, for `fsync`): what its last fetch asked for. -1: it has not fetched. */
  logEndOffset: number;
  lastCaughtUpMs: number;
  lastFetchMs: number;
  /** Our log end at that fetch. */
  leaderEndAtFetch: number;
  /** It was told where its log leaves ours: its next fetch may lie below the last. */
  mayGoBack: boolean;
  /** It went back untold: its disk lost what it had written. Nothing more is believed or answered until it registers again, as after a host crash. */
  isDistrusted: boolean;
  /** It has all there is, and asks for more of it without naming it: each of its session's fetches counts as one of it. Null while it is looked at. */
  atRest: { readonly lastFetchMs: number } | null;
};

/** The part of a partition's metadata a leader works on. */
export type Assignment = {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly isr: readonly number[];
  readonly elr: readonly number[];
  readonly lastIsr: readonly number[];
};

/** A new in-sync set the log has been asked to accept. `confirm`: the same one, so that `lastIsr` no longer names those who left it. */
export type IsrProposal = {
  readonly kind: "expand" | "shrink" | "confirm";
  readonly isr: readonly number[];
  /** The lives of the members that are meant, in the order of `isr` (KIP-903): asked again, it is for these lives still, not for what registered since. */
  readonly brokerEpochs: readonly number[];
  /** Members whose disk went back while they ran: they shall leave the eligible ones as well. */
  readonly distrusted: readonly number[];
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
};

export type LeaderState = {
  readonly selfId: number;
  /** Of our own registration. */
  readonly selfEpoch: number;
  readonly leaderEpoch: number;
  /** Log end when the epoch began: who has not got here has not followed this epoch. */
  readonly startOffset: number;
  assignment: Assignment;
  pending: IsrProposal | null;
  /** What is pending was asked before and not answered: the controller may come to it late, whatever it answers when it is asked again. */
  isUnanswered: boolean;
  /** Proposed to join, refused, and perhaps accepted late all the same: they count until another partition epoch rules that out. */
  lingering: readonly number[];
  /** No proposal before this time: the last one was refused for a reason that may pass. */
  notBeforeMs: number;
  readonly followers: Map<number, FollowerProgress>;
};

const nobody: readonly number[] = [];

/** How long after a refusal the next proposal waits. */
const refusalPauseMs = 1_000;

export type TermStart = {
  readonly selfId: number;
  readonly startOffset: number;
  readonly nowMs: number;
  readonly brokerEpochOf: (brokerId: number) => number;
};

/** L1: of the followers nothing is known. Members of the in-sync set have a full lag time to show themselves. */
export function startTerm(assignment: Assignment, start: TermStart): LeaderState {
  const state: LeaderState = {
    selfId: start.selfId,
    selfEpoch: start.brokerEpochOf(start.selfId),
    leaderEpoch: assignment.leaderEpoch,
    startOffset: start.startOffset,
    assignment,
    pending: null,
    isUnanswered: false,
    lingering: nobody,
    notBeforeMs: 0,
    followers: new Map(),
  };
  settleFollowers(state, start);
  return state;
}

/** The same term under a newer partition epoch: whatever was proposed on the older one can no longer be accepted, or just was. */
export function adopt(
  state: LeaderState,
  assignment: Assignment,
  at: { nowMs: number; brokerEpochOf: (brokerId: number) => number },
): void {
  assert(assignment.leaderEpoch === state.leaderEpoch, "another term has a state of its own");
  if (assignment.partitionEpoch < state.assignment.partitionEpoch) return;
  // The same epoch: an accepted proposal's own entry, which says in full what its answer said in part.
  if (assignment.partitionEpoch > state.assignment.partitionEpoch) {
    settle(state);
    state.notBeforeMs = 0;
  }
  state.assignment = assignment;
  settleFollowers(state, at);
}

function settleFollowers(
  state: LeaderState,
  { nowMs, brokerEpochOf }: { nowMs: number; brokerEpochOf: (brokerId: number) => number },
): void {
  const { followers, selfId } = state;
  const { replicas } = state.assignment;
  for (const id of followers.keys()) if (!replicas.includes(id)) followers.delete(id);
  for (const id of replicas) {
    if (id === selfId || followers.has(id)) continue;
    followers.set(id, unknownFollower(id, brokerEpochOf(id), nowMs));
  }
}

function unknownFollower(brokerId: number, brokerEpoch: number, nowMs: number): FollowerProgress {
  return {
    brokerId,
    brokerEpoch,
    logEndOffset: -1,
    lastCaughtUpMs: nowMs,
    lastFetchMs: -Infinity,
    leaderEndAtFetch: -1,
    mayGoBack: false,
    isDistrusted: false,
    atRest: null,
  };
}

/** The metadata log has a new registration of a replica's broker: what its former life said counts no more (I7). */
export function brokerRegistered(
  state: LeaderState,
  broker: { brokerId: number; epoch: number },
  nowMs: number,
): void {
  const known = state.followers.get(broker.brokerId);
  if (known === undefined || known.brokerEpoch === broker.epoch) return;
  state.followers.set(broker.brokerId, unknownFollower(broker.brokerId, broker.epoch, nowMs));
}

/** Committed in-sync set and whoever has been proposed to join; those proposed to leave count until the log has accepted. */
export function maximalIsr({ assignment, pending, lingering }: LeaderState): readonly number[] {
  const isr = pending?.kind === "expand" ? pending.isr : assignment.isr;
  const more = lingering.filter((id) => !isr.includes(id));
  return more.length === 0 ? isr : [...isr, ...more];
}

/** Nothing that was proposed can be accepted any more. */
function settle(state: LeaderState): void {
  state.pending = null;
  state.isUnanswered = false;
  state.lingering = nobody;
}

export type FollowerFetch = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly fetchOffset: number;
};

export type FetchVerdict =
  | "counted"
  /** Not a replica here. */
  | "stranger"
  /** A former life of the broker: refused. */
  | "staleBroker"
  /** A life this broker has not heard of: catch up with the metadata log, then answer. */
  | "newerBroker"
  /** It lost what it had written: no answer until it registers again. */
  | "distrusted";

/** Who asks, before anything is said about its log. */
export function checkFollower(
  state: LeaderState,
  { brokerId, brokerEpoch }: Pick<FollowerFetch, "brokerId" | "brokerEpoch">,
): FetchVerdict {
  const follower = state.followers.get(brokerId);
  if (follower === undefined) return "stranger";
  // A consumer-like reader without an epoch (-1: a follower of a version before KIP-903) is no broker of this cell.
  if (brokerEpoch < follower.brokerEpoch) return "staleBroker";
  if (brokerEpoch > follower.brokerEpoch) return "newerBroker";
  return follower.isDistrusted ? "distrusted" : "counted";
}

/** L3: a follower that `checkFollower` let pass, whose log does not diverge, has written up to its fetch offset. */
export function followerFetched(
  state: LeaderState,
  fetch: FollowerFetch,
  { leaderEnd, nowMs }: { leaderEnd: number; nowMs: number },
): "counted" | "distrusted" {
  const follower = state.followers.get(fetch.brokerId);
  assert(follower?.brokerEpoch === fetch.brokerEpoch, "checkFollower let it pass");
  if (fetch.fetchOffset < follower.logEndOffset && !follower.mayGoBack) {
    follower.isDistrusted = true;
    return "distrusted";
  }
  follower.mayGoBack = false;
  follower.logEndOffset = fetch.fetchOffset;
  if (fetch.fetchOffset >= leaderEnd) follower.lastCaughtUpMs = nowMs;
  else if (fetch.fetchOffset >= follower.leaderEndAtFetch && follower.leaderEndAtFetch !== -1) {
    // It had all that was there when it last asked.
    follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, follower.lastFetchMs);
  }
  follower.lastFetchMs = nowMs;
  follower.leaderEndAtFetch = leaderEnd;
  return "counted";
}

/** It fetched all there is, and nothing will be looked at before that changes. The result ends that; null if that fetch was not counted. */
export function restFollower(
  { followers }: LeaderState,
  fetch: Pick<FollowerFetch, "brokerId" | "fetchOffset">,
  clock: { readonly lastFetchMs: number },
): (() => void) | null {
  const follower = followers.get(fetch.brokerId);
  if (follower?.logEndOffset !== fetch.fetchOffset) return null;
  // A session that was given up may still be answered: its time stands still.
  if ((follower.atRest?.lastFetchMs ?? -Infinity) > clock.lastFetchMs) return () => undefined;
  follower.atRest = clock;
  return () => {
    if (follower.atRest !== clock) return;
    follower.atRest = null;
    follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, clock.lastFetchMs);
    follower.lastFetchMs = Math.max(follower.lastFetchMs, clock.lastFetchMs);
  };
}

const caughtUpMs = ({ lastCaughtUpMs, atRest }: FollowerProgress): number =>
  atRest === null ? lastCaughtUpMs : Math.max(lastCaughtUpMs, atRest.lastFetchMs);

/** This process stood still: nobody has had the time to show itself. */
export function forgiveLag({ followers }: LeaderState, nowMs: number): void {
  for (const follower of followers.values()) follower.lastCaughtUpMs = nowMs;
}

/** It is being told where its log leaves ours; nothing it said before changes until it asks again. */
export function followerDiverges(state: LeaderState, brokerId: number): void {
  const follower = state.followers.get(brokerId);
  if (follower !== undefined) follower.mayGoBack = true;
}

/** L4: where the high watermark may stand now; never below `current`. `minIsr`: I7's bound, as the image has it. */
export function highWatermarkOf(
  state: LeaderState,
  at: { current: number; leaderEnd: number; minIsr: number },
): number {
  const { assignment, followers, selfId } = state;
  if (assignment.isr.length < at.minIsr) return at.current;
  let end = at.leaderEnd;
  for (const id of maximalIsr(state)) {
    if (id === selfId) continue;
    const follower = followers.get(id);
    if (follower === undefined || follower.logEndOffset === -1) return at.current;
    end = Math.min(end, follower.logEndOffset);
  }
  return Math.max(at.current, end);
}

export type ProposalContext = {
  readonly nowMs: number;
  /** replica.lag.time.max.ms */
  readonly maxLagMs: number;
  readonly highWatermark: number;
  /** Registered, neither fenced nor draining. */
  readonly isActive: (brokerId: number) => boolean;
};

/** L5 and L6: what to ask of the controller next, if anything; it is pending from then on. */
export function propose(state: LeaderState, context: ProposalContext): IsrProposal | null {
  if (state.pending !== null || context.nowMs < state.notBeforeMs) return null;
  const change = shrunk(state, context) ?? expanded(state, context) ?? confirmed(state);
  if (change === null) return null;
  const { leaderEpoch, partitionEpoch } = state.assignment;
  const distrusted = [...state.followers.values()]
    .filter(({ isDistrusted }) => isDistrusted)
    .map(({ brokerId }) => brokerId);
  const brokerEpochs = change.isr.map(
    (id) => state.followers.get(id)?.brokerEpoch ?? state.selfEpoch,
  );
  state.pending = { ...change, brokerEpochs, distrusted, leaderEpoch, partitionEpoch };
  return state.pending;
}

type Change = Pick<IsrProposal, "kind" | "isr">;

function shrunk(state: LeaderState, { nowMs, maxLagMs }: ProposalContext): Change | null {
  const { isr } = state.assignment;
  const isLost = (id: number): boolean => {
    const follower = state.followers.get(id);
    if (follower === undefined) return false;
    return follower.isDistrusted || nowMs - caughtUpMs(follower) > maxLagMs;
  };
  const stay = isr.filter((id) => id === state.selfId || !isLost(id));
  return stay.length < isr.length ? { kind: "shrink", isr: stay } : null;
}

function expanded(state: LeaderState, context: ProposalContext): Change | null {
  const { isr, replicas } = state.assignment;
  const joining = replicas.filter((id) => !isr.includes(id) && mayJoin(state, id, context));
  return joining.length > 0 ? { kind: "expand", isr: [...isr, ...joining] } : null;
}

/** Not the high watermark alone: an epoch that began above it may not have been followed at all (the epoch-start rule of KAFKA-7128). */
function mayJoin(
  { followers, startOffset }: LeaderState,
  id: number,
  { highWatermark, isActive }: ProposalContext,
): boolean {
  const follower = followers.get(id);
  return (
    follower !== undefined &&
    !follower.isDistrusted &&
    follower.logEndOffset >= Math.max(highWatermark, startOffset) &&
    isActive(id)
  );
}

/**
 * Fences and registrations take members from the set, never from `lastIsr`: the leader that goes on without them says so. And where an earlier proposal may
 * yet be accepted, the same set under another partition epoch ends that.
 */
function confirmed({ assignment, lingering }: LeaderState): Change | null {
  const { isr, elr, lastIsr } = assignment;
  const hasLeft = lastIsr.some((id) => !isr.includes(id) && !elr.includes(id));
  return hasLeft || lingering.length > 0 ? { kind: "confirm", isr } : null;
}

export type ProposalAnswer =
  /** The log has it. */
  | { kind: "accepted"; partitionEpoch: number; isr: readonly number[] }
  /** It was not applied and never will be, for a reason that may pass (a member was fenced meanwhile). */
  | { kind: "refused" }
  /** Based on an older state: the newer one is on its way. */
  | { kind: "outdated" }
  /** The term is over. */
  | { kind: "fenced" }
  /** Nobody knows: a time-out, a lost connection, a controller that is none. */
  | { kind: "unknown" };

/** What the leader does next. `resend`: the same proposal again, after a pause. */
export type ProposalReaction = "done" | "resend" | "await" | "stepDown";

/** L7. `proposal` is what was asked: an answer that comes late speaks of a state that is gone. */
export function proposalAnswered(
  state: LeaderState,
  proposal: IsrProposal,
  { answer, nowMs }: { answer: ProposalAnswer; nowMs: number },
): ProposalReaction {
  if (state.pending !== proposal) return "done";
  switch (answer.kind) {
    case "accepted": {
      if (answer.partitionEpoch <= state.assignment.partitionEpoch) return "await";
      const { isr, partitionEpoch } = answer;
      const { adding, elr } = state.assignment;
      // What else the entry says (who became eligible instead) comes with the entry.
      const lastIsr = [...isr, ...elr.filter((id) => !isr.includes(id))];
      const after = { ...state.assignment, isr, partitionEpoch, lastIsr, adding };
      state.assignment = after;
      settle(state);
      return "done";
    }
    case "refused":
      if (state.isUnanswered && proposal.kind === "expand") state.lingering = proposal.isr;
      state.pending = null;
      state.isUnanswered = false;
      state.notBeforeMs = nowMs + refusalPauseMs;
      return "done";
    case "outdated":
      return "await";
    case "fenced":
      return "stepDown";
    case "unknown":
      state.isUnanswered = true;
      return "resend";
  }
}
