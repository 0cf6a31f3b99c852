import type { ErrorName } from "../../protocol/errors.ts";
import { failedJoin, memberError, replyJoin, restartSession } from "./group.ts";
import type { Group, JoinReply, Member, Protocol, Step } from "./group.ts";
import { memberOf } from "./join-event.ts";
import type { JoinEvent } from "./join-event.ts";
import { acceptsProtocols, haveSameProtocols, metadataBytes } from "./protocols.ts";
import {
  completeJoinIfAllJoined,
  currentGeneration,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  removeMember,
} from "./rebalance.ts";
import { replaceStaticMember } from "./static-member.ts";

export function join(group: Group, event: JoinEvent, step: Step): void {
  const { memberId, groupInstanceId } = event;
  const predecessorId =
    memberId === "" && groupInstanceId !== null
      ? group.staticMembers.get(groupInstanceId)
      : undefined;
  const place = { memberId: predecessorId ?? memberId, protocols: event.protocols };
  if (!hasRoom(group, place.memberId, step) || !hasRoomForMetadata(group, place, step)) {
    refuse(event, failedJoin("GROUP_MAX_SIZE_REACHED", ""), step);
    giveUpPlace(group, memberId, step);
  } else if (!acceptsProtocols(group, event.protocolType, event.protocols))
    refuse(event, failedJoin("INCONSISTENT_GROUP_PROTOCOL", memberId), step);
  else if (memberId !== "") rejoin(group, event, step);
  else if (predecessorId !== undefined) replaceStaticMember(group, predecessorId, event, step);
  else if (groupInstanceId === null && event.requiresKnownMemberId)
    promisePlace(group, event, step);
  else addMember(group, event.newMemberId, event, step);
}

function refuse(event: JoinEvent, reply: JoinReply, step: Step): void {
  step.effects.push({ type: "joinReply", ticket: event.ticket, reply });
}

/** While a rebalance gathers members, those that did not come back yet do not count against those that did. */
function hasRoom(group: Group, memberId: string, step: Step): boolean {
  const known = group.members.get(memberId);
  const { maxSize } = step.config;
  if (group.state !== "PreparingRebalance")
    return known !== undefined || group.members.size < maxSize;
  if (known !== undefined && known.parkedJoin !== null) return true;
  let joinedCount = 0;
  for (const member of group.members.values()) if (member.parkedJoin !== null) joinedCount += 1;
  return joinedCount < maxSize;
}

function hasRoomForMetadata(
  group: Group,
  place: { memberId: string; protocols: readonly Protocol[] },
  step: Step,
): boolean {
  let bytes = metadataBytes(place.protocols);
  for (const member of group.members.values())
    if (member.memberId !== place.memberId) bytes += metadataBytes(member.protocols);
  return bytes <= step.config.groupMetadataMaxBytes;
}

function giveUpPlace(group: Group, memberId: string, step: Step): void {
  const member = group.members.get(memberId);
  if (member !== undefined) removeMember(group, member, step);
  else if (group.pendingMembers.delete(memberId)) completeJoinIfAllJoined(group, step);
}

function promisePlace(group: Group, event: JoinEvent, step: Step): void {
  if (group.pendingMembers.size >= step.config.maxSize)
    return refuse(event, failedJoin("GROUP_MAX_SIZE_REACHED", ""), step);
  const deadlineMs = step.time.nowMs + event.sessionTimeoutMs;
  group.pendingMembers.set(event.newMemberId, deadlineMs);
  step.effects.push({ type: "wakeBy", atMs: deadlineMs });
  refuse(event, failedJoin("MEMBER_ID_REQUIRED", event.newMemberId), step);
}

function rejoin(group: Group, event: JoinEvent, step: Step): void {
  const { memberId, groupInstanceId } = event;
  if (groupInstanceId === null && group.pendingMembers.has(memberId))
    return addMember(group, memberId, event, step);
  const error: ErrorName | null = memberError(group, memberId, groupInstanceId);
  const member = group.members.get(memberId);
  if (error !== null || member === undefined)
    return refuse(event, failedJoin(error ?? "UNKNOWN_MEMBER_ID", memberId), step);
  const isUnchanged = haveSameProtocols(member.protocols, event.protocols);
  const isLeader = group.leaderId === memberId;
  // A leader that rejoins wants a new assignment (topics changed, say). A follower that rejoins unchanged missed an answer; so did
  // anyone who rejoins unchanged before the assignment came.
  const missedAnswer =
    isUnchanged &&
    ((group.state === "Stable" && !isLeader) || group.state === "CompletingRebalance");
  parkJoin(member, event, step);
  if (missedAnswer) {
    restartSession(member, step);
    replyJoin(member, currentGeneration(group, member), step);
  } else rebalanceOrCompleteJoin(group, step);
}

/** Takes what the request says of the member and keeps the request for the answer. */
export function parkJoin(member: Member, event: JoinEvent, step: Step): void {
  // A retry on another connection: whoever waits for the first answer must not do so for ever.
  replyJoin(member, failedJoin("REBALANCE_IN_PROGRESS", member.memberId), step);
  member.parkedJoin = event.ticket;
  member.clientId = event.clientId;
  member.clientHost = event.clientHost;
  member.sessionTimeoutMs = event.sessionTimeoutMs;
  member.rebalanceTimeoutMs = event.rebalanceTimeoutMs;
  member.protocols = event.protocols;
}

function addMember(group: Group, memberId: string, event: JoinEvent, step: Step): void {
  const member = memberOf(event, memberId);
  const deadlineMs = step.time.nowMs + step.config.newMemberJoinTimeoutMs;
  member.sessionDeadlineMs = deadlineMs;
  step.effects.push({ type: "wakeBy", atMs: deadlineMs });
  if (group.members.size === 0) {
    group.protocolType = event.protocolType;
    group.leaderId = memberId;
  }
  group.pendingMembers.delete(memberId);
  group.members.set(memberId, member);
  if (event.groupInstanceId !== null) group.staticMembers.set(event.groupInstanceId, memberId);
  if (group.state === "PreparingRebalance") {
    if (group.rebalance?.kind === "initial") group.rebalance.hasNewMember = true;
    completeJoinIfAllJoined(group, step);
  } else prepareRebalance(group, step);
}
