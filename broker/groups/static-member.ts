import assert from "node:assert/strict";
import type { ErrorName } from "../../protocol/errors.ts";
import { failedJoin, failedSync, replyJoin, replySync, restartSession } from "./group.ts";
import type { Group, JoinReply, Member, Step } from "./group.ts";
import { imageOf } from "./group-image.ts";
import { memberOf } from "./join-event.ts";
import type { JoinEvent } from "./join-event.ts";
import { selectProtocol } from "./protocols.ts";
import {
  completeJoinIfAllJoined,
  currentGeneration,
  membersForLeader,
  prepareRebalance,
} from "./rebalance.ts";
import { haveSameSubscription } from "./subscription.ts";

/**
 * A restarted static member (KIP-345) comes without a member id: it gets a new one and takes over its predecessor's place and assignment; the
 * predecessor is fenced. Nobody rebalances if the group is stable and the member wants what it wanted before.
 */
export function replaceStaticMember(
  group: Group,
  predecessorId: string,
  event: JoinEvent,
  step: Step,
): void {
  const predecessor = group.members.get(predecessorId);
  assert(predecessor !== undefined, "an instance id names a member");
  const member = memberOf(event, event.newMemberId);
  member.isNew = false;
  member.assignment = predecessor.assignment;
  const oldLeaderId = group.leaderId;
  takePlace(group, predecessor, member, step);
  restartSession(member, step);
  if (group.state === "PreparingRebalance") return completeJoinIfAllJoined(group, step);
  const isUnchanged =
    group.state === "Stable" &&
    selectProtocol(group) === group.protocolName &&
    haveSameSubscription(predecessor, member, group);
  if (!isUnchanged) return prepareRebalance(group, step);
  const reply = takeoverReply(group, member, oldLeaderId, event);
  step.effects.push({
    type: "keep",
    image: imageOf(group),
    onKept: { type: "replacementKept", memberId: member.memberId, reply },
  });
}

/** The new member id is in the log: a coordinator that loads it will know the member. */
export function answerReplacement(
  group: Group,
  event: { memberId: string; reply: JoinReply; error: ErrorName | null },
  step: Step,
): void {
  const member = group.members.get(event.memberId);
  // A rebalance began meanwhile, or somebody replaced this one in turn: the join is answered by that.
  if (member === undefined || group.state !== "Stable") return;
  restartSession(member, step);
  const { error, reply } = event;
  replyJoin(member, error === null ? reply : failedJoin(error, event.memberId), step);
}

/** Keeps the predecessor's place in the order. */
function takePlace(group: Group, predecessor: Member, member: Member, step: Step): void {
  replyJoin(predecessor, failedJoin("FENCED_INSTANCE_ID", predecessor.memberId), step);
  replySync(predecessor, failedSync("FENCED_INSTANCE_ID"), step);
  const members = [...group.members.values()];
  group.members.clear();
  for (const each of members) {
    const kept = each === predecessor ? member : each;
    group.members.set(kept.memberId, kept);
  }
  group.pendingSync.delete(predecessor.memberId);
  if (member.groupInstanceId !== null)
    group.staticMembers.set(member.groupInstanceId, member.memberId);
  if (group.leaderId === predecessor.memberId) group.leaderId = member.memberId;
}

function takeoverReply(
  group: Group,
  member: Member,
  oldLeaderId: string | null,
  event: JoinEvent,
): JoinReply {
  const isLeader = group.leaderId === member.memberId;
  const reply = { ...currentGeneration(group, member), members: [] };
  // KIP-814: the leader learns who is there, so that it can watch their topics, but is told to leave the assignment alone. Older clients
  // would assign anew if they found themselves leading, so they are told the old leader's id: a follower just asks for its assignment.
  if (event.canSkipAssignment)
    return {
      ...reply,
      skipAssignment: isLeader,
      members: isLeader ? membersForLeader(group) : [],
    };
  return { ...reply, leader: oldLeaderId ?? "" };
}
