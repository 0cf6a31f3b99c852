import { activeIn, collisionKey, systemClusterId, topicCountOfCluster } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { isSleeping } from "../image/seals.ts";
import { limits } from "../limits.ts";
import { defaultReplicationFactor } from "../placement/placement.ts";
import type { MetadataRecord } from "../records/table.ts";
import { brokerSettings } from "../settings/broker-settings.ts";
import { checkTopicConfigs, clusterDefaultsOf, withoutNulls } from "../settings/topic-settings.ts";
import type { Configs } from "../settings/topic-settings.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import {
  checkAssignments,
  chooseReplicas,
  firstLeaderEpoch,
  newPartition,
  newPartitionsDraft,
} from "./new-partitions.ts";
import type { Placement } from "../placement/placement.ts";
import type { Assignment } from "./new-partitions.ts";
import { isInternalTopicName, topicNameProblem } from "./topic-name.ts";
import { checkClusterOpen, checkItemCount, namedTwice, onlyOutcome } from "./topic-outcome.ts";
import type { Outcome, TopicErrorCode } from "./topic-outcome.ts";

export type NewTopic = {
  readonly name: string;
  /** Absent or -1: the cluster's num.partitions. */
  readonly partitionCount?: number;
  /** Absent or -1: the cluster's default.replication.factor. */
  readonly replicationFactor?: number;
  /** Replicas by hand; then neither count may be given. */
  readonly assignments?: readonly Assignment[];
  readonly configs?: Readonly<Record<string, string | null>>;
};

export type CreateTopicsRequest = {
  readonly clusterId: string;
  readonly topics: readonly NewTopic[];
  readonly isValidateOnly?: boolean;
};

export type CreatedTopic = {
  readonly topicId: string;
  readonly name: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** Its own settings as stored. */
  readonly configs: Configs;
};

/** Kafka's CreateTopics: each topic by itself succeeds or fails. */
export function createTopics(
  image: Image,
  request: CreateTopicsRequest,
  context: CommandContext,
): Decision<Outcome<CreatedTopic>[], TopicErrorCode> {
  const tooMany = checkItemCount(request.topics, "topics");
  if (tooMany !== null) return tooMany;
  const closed = checkClusterOpen(image, request.clusterId);
  const draft = createDraft(image, request);
  const records: MetadataRecord[] = [];
  const outcomes = request.topics.map((topic): Outcome<CreatedTopic> => {
    if (closed !== null) return closed;
    const decided = decideTopic(image, { topic, draft, context });
    if (decided.kind === "rejected") return decided;
    records.push(decided.record);
    return { kind: "done", ...decided.created };
  });
  return accepted(request.isValidateOnly === true ? [] : records, outcomes);
}

/** One topic, for callers that have one. */
export function createTopic(
  image: Image,
  request: { clusterId: string; topic: NewTopic; isValidateOnly?: boolean },
  context: CommandContext,
): Decision<CreatedTopic, TopicErrorCode> {
  const { topic, ...rest } = request;
  return onlyOutcome(createTopics(image, { ...rest, topics: [topic] }, context));
}

/** What the topics of one request already take, on top of the image. */
type Draft = {
  readonly clusterId: string;
  readonly duplicates: ReadonlySet<string>;
  readonly collisionKeys: Map<string, string>;
  readonly placement: Placement;
  topicCount: number;
  newPartitionCount: number;
};

function createDraft(image: Image, { clusterId, topics }: CreateTopicsRequest): Draft {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const { name } of topics) {
    if (seen.has(name)) duplicates.add(name);
    seen.add(name);
  }
  return {
    clusterId,
    duplicates,
    collisionKeys: new Map(),
    placement: newPartitionsDraft(image),
    topicCount: topicCountOfCluster(image, clusterId),
    newPartitionCount: 0,
  };
}

type TopicDecision =
  | {
      kind: "decided";
      record: MetadataRecord & { kind: "topic" };
      created: CreatedTopic;
    }
  | Rejection<TopicErrorCode>;

type TopicInput = { topic: NewTopic; draft: Draft; context: CommandContext };

