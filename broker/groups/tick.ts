import type { Group, Member, Step } from "./group.ts";
import {
  afterRemoval,
  completeJoinIfAllJoined,
  endRebalanceWait,
  expel,
  prepareRebalance,
} from "./rebalance.ts";

/** Acts on every deadline that has come, and asks to be woken by the next. */
export function tick(group: Group, step: Step): void {
  expirePendingMembers(group, step);
  expireSessions(group, step);
  const { nowMs } = step.time;
  if (group.rebalance !== null && group.rebalance.deadlineMs <= nowMs)
    endRebalanceWait(group, step);
  if (group.pendingSyncDeadlineMs !== null && group.pendingSyncDeadlineMs <= nowMs)
    expirePendingSync(group, step);
  const nextMs = nextDeadlineMs(group);
  if (nextMs !== null) step.effects.push({ type: "wakeBy", atMs: nextMs });
}

function expirePendingMembers(group: Group, step: Step): void {
  const lapsed = [...group.pendingMembers].filter(
    ([, deadlineMs]) => deadlineMs <= step.time.nowMs,
  );
  for (const [memberId] of lapsed) group.pendingMembers.delete(memberId);
  if (lapsed.length > 0) completeJoinIfAllJoined(group, step);
}

/** A parked request of a known member proves it alive. That of a new one does not: it cannot tell us that it has gone. */
function canExpire(member: Member): boolean {
  return member.isNew || (member.parkedJoin === null && member.parkedSync === null);
}

function expireSessions(group: Group, step: Step): void {
  const lapsed = [...group.members.values()].filter(
    (member) => canExpire(member) && member.sessionDeadlineMs <= step.time.nowMs,
  );
  for (const member of lapsed) expel(group, member, step);
  if (lapsed.length > 0) afterRemoval(group, step);
}

/** Members that heard of the generation but never asked for their assignment would keep their partitions idle. */
function expirePendingSync(group: Group, step: Step): void {
  group.pendingSyncDeadlineMs = null;
  for (const memberId of group.pendingSync) {
    const member = group.members.get(memberId);
    if (member !== undefined) expel(group, member, step);
  }
  prepareRebalance(group, step);
}

function nextDeadlineMs(group: Group): number | null {
  let nextMs = Infinity;
  for (const deadlineMs of group.pendingMembers.values()) nextMs = Math.min(nextMs, deadlineMs);
  for (const member of group.members.values())
    if (canExpire(member)) nextMs = Math.min(nextMs, member.sessionDeadlineMs);
  if (group.rebalance !== null) nextMs = Math.min(nextMs, group.rebalance.deadlineMs);
  if (group.pendingSyncDeadlineMs !== null) nextMs = Math.min(nextMs, group.pendingSyncDeadlineMs);
  return nextMs === Infinity ? null : nextMs;
}
