import type { ErrorName } from "../../protocol/errors.ts";
import { int64Max } from "../../protocol/schema/types.ts";
import type { CoordinatorError, Decision, Time } from "../coordinator/state-machine.ts";
import type { GroupClient, GroupContext } from "./group-context.ts";
import { errorOf } from "./group-context.ts";
import type { Step } from "./group.ts";
import { groupIdMaxLength, groupKeyOf } from "./group-key.ts";
import { isCurrent } from "./group-shard.ts";
import type { GroupShard, GroupSlot } from "./group-shard.ts";
import type { GroupEntry, KeptOffset } from "./kept.ts";
import { admitCommit } from "./offset-commit.ts";
import type { Committer } from "./offset-commit.ts";
import { isSubscribedTo } from "./subscription.ts";

export type CommittedPartition = {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
};

export type CommitRequest = Committer & {
  readonly groupId: string;
  /** -1: as long as the group lives. */
  readonly retentionTimeMs: number;
  /** Of topics that exist. */
  readonly partitions: readonly CommittedPartition[];
};

/** An error for each partition of the request, in its order; resolves once the offsets are committed to the log. */
export async function commitOffsets(
  context: GroupContext,
  request: CommitRequest,
  client: GroupClient,
): Promise<ErrorName[]> {
  const all = (error: ErrorName) => request.partitions.map(() => error);
  // The empty group id is a group like any other here, for old consumers that commit without joining.
  if (request.groupId.length > groupIdMaxLength) return all("INVALID_GROUP_ID");
  const key = groupKeyOf(client.clusterId, request.groupId);
  const outcome = await context.runtime.write(key, (shard, time) => {
    const error = commitError(context, { key, request, client }, shard, time);
    if (error !== null) return { entries: [], reply: all(error) };
    return decideCommit(context, key, request, time);
  });
  if (outcome.kind === "done") return outcome.reply;
  return all(
    outcome.error === "RECORD_LIST_TOO_LARGE"
      ? "INVALID_COMMIT_OFFSET_SIZE"
      : errorOf(outcome.error),
  );
}

function commitError(
  context: GroupContext,
  commit: { key: string; request: CommitRequest; client: GroupClient },
  shard: GroupShard,
  time: Time,
): ErrorName | null {
  const { request, client } = commit;
  const slot = shard.slots.get(commit.key);
  if (slot === undefined) {
    if (request.generationId >= 0)
      return client.apiVersion >= 9 ? "GROUP_ID_NOT_FOUND" : "ILLEGAL_GENERATION";
    return shard.slots.size >= context.config.maxGroupsPerShard ? "POLICY_VIOLATION" : null;
  }
  // A session is only ever moved back by a commit: the wake-up it asks for is one the shard has already.
  const step: Step = { time, config: context.config, effects: [] };
  return admitCommit(slot.group, request, step);
}

function decideCommit(
  context: GroupContext,
  groupKey: string,
  request: CommitRequest,
  time: Time,
): Decision<GroupEntry, ErrorName[]> {
  const entries: GroupEntry[] = [];
  const reply = request.partitions.map((each): ErrorName => {
    if (each.metadata.length > context.config.offsetMetadataMaxBytes)
      return "OFFSET_METADATA_TOO_LARGE";
    const { topic, partition, offset, leaderEpoch, metadata, topicId } = each;
    const expireTimestamp =
      request.retentionTimeMs < 0 ? -1 : Math.min(time.wallMs + request.retentionTimeMs, int64Max);
    const value: KeptOffset = {
      offset,
      leaderEpoch,
      metadata,
      commitTimestamp: time.wallMs,
      expireTimestamp,
      topicId,
    };
    entries.push({ type: "offset", groupKey, topic, partition, value });
    return "NONE";
  });
  return { entries, reply };
}

export type FetchedOffset = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: KeptOffset;
};

export type FetchReply =
  | {
      readonly error: "NONE";
      find(topic: string, partition: number): KeptOffset | null;
      all(): FetchedOffset[];
    }
  | { readonly error: Exclude<ErrorName, "NONE"> };

