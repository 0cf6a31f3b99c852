import { noAssignment } from "./group.ts";
import type { Member, Protocol, Ticket } from "./group.ts";

export type JoinEvent = {
  readonly type: "join";
  readonly ticket: Ticket;
  /** Empty: the member has none yet. */
  readonly memberId: string;
  /** For a member that has none. */
  readonly newMemberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly Protocol[];
  /** v4+: a dynamic member must come back with its id before it counts (KIP-394), lest retries pile up members nobody owns. */
  readonly requiresKnownMemberId: boolean;
  /** v9+: a leader can be told to leave the assignment alone (KIP-814). */
  readonly canSkipAssignment: boolean;
};

/** The member the request makes, its join parked. */
export function memberOf(event: JoinEvent, memberId: string): Member {
  return {
    memberId,
    groupInstanceId: event.groupInstanceId,
    clientId: event.clientId,
    clientHost: event.clientHost,
    sessionTimeoutMs: event.sessionTimeoutMs,
    rebalanceTimeoutMs: event.rebalanceTimeoutMs,
    protocols: event.protocols,
    assignment: noAssignment,
    isNew: true,
    sessionDeadlineMs: 0,
    parkedJoin: event.ticket,
    parkedSync: null,
  };
}
