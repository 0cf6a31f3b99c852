import { createGroup } from "./group.ts";
import type { Group, Member } from "./group.ts";
import type { KeptGroup, KeptMember } from "./kept.ts";
import { metadataFor } from "./protocols.ts";
import { subscribedTopicsOf } from "./subscription.ts";

/** The group as the log keeps it; `assignments` stand for those the members hold where given. */
export function imageOf(group: Group, assignments?: ReadonlyMap<string, Uint8Array>): KeptGroup {
  const keep = (member: Member): KeptMember => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeout: member.rebalanceTimeoutMs,
    sessionTimeout: member.sessionTimeoutMs,
    subscription: metadataFor(member, group.protocolName),
    assignment: assignments?.get(member.memberId) ?? member.assignment,
  });
  return {
    protocolType: group.protocolType ?? "",
    generation: group.generationId,
    protocol: group.protocolName,
    leader: group.leaderId,
    currentStateTimestamp: group.stateChangedMs,
    members: [...group.members.values()].map(keep),
  };
}

/** The group a kept one comes back as: its members have a whole session from now, since nobody could send heartbeats while it was loading. */
export function groupOf(kept: KeptGroup, nowMs: number): Group {
  const group = createGroup();
  group.stateChangedMs = kept.currentStateTimestamp;
  group.state = kept.members.length === 0 ? "Empty" : "Stable";
  group.protocolType = kept.protocolType === "" ? null : kept.protocolType;
  group.protocolName = kept.protocol;
  group.generationId = kept.generation;
  group.leaderId = kept.leader;
  for (const member of kept.members) {
    group.members.set(member.memberId, memberOf(member, kept.protocol, nowMs));
    if (member.groupInstanceId !== null)
      group.staticMembers.set(member.groupInstanceId, member.memberId);
  }
  group.subscribedTopics = subscribedTopicsOf(group);
  return group;
}

function memberOf(kept: KeptMember, protocol: string | null, nowMs: number): Member {
  return {
    memberId: kept.memberId,
    groupInstanceId: kept.groupInstanceId,
    clientId: kept.clientId,
    clientHost: kept.clientHost,
    sessionTimeoutMs: kept.sessionTimeout,
    rebalanceTimeoutMs: kept.rebalanceTimeout === -1 ? kept.sessionTimeout : kept.rebalanceTimeout,
    protocols: protocol === null ? [] : [{ name: protocol, metadata: kept.subscription }],
    assignment: kept.assignment,
    isNew: false,
    sessionDeadlineMs: nowMs + kept.sessionTimeout,
    parkedJoin: null,
    parkedSync: null,
  };
}