function decideTopic(image: Image, { topic, draft, context }: TopicInput): TopicDecision {
  const wrongName = checkNewName(image, topic.name, draft);
  if (wrongName !== null) return wrongName;
  const configs = checkNewConfigs(topic.configs ?? {}, clusterDefaultsOf(image, draft.clusterId));
  if (configs.kind === "rejected") return configs;
  const replicas = decideReplicas(image, topic, draft);
  if (replicas.kind === "rejected") return replicas;
  const leaderEpoch = firstLeaderEpoch(image, draft.clusterId);
  const record: MetadataRecord & { kind: "topic" } = {
    kind: "topic",
    topicId: context.uuid(),
    clusterId: draft.clusterId,
    name: topic.name,
    configs: configs.configs,
    requestedReplicationFactor: replicas.requestedReplicationFactor,
    createdAtMs: context.nowMs,
    revision: context.revision,
    partitions: replicas.replicas.map((brokerIds, index) =>
      newPartition({ index, replicas: brokerIds, leaderEpoch }, activeIn(image)),
    ),
  };
  draft.topicCount += 1;
  draft.newPartitionCount += record.partitions.length;
  const key = collisionKey(topic.name);
  if (key !== null) draft.collisionKeys.set(key, topic.name);
  const created = {
    topicId: record.topicId,
    name: topic.name,
    partitionCount: record.partitions.length,
    replicationFactor: replicas.replicationFactor,
    configs: configs.configs,
  };
  return { kind: "decided", record, created };
}

function checkNewName(image: Image, name: string, draft: Draft): Rejection<TopicErrorCode> | null {
  if (draft.duplicates.has(name)) {
    return namedTwice(name);
  }
  const problem = topicNameProblem(name);
  if (problem !== null) return rejected("INVALID_TOPIC_EXCEPTION", problem, "topic_name");
  if (draft.clusterId !== systemClusterId && isInternalTopicName(name)) {
    return rejected("INVALID_TOPIC_EXCEPTION", `${name} is a topic of the cell`, "topic_name");
  }
  const names = image.topicNames.get(draft.clusterId);
  if (names?.byName.has(name) === true) {
    return rejected("TOPIC_ALREADY_EXISTS", `topic ${name} already exists`, "topic_name");
  }
  const key = collisionKey(name);
  if (key !== null) {
    const other = names?.byCollisionKey.get(key)?.name ?? draft.collisionKeys.get(key);
    if (other !== undefined) {
      return rejected(
        "INVALID_TOPIC_EXCEPTION",
        `topic ${name} collides with existing topic ${other}: they differ only in '.' and '_'`,
        "topic_name",
      );
    }
  }
  if (draft.topicCount < limits.topicsPerCluster) return null;
  return rejected(
    "POLICY_VIOLATION",
    `the cluster has ${draft.topicCount} topics; the limit for a cluster is ${limits.topicsPerCluster}`,
  );
}

function checkNewConfigs(
  given: Readonly<Record<string, string | null>>,
  clusterDefaults: Configs,
): { kind: "valid"; configs: Configs } | Rejection<TopicErrorCode> {
  const unset = Object.keys(given).find((name) => given[name] === null);
  if (unset !== undefined) {
    const message = `Null value not supported for topic configs: ${unset.slice(0, 200)}`;
    return rejected("INVALID_CONFIG", message, `configs/${unset}`);
  }
  const checked = checkTopicConfigs(withoutNulls(given), clusterDefaults);
  if (checked.kind === "valid") return checked;
  return rejected("INVALID_CONFIG", checked.message, `configs/${checked.name}`);
}

type DecidedReplicas =
  | {
      kind: "decided";
      replicas: (readonly number[])[];
      replicationFactor: number;
      requestedReplicationFactor: number;
    }
  | Rejection<TopicErrorCode>;

