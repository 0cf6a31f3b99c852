import { memberError } from "./group.ts";
import type { Group, LeaveResult, Member, Step, Ticket } from "./group.ts";
import { afterRemoval, completeJoinIfAllJoined, expel } from "./rebalance.ts";

export type LeaveEvent = {
  readonly type: "leave";
  readonly ticket: Ticket;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
  }[];
};

/** v3+ names several members; an admin names static ones by instance id alone (KIP-345). */
export function leave(group: Group, event: LeaveEvent, step: Step): void {
  const leaving: Member[] = [];
  let hasPendingLeft = false;
  const results = event.members.map((identity): LeaveResult => {
    const { memberId, groupInstanceId } = identity;
    if (group.pendingMembers.delete(memberId)) {
      hasPendingLeft = true;
      return { memberId, groupInstanceId, error: "NONE" };
    }
    const id =
      memberId === "" && groupInstanceId !== null
        ? (group.staticMembers.get(groupInstanceId) ?? "")
        : memberId;
    const error = memberError(group, id, groupInstanceId);
    const member = group.members.get(id);
    if (error !== null || member === undefined)
      return { memberId, groupInstanceId, error: error ?? "UNKNOWN_MEMBER_ID" };
    expel(group, member, step);
    leaving.push(member);
    return { memberId, groupInstanceId, error: "NONE" };
  });
  step.effects.push({ type: "leaveReply", ticket: event.ticket, results });
  if (leaving.length > 0) afterRemoval(group, step);
  else if (hasPendingLeft) completeJoinIfAllJoined(group, step);
}
