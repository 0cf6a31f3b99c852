import type { Image, Partition } from "../image/image.ts";
import { findBroker } from "./broker-ref.ts";
import type { BrokerErrorCode, BrokerRef } from "./broker-ref.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import { accepted } from "./command.ts";
import { numbered, remembered, surroundings, withIsr } from "./membership.ts";
import type { Surroundings } from "./membership.ts";
import { createRoom, recordsOf } from "./partition-changes.ts";
import type { PartitionChange, Room } from "./partition-changes.ts";
import { completed } from "./replica-moves.ts";
import { rules as allRules } from "./rules.ts";
import type { Rules } from "./rules.ts";

/** The in-sync set a leader wants, and on which state it wants it. */
export type ProposedIsr = {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** The leader included, each member in the life its fetches come from. */
  readonly isr: readonly BrokerRef[];
  /** Members whose disk went back while they ran (L3): they leave the eligible ones too. */
  readonly distrusted?: readonly number[];
};

export type AlterPartitionRequest = BrokerRef & { readonly partitions: readonly ProposedIsr[] };

/** Kafka's codes for what can be wrong with one partition of an AlterPartition. */
export type AlterPartitionErrorCode =
  | "UNKNOWN_TOPIC_ID"
  | "UNKNOWN_TOPIC_OR_PARTITION"
  | "NOT_CONTROLLER"
  | "FENCED_LEADER_EPOCH"
  | "INVALID_UPDATE_VERSION"
  | "INVALID_REQUEST"
  | "INELIGIBLE_REPLICA"
  | "NEW_LEADER_ELECTED"
  | "OPERATION_NOT_ATTEMPTED";

export type AlteredPartition = {
  readonly topicId: string;
  readonly index: number;
  readonly error: AlterPartitionErrorCode | null;
  /** As it is after the request, where it exists. */
  readonly partition: Partition | null;
};

export type AlterPartitionOutcome =
  | { readonly kind: "done"; readonly partitions: readonly AlteredPartition[] }
  | Rejection<BrokerErrorCode>;

/**
 * What leaders say about their in-sync sets (replication.md L5-L7), of several brokers at once so that a restart's hundreds of requests share entries.
 * Each partition is accepted or refused by itself, on exactly the state its leader knew. A move whose target is in sync ends with it (C6). What one entry
 * cannot hold is OPERATION_NOT_ATTEMPTED, and asked again.
 */
export function alterPartitions(
  image: Image,
  requests: readonly AlterPartitionRequest[],
  context: Pick<CommandContext, "rules">,
): Decision<AlterPartitionOutcome[], never> {
  const { rules = allRules } = context;
  const draft: Draft = { image, rules, room: createRoom(image), changes: [], pending: new Map() };
  const outcomes = requests.map((request): AlterPartitionOutcome => {
    const found = findBroker(image, request);
    if (found.kind === "rejected") return found;
    const partitions = request.partitions.map((proposed) => alterOne(draft, request, proposed));
    return { kind: "done", partitions };
  });
  return accepted(recordsOf(image, draft.changes), outcomes);
}

type Draft = {
  readonly image: Image;
  readonly rules: Rules;
  /** Null once the entry is full: a hundred brokers may ask for ten times what it holds, and each entry that goes by would have all of it decided. */
  room: Room | null;
  readonly changes: PartitionChange[];
  /** Changed by an earlier request of the same entry. */
  readonly pending: Map<Partition, Partition>;
};

function alterOne(
  draft: Draft,
  { brokerId }: AlterPartitionRequest,
  proposed: ProposedIsr,
): AlteredPartition {
  const { topicId, index } = proposed;
  const { image, rules } = draft;
  const refuse = (error: AlterPartitionErrorCode, partition: Partition | null) => {
    return { topicId, index, error, partition };
  };
  if (draft.room === null) return refuse("OPERATION_NOT_ATTEMPTED", null);
  const topic = image.topics.get(topicId);
  if (topic === undefined) return refuse("UNKNOWN_TOPIC_ID", null);
  const stored = topic.partitions[index];
  if (stored === undefined) return refuse("UNKNOWN_TOPIC_OR_PARTITION", null);
  const partition = draft.pending.get(stored) ?? stored;
  const wrong =
    staleness(partition, brokerId, proposed) ?? ineligibility(draft, partition, proposed);
  if (wrong !== null) return refuse(wrong, partition);
  // One entry holds a partition once: the second change waits for the next.
  if (partition !== stored) return refuse("INVALID_UPDATE_VERSION", partition);
  const around = surroundings(image, topic, { rules });
  const after = numbered(partition, proposedState(partition, proposed, around), { rules });
  const change = { topicId, before: stored, after };
  if (!draft.room.takes(change)) {
    draft.room = null;
    return refuse("OPERATION_NOT_ATTEMPTED", null);
  }
  draft.pending.set(stored, after);
  draft.changes.push(change);
  // KIP-841: the request was accepted, and ended its sender's term, as the end of a move does.
  const isNewTerm = after.leaderEpoch !== partition.leaderEpoch;
  return { topicId, index, error: isNewTerm ? "NEW_LEADER_ELECTED" : null, partition: after };
}

/** Kafka's order (ReplicationControlManager.validateAlterPartitionData): who knows more than the log, who less, who does not lead, who is late. */
function staleness(
  partition: Partition,
  brokerId: number,
  proposed: ProposedIsr,
): AlterPartitionErrorCode | null {
  const { leaderEpoch, partitionEpoch } = proposed;
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) {
    return "NOT_CONTROLLER";
  }
  if (leaderEpoch < partition.leaderEpoch) return "FENCED_LEADER_EPOCH";
  if (partition.leader !== brokerId) return "INVALID_REQUEST";
  return partitionEpoch < partition.partitionEpoch ? "INVALID_UPDATE_VERSION" : null;
}

function ineligibility(
  { image, rules }: Draft,
  partition: Partition,
  { isr, distrusted = [] }: ProposedIsr,
): AlterPartitionErrorCode | null {
  const ids = isr.map(({ brokerId }) => brokerId);
  const isSet = new Set(ids).size === ids.length;
  const areReplicas = ids.every((id) => partition.replicas.includes(id));
  if (!isSet || !areReplicas || !ids.includes(partition.leader)) return "INVALID_REQUEST";
  if (ids.some((id) => distrusted.includes(id))) return "INVALID_REQUEST";
  const isEligible = ({ brokerId, brokerEpoch }: BrokerRef) => {
    const broker = image.brokers.get(brokerId);
    if (broker === undefined || broker.state === "fenced") return false;
    // KIP-903: it may have lost, at its restart, what the leader has seen it hold.
    if (rules.checksBrokerEpochs && broker.epoch !== brokerEpoch) return false;
    // A draining member stays while it is needed; none is added.
    return broker.state === "active" || partition.isr.includes(brokerId);
  };
  return isr.every(isEligible) ? null : "INELIGIBLE_REPLICA";
}

function proposedState(
  partition: Partition,
  { isr, distrusted = [] }: ProposedIsr,
  around: Surroundings,
): Partition {
  const members = isr.map(({ brokerId }) => brokerId);
  const isUnclean = (id: number) => distrusted.includes(id);
  const altered = remembered(withIsr(partition, members, { around, isUnclean }));
  return completed(altered, around);
}
