import type { ErrorName } from "../../protocol/errors.ts";
import type { CoordinatorError, Decision } from "../coordinator/state-machine.ts";
import type { Group, GroupStateName, Member } from "./group.ts";
import { errorOf } from "./group-context.ts";
import type { GroupContext } from "./group-context.ts";
import { groupKeyOf } from "./group-key.ts";
import { isCurrent } from "./group-shard.ts";
import type { GroupSlot } from "./group-shard.ts";
import { tombstoneBytes } from "./kept.ts";
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

/** Tombstones that travel together: well inside a batch, whatever else does. */
const budgetBytes = 128 * 1024;

/** Offsets first, a bounded number at a time, the group last: cut short, what is left is a smaller group. */
export async function deleteGroup(
  context: GroupContext,
  clusterId: string,
  groupId: string,
): Promise<ErrorName> {
  const key = groupKeyOf(clusterId, groupId);
  for (let hasBegun = false; ; hasBegun = true) {
    const outcome = await context.runtime.write(key, (shard): Deletion => {
      const slot = shard.slots.get(key);
      // Once begun, the group may lapse with the last of its offsets.
      if (slot === undefined)
        return { entries: [], reply: hasBegun ? "NONE" : "GROUP_ID_NOT_FOUND" };
      return decideDeletion(slot);
    });
    if (outcome.kind === "failed") return errorOf(outcome.error);
    if (outcome.reply !== "unfinished") return outcome.reply;
  }
}

type Deletion = Decision<GroupEntry, ErrorName | "unfinished">;

function decideDeletion(slot: GroupSlot): Deletion {
  if (slot.group.state !== "Empty" || slot.group.pendingMembers.size > 0)
    return { entries: [], reply: "NON_EMPTY_GROUP" };
  const { entries, leftBytes } = offsetTombstones(slot);
  if (leftBytes <= 0) return { entries, reply: "unfinished" };
  if (slot.kept !== null) entries.push({ type: "group", groupKey: slot.key, value: null });
  return { entries, reply: "NONE" };
}

function offsetTombstones(slot: GroupSlot): { entries: GroupEntry[]; leftBytes: number } {
  const entries: GroupEntry[] = [];
  let leftBytes = budgetBytes;
  for (const [topic, partitions] of slot.offsets) {
    for (const partition of partitions.keys()) {
      if (leftBytes <= 0) return { entries, leftBytes };
      const entry = { type: "offset", groupKey: slot.key, topic, partition, value: null } as const;
      entries.push(entry);
      leftBytes -= tombstoneBytes(entry);
    }
  }
  return { entries, leftBytes };
}

/**
 * A topic of this name was deleted: no group keeps offsets of it. What a topic made since under the same name was given stays. Done now as far as it
 * goes; the sweep finds what a shard that cannot answer leaves.
 */
export async function dropTopicOffsets(
  context: GroupContext,
  clusterId: string,
  topic: string,
): Promise<CoordinatorError | null> {
  const failures = await Promise.all(
    context.runtime.shards().map(async (shard) => {
      for (;;) {
        const outcome = await shard.write(({ slots }) =>
          decideDrop(context, slots.values(), { clusterId, topic }),
        );
        if (outcome.kind === "failed") return outcome.error;
        if (outcome.reply === "finished") return null;
      }
    }),
  );
  return failures.find((failure) => failure !== null) ?? null;
}

function decideDrop(
  context: GroupContext,
  slots: Iterable<GroupSlot>,
  dropped: { clusterId: string; topic: string },
): Decision<GroupEntry, "finished" | "unfinished"> {
  const { clusterId, topic } = dropped;
  const entries: GroupEntry[] = [];
  let leftBytes = budgetBytes;
  for (const slot of slots) {
    if (slot.clusterId !== clusterId) continue;
    for (const [partition, offset] of slot.offsets.get(topic) ?? []) {
      if (isCurrent(context.topics, slot, topic, offset)) continue;
      if (leftBytes <= 0) return { entries, reply: "unfinished" };
      const entry = { type: "offset", groupKey: slot.key, topic, partition, value: null } as const;
      entries.push(entry);
      leftBytes -= tombstoneBytes(entry);
    }
  }
  return { entries, reply: "finished" };
}
