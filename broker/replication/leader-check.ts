import type { ErrorName } from "../../protocol/errors.ts";
import type { Partition } from "./partition.ts";
import type { LocalTopic } from "./topic-table.ts";

/** Kafka's value for "the client does not say which leader epoch it knows". */
const unspecifiedEpoch = -1;

/**
 * The partition, if this broker leads it in the epoch the client believes in (KIP-320): an older one is fenced, so that a client never reads from a
 * leader whose log it does not continue; a newer one means that this broker has yet to hear of its own election.
 */
export function checkLeader(
  topic: LocalTopic | undefined,
  index: number,
  currentLeaderEpoch: number = unspecifiedEpoch,
): { kind: "leader"; partition: Partition } | { kind: "refused"; error: ErrorName } {
  if (topic?.topic.partitions[index] === undefined)
    return { kind: "refused", error: "UNKNOWN_TOPIC_OR_PARTITION" };
  const partition = topic.partitions[index];
  if (partition !== undefined && partition.log.failure !== null)
    return { kind: "refused", error: "KAFKA_STORAGE_ERROR" };
  if (partition === undefined || !partition.isLeader)
    return { kind: "refused", error: "NOT_LEADER_OR_FOLLOWER" };
  if (currentLeaderEpoch !== unspecifiedEpoch && currentLeaderEpoch < partition.leaderEpoch) {
    return { kind: "refused", error: "FENCED_LEADER_EPOCH" };
  }
  if (currentLeaderEpoch > partition.leaderEpoch)
    return { kind: "refused", error: "UNKNOWN_LEADER_EPOCH" };
  return { kind: "leader", partition };
}

/**
 * The same for a consumer that may read from a follower (KIP-392: it said in which rack it is). A follower judges by the epoch the image has; up to its
 * own high watermark what it holds is what the leader holds.
 */
export function checkReplica(
  topic: LocalTopic | undefined,
  index: number,
  currentLeaderEpoch: number = unspecifiedEpoch,
): ReturnType<typeof checkLeader> {
  const state = topic?.topic.partitions[index];
  const partition = topic?.partitions[index];
  if (state === undefined || partition === undefined || partition.isLeader)
    return checkLeader(topic, index, currentLeaderEpoch);
  if (partition.log.failure !== null) return { kind: "refused", error: "KAFKA_STORAGE_ERROR" };
  if (currentLeaderEpoch !== unspecifiedEpoch && currentLeaderEpoch < state.leaderEpoch)
    return { kind: "refused", error: "FENCED_LEADER_EPOCH" };
  if (currentLeaderEpoch > state.leaderEpoch)
    return { kind: "refused", error: "UNKNOWN_LEADER_EPOCH" };
  return { kind: "leader", partition };
}