/** The offsets of a group, as of when it was asked and committed when it resolves. An unknown group has none. */
export async function fetchOffsets(
  context: GroupContext,
  groupId: string,
  client: GroupClient,
  topics: readonly string[] | null,
): Promise<FetchReply> {
  const key = groupKeyOf(client.clusterId, groupId);
  const outcome = await context.runtime.read(key, (shard) => {
    const slot = shard.slots.get(key);
    return slot === undefined ? new Map<string, never>() : copyOffsets(context, slot, topics);
  });
  if (outcome.kind === "failed") return { error: fetchFailureOf(outcome.error) };
  const offsets: ReadonlyMap<string, ReadonlyMap<number, KeptOffset>> = outcome.reply;
  return {
    error: "NONE",
    find: (topic, partition) => offsets.get(topic)?.get(partition) ?? null,
    all: () =>
      [...offsets].flatMap(([topic, partitions]) =>
        [...partitions]
          .sort(([left], [right]) => left - right)
          .map(([partition, offset]) => ({ topic, partition, offset })),
      ),
  };
}

/** Consumers before 3.9 give up on COORDINATOR_NOT_AVAILABLE here and nowhere else (Kafka's GroupCoordinatorService.handleOffsetFetchException). */
function fetchFailureOf(error: CoordinatorError): Exclude<ErrorName, "NONE"> {
  if (error === "COORDINATOR_NOT_AVAILABLE") return "NOT_COORDINATOR";
  return error === "RECORD_LIST_TOO_LARGE" ? "UNKNOWN_SERVER_ERROR" : error;
}

/** Offsets as of now: they may change before the answer goes out. Those of a deleted topic's namesake are not its own. */
function copyOffsets(
  context: GroupContext,
  slot: GroupSlot,
  topics: readonly string[] | null,
): Map<string, Map<number, KeptOffset>> {
  const copy = new Map<string, Map<number, KeptOffset>>();
  for (const topic of topics ?? slot.offsets.keys()) {
    const partitions = slot.offsets.get(topic);
    if (partitions === undefined || copy.has(topic)) continue;
    const current = [...partitions].filter(([, offset]) =>
      isCurrent(context.topics, slot, topic, offset),
    );
    if (current.length > 0) copy.set(topic, new Map(current));
  }
  return copy;
}

export type DeleteOffsetsReply = {
  readonly error: ErrorName;
  /** For each partition asked for, in order; empty if `error` is one. */
  readonly partitions: readonly ErrorName[];
};

/** Of topics that exist. Offsets of a topic in use stay (KIP-496). */
export async function deleteOffsets(
  context: GroupContext,
  groupId: string,
  client: GroupClient,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): Promise<DeleteOffsetsReply> {
  const refused = (error: ErrorName): DeleteOffsetsReply => ({ error, partitions: [] });
  const key = groupKeyOf(client.clusterId, groupId);
  const outcome = await context.runtime.write(key, (shard) => {
    const slot = shard.slots.get(key);
    if (slot === undefined) return { entries: [], reply: refused("GROUP_ID_NOT_FOUND") };
    const { group } = slot;
    const isOpaque = group.protocolType !== null && group.protocolType !== "consumer";
    if (group.state !== "Empty" && isOpaque)
      return { entries: [], reply: refused("NON_EMPTY_GROUP") };
    const entries: GroupEntry[] = [];
    const results = partitions.map(({ topic, partition }): ErrorName => {
      if (isSubscribedTo(group, topic)) return "GROUP_SUBSCRIBED_TO_TOPIC";
      if (slot.offsets.get(topic)?.has(partition) === true)
        entries.push({ type: "offset", groupKey: key, topic, partition, value: null });
      return "NONE";
    });
    return { entries, reply: { error: "NONE", partitions: results } as DeleteOffsetsReply };
  });
  return outcome.kind === "done" ? outcome.reply : refused(errorOf(outcome.error));
}
