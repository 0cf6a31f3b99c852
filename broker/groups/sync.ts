import type { ErrorName } from "../../protocol/errors.ts";
import {
  enterState,
  failedSync,
  memberError,
  noAssignment,
  replySync,
  restartSession,
} from "./group.ts";
import type { Group, Member, Step, SyncReply, Ticket } from "./group.ts";
import { imageOf } from "./group-image.ts";
import { dropAssignments, prepareRebalance } from "./rebalance.ts";

export type SyncEvent = {
  readonly type: "sync";
  readonly ticket: Ticket;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  /** v5+, else null: what the member believes the group runs. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: ReadonlyMap<string, Uint8Array>;
};

export function sync(group: Group, event: SyncEvent, step: Step): void {
  const error = syncError(group, event);
  const member = group.members.get(event.memberId);
  if (error !== null || member === undefined) {
    const reply = failedSync(error ?? "UNKNOWN_MEMBER_ID");
    step.effects.push({ type: "syncReply", ticket: event.ticket, reply });
    return;
  }
  // A retry on another connection: the first request must not wait for ever.
  replySync(member, failedSync("REBALANCE_IN_PROGRESS"), step);
  member.parkedSync = event.ticket;
  group.pendingSync.delete(member.memberId);
  if (group.pendingSync.size === 0) group.pendingSyncDeadlineMs = null;
  if (group.state === "Stable") answer(group, member, step);
  else if (group.leaderId === member.memberId && group.assigning === null)
    assign(group, event.assignments, step);
}

function syncError(group: Group, event: SyncEvent): ErrorName | null {
  const unknown = memberError(group, event.memberId, event.groupInstanceId);
  if (unknown !== null) return unknown;
  if (event.generationId !== group.generationId) return "ILLEGAL_GENERATION";
  const { protocolType, protocolName } = event;
  if (
    (protocolType !== null && protocolType !== group.protocolType) ||
    (protocolName !== null && protocolName !== group.protocolName)
  )
    return "INCONSISTENT_GROUP_PROTOCOL";
  return group.state === "PreparingRebalance" ? "REBALANCE_IN_PROGRESS" : null;
}

/** The assignment is committed before anybody hears of it: a coordinator that loads the log must not know less than a member. */
function assign(group: Group, given: ReadonlyMap<string, Uint8Array>, step: Step): void {
  const assignments = new Map<string, Uint8Array>();
  for (const memberId of group.members.keys())
    assignments.set(memberId, given.get(memberId) ?? noAssignment);
  group.assigning = { generationId: group.generationId, assignments };
  step.effects.push({
    type: "keep",
    image: imageOf(group, assignments),
    onKept: { type: "assignmentKept", generationId: group.generationId },
  });
}

export function endAssignment(
  group: Group,
  event: { generationId: number; error: ErrorName | null },
  step: Step,
): void {
  const { assigning } = group;
  // Members may have come or gone while it was committed: that rebalance has answered the syncs.
  if (assigning === null || assigning.generationId !== event.generationId) return;
  group.assigning = null;
  if (event.error !== null) {
    dropAssignments(group, event.error, step);
    prepareRebalance(group, step);
    return;
  }
  enterState(group, "Stable", step);
  for (const member of group.members.values()) {
    member.assignment = assigning.assignments.get(member.memberId) ?? noAssignment;
    if (member.parkedSync !== null) answer(group, member, step);
  }
}

function answer(group: Group, member: Member, step: Step): void {
  const reply: SyncReply = {
    error: "NONE",
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
  restartSession(member, step);
  replySync(member, reply, step);
}
