import assert from "node:assert/strict";
import {
  enterState,
  failedJoin,
  failedSync,
  noAssignment,
  rebalanceTimeoutMs,
  replyJoin,
  replySync,
  restartSession,
} from "./group.ts";
import type { Group, JoinReply, Member, Step } from "./group.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { imageOf } from "./group-image.ts";
import { metadataFor, selectProtocol } from "./protocols.ts";
import { subscribedTopicsOf } from "./subscription.ts";

/** Everybody must join again: asked for by whatever changes the members or what they want. */
export function rebalanceOrCompleteJoin(group: Group, step: Step): void {
  if (group.state === "PreparingRebalance") completeJoinIfAllJoined(group, step);
  else prepareRebalance(group, step);
}

export function prepareRebalance(group: Group, step: Step): void {
  const { nowMs } = step.time;
  if (group.state === "CompletingRebalance") dropAssignments(group, "REBALANCE_IN_PROGRESS", step);
  group.assigning = null;
  group.pendingSync.clear();
  group.pendingSyncDeadlineMs = null;
  const wasEmpty = group.state === "Empty";
  const timeoutMs = rebalanceTimeoutMs(group);
  enterState(group, "PreparingRebalance", step);
  if (wasEmpty) {
    // Consumers of one application start together: one rebalance with all of them is cheaper than one for each.
    const delayMs = Math.min(step.config.initialRebalanceDelayMs, timeoutMs);
    group.rebalance = {
      kind: "initial",
      deadlineMs: nowMs + delayMs,
      delayMs,
      remainingMs: timeoutMs - delayMs,
      hasNewMember: false,
    };
    step.effects.push({ type: "wakeBy", atMs: group.rebalance.deadlineMs });
    if (delayMs <= 0) completeJoin(group, step);
    return;
  }
  awaitMembers(group, step);
  completeJoinIfAllJoined(group, step);
}

function awaitMembers(group: Group, step: Step, minimumMs = 0): void {
  const deadlineMs = step.time.nowMs + Math.max(rebalanceTimeoutMs(group), minimumMs);
  group.rebalance = { kind: "ordinary", deadlineMs };
  step.effects.push({ type: "wakeBy", atMs: deadlineMs });
}

export function completeJoinIfAllJoined(group: Group, step: Step): void {
  if (group.rebalance?.kind !== "ordinary" || group.pendingMembers.size > 0) return;
  for (const member of group.members.values()) if (member.parkedJoin === null) return;
  completeJoin(group, step);
}

/** The rebalance deadline has come. */
export function endRebalanceWait(group: Group, step: Step): void {
  const { rebalance } = group;
  assert(rebalance !== null, "only a rebalance has a deadline");
  if (rebalance.kind === "initial" && rebalance.hasNewMember && rebalance.remainingMs > 0) {
    // Members are still arriving: wait as long again, but never beyond the rebalance timeout.
    const delayMs = Math.min(step.config.initialRebalanceDelayMs, rebalance.remainingMs);
    rebalance.deadlineMs = step.time.nowMs + delayMs;
    rebalance.remainingMs -= delayMs;
    rebalance.delayMs = delayMs;
    rebalance.hasNewMember = false;
    step.effects.push({ type: "wakeBy", atMs: rebalance.deadlineMs });
    return;
  }
  completeJoin(group, step);
}

/** Members may name a rebalance timeout of nothing: without this, waiting that long again and again would be a busy loop. */
const staticMembersCheckMs = 1_000;

function completeJoin(group: Group, step: Step): void {
  // Static members may be restarting and stay until their session ends (KIP-345).
  for (const member of group.members.values())
    if (member.parkedJoin === null && member.groupInstanceId === null) forget(group, member);
  if (group.members.size > 0 && !electJoinedLeader(group)) {
    // Only static members that have not come back: wait on until they do or their sessions end.
    awaitMembers(group, step, staticMembersCheckMs);
    return;
  }
  group.generationId += 1;
  if (group.members.size === 0) becomeEmpty(group, step);
  else beginGeneration(group, step);
}

function becomeEmpty(group: Group, step: Step): void {
  group.protocolName = null;
  group.leaderId = null;
  group.subscribedTopics = new Set();
  enterState(group, "Empty", step);
  step.effects.push({ type: "keep", image: imageOf(group), onKept: null });
}

function beginGeneration(group: Group, step: Step): void {
  group.protocolName = selectProtocol(group);
  assert(group.protocolName !== null, "members without a common protocol are not let in");
  group.subscribedTopics = subscribedTopicsOf(group);
  enterState(group, "CompletingRebalance", step);
  group.pendingSyncDeadlineMs = step.time.nowMs + rebalanceTimeoutMs(group);
  step.effects.push({ type: "wakeBy", atMs: group.pendingSyncDeadlineMs });
  for (const member of group.members.values()) {
    member.assignment = noAssignment;
    // A static member that has not come back has until its session ends, counted from when it was last heard of.
    if (member.parkedJoin === null) continue;
    member.isNew = false;
    group.pendingSync.add(member.memberId);
    restartSession(member, step);
    replyJoin(member, currentGeneration(group, member), step);
  }
}

function electJoinedLeader(group: Group): boolean {
  const leader = group.leaderId === null ? undefined : group.members.get(group.leaderId);
  if (leader !== undefined && leader.parkedJoin !== null) return true;
  for (const member of group.members.values()) {
    if (member.parkedJoin === null) continue;
    group.leaderId = member.memberId;
    return true;
  }
  return false;
}

/** What a member of the current generation is told; only the leader needs to know the others. */
export function currentGeneration(group: Group, member: Member): JoinReply {
  return {
    error: "NONE",
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? "",
    skipAssignment: false,
    memberId: member.memberId,
    members: group.leaderId === member.memberId ? membersForLeader(group) : [],
  };
}

export function membersForLeader(group: Group): JoinReply["members"] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: metadataFor(member, group.protocolName),
  }));
}

/** Parked syncs are answered with `error`: there will be no assignment for this generation. */
export function dropAssignments(group: Group, error: ErrorName, step: Step): void {
  for (const member of group.members.values()) {
    member.assignment = noAssignment;
    if (member.parkedSync === null) continue;
    restartSession(member, step);
    replySync(member, failedSync(error), step);
  }
}

/** The member is gone: whatever it has parked is answered, and the others rebalance. */
export function removeMember(group: Group, member: Member, step: Step): void {
  expel(group, member, step);
  afterRemoval(group, step);
}

/** As removeMember, for several at once: the caller calls afterRemoval when it has expelled them all. */
export function expel(group: Group, member: Member, step: Step): void {
  replyJoin(member, failedJoin("UNKNOWN_MEMBER_ID", ""), step);
  replySync(member, failedSync("UNKNOWN_MEMBER_ID"), step);
  forget(group, member);
}

export function afterRemoval(group: Group, step: Step): void {
  if (group.state !== "Empty") rebalanceOrCompleteJoin(group, step);
}

function forget(group: Group, member: Member): void {
  group.members.delete(member.memberId);
  group.pendingSync.delete(member.memberId);
  if (
    member.groupInstanceId !== null &&
    group.staticMembers.get(member.groupInstanceId) === member.memberId
  )
    group.staticMembers.delete(member.groupInstanceId);
  if (group.leaderId === member.memberId)
    group.leaderId = group.members.keys().next().value ?? null;
}
