import type { ErrorName } from "../../protocol/errors.ts";
import type { CoordinatorError, Decision } from "../coordinator/state-machine.ts";
import type { Group, GroupStateName, Member } from "./group.ts";
import { errorOf } from "./group-context.ts";
import type { GroupContext } from "./group-context.ts";
import { groupKeyOf } from "./group-key.ts";
import type { GroupSlot } from "./group-shard.ts";
import type { GroupEntry } from "./kept.ts";
import { metadataFor } from "./protocols.ts";

export type ListedGroup = {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: GroupStateName;
};

/** The cluster's groups on this broker, in no particular order; clients ask every broker. An error if any shard here cannot tell. */
export function listGroups(
  context: GroupContext,
  clusterId: string,
): { error: ErrorName; groups: ListedGroup[] } {
  const groups: ListedGroup[] = [];
  for (const shard of context.runtime.shards()) {
    // Kafka's rule: a list that may lack groups says so, whatever else it holds.
    if (shard.state !== "active") return { error: "COORDINATOR_LOAD_IN_PROGRESS", groups: [] };
    shard.peek(({ slots }) => {
      for (const slot of slots.values())
        if (slot.clusterId === clusterId)
          groups.push({
            groupId: slot.groupId,
            protocolType: slot.group.protocolType ?? "",
            state: slot.group.state,
          });
    });
  }
  return { error: "NONE", groups };
}

export type DescribedGroup = {
  readonly state: GroupStateName;
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    readonly metadata: Uint8Array;
    readonly assignment: Uint8Array;
  }[];
};

/** Null group: there is none of this id. */
export async function describeGroup(
  context: GroupContext,
  clusterId: string,
  groupId: string,
): Promise<{ error: ErrorName; group: DescribedGroup | null }> {
  const key = groupKeyOf(clusterId, groupId);
  const outcome = await context.runtime.read(key, (shard) => {
    const slot = shard.slots.get(key);
    return slot === undefined ? null : describe(slot.group);
  });
  return outcome.kind === "done"
    ? { error: "NONE", group: outcome.reply }
    : { error: errorOf(outcome.error), group: null };
}

/** What members want and have is shown of a stable group only: in a rebalance neither holds. */
function describe(group: Group): DescribedGroup {
  const isStable = group.state === "Stable";
  const none = new Uint8Array(0);
  const shown = (member: Member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    metadata: isStable ? metadataFor(member, group.protocolName) : none,
    assignment: isStable ? member.assignment : none,
  });
  return {
    state: group.state,
    protocolType: group.protocolType ?? "",
    protocolName: isStable ? (group.protocolName ?? "") : "",
    members: [...group.members.values()].map(shown),
  };
}

/** Tombstones that travel together: well inside a batch at 128 bytes and more each. */
const tombstonesAtOnce = 1_000;

/** Offsets first, a bounded number at a time, the group last: cut short, what is left is a smaller group. */
export async function deleteGroup(
  context: GroupContext,
  clusterId: string,
  groupId: string,
): Promise<ErrorName> {
  const key = groupKeyOf(clusterId, groupId);
  let wasFound = false;
  for (;;) {
    const outcome = await context.runtime.write(
      key,
      (shard): Decision<GroupEntry, { error: ErrorName; isDone: boolean }> => {
        const slot = shard.slots.get(key);
        if (slot === undefined) {
          const error = wasFound ? "NONE" : "GROUP_ID_NOT_FOUND";
          return { entries: [], reply: { error, isDone: true } };
        }
        if (slot.group.state !== "Empty" || slot.group.pendingMembers.size > 0)
          return { entries: [], reply: { error: "NON_EMPTY_GROUP", isDone: true } };
        const entries = offsetTombstones(slot, () => true);
        const isDone = entries.length < tombstonesAtOnce;
        if (isDone && slot.kept !== null)
          entries.push({ type: "group", groupKey: key, value: null });
        return { entries, reply: { error: "NONE", isDone } };
      },
    );
    if (outcome.kind === "failed") return errorOf(outcome.error);
    if (outcome.reply.isDone) return outcome.reply.error;
    wasFound = true;
  }
}

function offsetTombstones(
  slot: GroupSlot,
  isWanted: (topic: string) => boolean,
  limit = tombstonesAtOnce,
): GroupEntry[] {
  const entries: GroupEntry[] = [];
  for (const [topic, partitions] of slot.offsets) {
    if (!isWanted(topic)) continue;
    for (const partition of partitions.keys()) {
      if (entries.length >= limit) return entries;
      entries.push({ type: "offset", groupKey: slot.key, topic, partition, value: null });
    }
  }
  return entries;
}

/** The topic was deleted: no group keeps offsets of it. Best effort now; the sweep finds what a failure leaves, by topic id. */
export async function dropTopicOffsets(
  context: GroupContext,
  clusterId: string,
  topic: string,
): Promise<CoordinatorError | null> {
  for (const shard of context.runtime.shards()) {
    for (let isDone = false; !isDone;) {
      const outcome = await shard.write(({ slots }) => {
        const entries: GroupEntry[] = [];
        for (const slot of slots.values()) {
          if (slot.clusterId !== clusterId || !slot.offsets.has(topic)) continue;
          const limit = tombstonesAtOnce - entries.length;
          entries.push(...offsetTombstones(slot, (name) => name === topic, limit));
          if (entries.length >= tombstonesAtOnce) break;
        }
        return { entries, reply: entries.length < tombstonesAtOnce };
      });
      if (outcome.kind === "failed") return outcome.error;
      isDone = outcome.reply;
    }
  }
  return null;
}
