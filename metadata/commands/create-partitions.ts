import { activeIn } from "../image/image.ts";
import type { Image, Topic } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import { replicationFactorOf } from "../settings/topic-settings.ts";
import { accepted, rejected } from "./command.ts";
import type { Decision, Rejection } from "./command.ts";
import { checkPartitionCount } from "./create-topics.ts";
import {
  checkAssignments,
  chooseReplicas,
  firstLeaderEpoch,
  newPartition,
  newPartitionsDraft,
} from "./new-partitions.ts";
import type { Placement } from "../placement/placement.ts";
import { checkClusterOpen, checkItemCount, findTopic, namedTwice } from "./topic-outcome.ts";
import type { Outcome, TopicErrorCode } from "./topic-outcome.ts";

export type PartitionsRequest = {
  readonly name: string;
  /** The new total. */
  readonly partitionCount: number;
  /** Replicas of the partitions that are added, in the order of their indexes. */
  readonly assignments?: readonly (readonly number[])[];
};

export type CreatePartitionsRequest = {
  readonly clusterId: string;
  readonly topics: readonly PartitionsRequest[];
  readonly isValidateOnly?: boolean;
};

export type GrownTopic = {
  readonly topicId: string;
  readonly name: string;
  readonly partitionCount: number;
};

/** Kafka's CreatePartitions: each topic by itself succeeds or fails. */
export function createPartitions(
  image: Image,
  request: CreatePartitionsRequest,
): Decision<Outcome<GrownTopic>[], TopicErrorCode> {
  const tooMany = checkItemCount(request.topics, "topics");
  if (tooMany !== null) return tooMany;
  const closed = checkClusterOpen(image, request.clusterId);
  const draft: Draft = { placement: newPartitionsDraft(image), newPartitionCount: 0 };
  const names = request.topics.map(({ name }) => name);
  const records: MetadataRecord[] = [];
  const outcomes = request.topics.map((topic): Outcome<GrownTopic> => {
    if (closed !== null) return closed;
    if (names.indexOf(topic.name) !== names.lastIndexOf(topic.name)) {
      return namedTwice(topic.name);
    }
    const found = findTopic(image, request.clusterId, { name: topic.name });
    if (found.kind === "rejected") return found;
    const decided = decideGrowth(image, found.topic, { request: topic, draft });
    if (decided.kind === "rejected") return decided;
    records.push(decided.record);
    const { topicId, name } = found.topic;
    return { kind: "done", topicId, name, partitionCount: topic.partitionCount };
  });
  return accepted(request.isValidateOnly === true ? [] : records, outcomes);
}

type Draft = { readonly placement: Placement; newPartitionCount: number };

function decideGrowth(
  image: Image,
  topic: Topic,
  { request, draft }: { request: PartitionsRequest; draft: Draft },
): { kind: "decided"; record: MetadataRecord } | Rejection<TopicErrorCode> {
  const current = topic.partitions.length;
  const added = request.partitionCount - current;
  const wrong = checkGrowth(image, topic, { request, draft });
  if (wrong !== null) return wrong;
  const factor = replicationFactorOf(topic);
  let replicas: readonly (readonly number[])[];
  if (request.assignments === undefined) {
    replicas = chooseReplicas(draft.placement, added, factor);
  } else {
    const assignments = request.assignments.map((brokerIds, position) => ({
      index: current + position,
      brokerIds,
    }));
    const checked = checkAssignments(image, assignments, current);
    if (checked.kind === "rejected") return checked;
    replicas = checked.replicas;
  }
  draft.newPartitionCount += added;
  const leaderEpoch = firstLeaderEpoch(image, topic.clusterId);
  const partitions = replicas.map((brokerIds, position) =>
    newPartition({ index: current + position, replicas: brokerIds, leaderEpoch }, activeIn(image)),
  );
  return {
    kind: "decided",
    record: { kind: "partitionsAdded", topicId: topic.topicId, partitions },
  };
}

function checkGrowth(
  image: Image,
  topic: Topic,
  { request, draft }: { request: PartitionsRequest; draft: Draft },
): Rejection<TopicErrorCode> | null {
  const { partitionCount, assignments } = request;
  const current = topic.partitions.length;
  if (Number.isInteger(partitionCount) && partitionCount > 0 && partitionCount <= current) {
    const message =
      partitionCount === current
        ? `Topic already has ${current} partition(s).`
        : `The topic ${topic.name} currently has ${current} partition(s); ${partitionCount} would not be an increase.`;
    return rejected("INVALID_PARTITIONS", message, "partitions_count");
  }
  // The total is judged against the topic's limit, only what is added against the request's and the cell's.
  const wrongTotal = checkPartitionCount(image, partitionCount, {
    newPartitionCount: draft.newPartitionCount - current,
  });
  if (wrongTotal !== null) return wrongTotal;
  const added = partitionCount - current;
  if (assignments !== undefined && assignments.length !== added) {
    const message = `Attempted to add ${added} additional partition(s), but ${assignments.length} assignment(s) were specified.`;
    return rejected("INVALID_REPLICA_ASSIGNMENT", message, "replicas_assignments");
  }
  const factor = replicationFactorOf(topic);
  const odd = assignments?.find((brokerIds) => brokerIds.length !== factor);
  if (odd === undefined) return null;
  const message = `an assignment has ${odd.length} replicas; the topic's partitions have ${factor}`;
  return rejected("INVALID_REPLICA_ASSIGNMENT", message, "replicas_assignments");
}