function decideReplicas(image: Image, topic: NewTopic, draft: Draft): DecidedReplicas {
  if (topic.assignments !== undefined && topic.assignments.length > 0) {
    return decideAssigned(image, topic, { assignments: topic.assignments, draft });
  }
  const settings = brokerSettings(image, draft.clusterId);
  const givenCount = topic.partitionCount ?? -1;
  const partitionCount = givenCount === -1 ? settings.numPartitions : givenCount;
  const wrongCount = checkPartitionCount(image, partitionCount, draft);
  if (wrongCount !== null) return wrongCount;
  const requested = topic.replicationFactor ?? -1;
  const wrongFactor = checkReplicationFactor(image, requested);
  if (wrongFactor !== null) return wrongFactor;
  const wished = requested === -1 ? settings.defaultReplicationFactor : requested;
  // Asleep, nobody knows how many will come: the factor is taken as it is wished, and met as they do.
  const brokerCount = isSleeping(image) ? Math.max(wished, image.brokers.size) : image.brokers.size;
  // A default above the number of brokers waits for them; only a factor somebody asked for here is refused (replication.md C9).
  const factor =
    wished === -1
      ? defaultReplicationFactor(brokerCount)
      : Math.max(1, Math.min(wished, brokerCount));
  return {
    kind: "decided",
    replicas: chooseReplicas(draft.placement, partitionCount, factor),
    replicationFactor: factor,
    requestedReplicationFactor: wished,
  };
}

function decideAssigned(
  image: Image,
  topic: NewTopic,
  { assignments, draft }: { assignments: readonly Assignment[]; draft: Draft },
): DecidedReplicas {
  if ((topic.partitionCount ?? -1) !== -1 || (topic.replicationFactor ?? -1) !== -1) {
    return rejected(
      "INVALID_REQUEST",
      "replicas_assignments excludes partitions_count and replication_factor: give the one or the others",
      "replicas_assignments",
    );
  }
  const wrongCount = checkPartitionCount(image, assignments.length, draft);
  if (wrongCount !== null) return wrongCount;
  const checked = checkAssignments(image, assignments, 0);
  if (checked.kind === "rejected") return checked;
  const factor = checked.replicas[0]?.length ?? 1;
  return {
    kind: "decided",
    replicas: checked.replicas,
    replicationFactor: factor,
    requestedReplicationFactor: factor,
  };
}

/** Limits on new partitions, of a topic, of one request (one entry of the metadata log) and of the cell. */
export function checkPartitionCount(
  image: Image,
  partitionCount: number,
  draft: { newPartitionCount: number },
): Rejection<TopicErrorCode> | null {
  const field = "partitions_count";
  if (!Number.isInteger(partitionCount) || partitionCount <= 0) {
    const message = `partitions_count is ${partitionCount}; a topic has at least 1 partition`;
    return rejected("INVALID_PARTITIONS", message, field);
  }
  if (partitionCount > limits.partitionsPerTopic) {
    const message = `partitions_count is ${partitionCount}; the limit for a topic is ${limits.partitionsPerTopic}`;
    return rejected("INVALID_PARTITIONS", message, field);
  }
  const inRequest = draft.newPartitionCount + partitionCount;
  if (inRequest > limits.newPartitionsPerRequest) {
    const message = `the request adds ${inRequest} partitions; the limit for a request is ${limits.newPartitionsPerRequest}`;
    return rejected("POLICY_VIOLATION", message, field);
  }
  const inCell = image.partitionCount + inRequest;
  if (inCell <= limits.partitionsPerCell) return null;
  const message = `the cell would have ${inCell} partitions; the limit for a cell is ${limits.partitionsPerCell}`;
  return rejected("POLICY_VIOLATION", message, field);
}

function checkReplicationFactor(image: Image, requested: number): Rejection<TopicErrorCode> | null {
  if (requested === -1) return null;
  const field = "replication_factor";
  if (!Number.isInteger(requested) || requested <= 0) {
    const message = `replication_factor is ${requested}; a topic has at least 1 replica`;
    return rejected("INVALID_REPLICATION_FACTOR", message, field);
  }
  if (requested > limits.replicationFactor) {
    const message = `replication_factor is ${requested}; the limit is ${limits.replicationFactor}`;
    return rejected("INVALID_REPLICATION_FACTOR", message, field);
  }
  if (isSleeping(image)) return null;
  // Not started: one copy is always possible once a broker comes, so only a larger number can be judged too large.
  const brokerCount = Math.max(1, image.brokers.size);
  if (requested <= brokerCount) return null;
  const message = `replication_factor is ${requested}; the cell has ${image.brokers.size} brokers`;
  return rejected("INVALID_REPLICATION_FACTOR", message, field);
}
