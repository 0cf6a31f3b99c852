import type { InferFields } from "../records/field-types.ts";
import type { brokerRecord } from "../records/broker.ts";
import { awake } from "../records/cell.ts";
import type { CellSleep } from "../records/cell.ts";
import type { clusterRecord } from "../records/cluster.ts";
import type { idempotencyKeyRecord } from "../records/idempotency.ts";
import type { PartitionState } from "../records/partition.ts";
import type { questionRecord } from "../records/question.ts";
import type { topicPurgingRecord, topicRecord } from "../records/topic.ts";

/** A tenant's logical Kafka cluster. Replaced, never modified. */
export type Cluster = InferFields<typeof clusterRecord.fields>;
/** One Kafka node. Replaced, never modified. */
export type Broker = InferFields<typeof brokerRecord.fields>;
/** Replaced, never modified: a reader that keeps one across an await holds a consistent, if old, state. */
export type Partition = PartitionState;
/** The one object of its topic while it exists; `partitions[i].index` is i. Only image/apply.ts changes it. */
export type Topic = Omit<InferFields<typeof topicRecord.fields>, "kind">;
export type PurgingTopic = InferFields<typeof topicPurgingRecord.fields>;
export type IdempotencyKey = InferFields<typeof idempotencyKeyRecord.fields>;

/** Replaced, never modified. */
export type Question = InferFields<typeof questionRecord.fields>;

/** What the image places on a broker. */
export type BrokerLoad = { readonly replicaCount: number; readonly leaderCount: number };

/** The names of one cluster's topics. */
export type TopicNames = {
  readonly byName: ReadonlyMap<string, Topic>;
  /** Topics whose names hold '.' or '_', by the name with '_' for '.': Kafka refuses two that differ only so. */
  readonly byCollisionKey: ReadonlyMap<string, Topic>;
};

/** The state that replaying the metadata log gives. Applied in place; everyone but image/ reads only. */
export type Image = {
  readonly cellId: string;
  readonly level: number;
  readonly createdAtMs: number;
  /** Revision of the last entry applied; 0 before genesis. */
  readonly revision: number;
  /** Hash of that entry: what the next one must name as its predecessor. */
  readonly entryHash: string;
  readonly controller: { readonly brokerId: number | null; readonly epoch: number };
  readonly sleep: CellSleep;
  /** By who asks. None outlives the term of office it was asked in. */
  readonly questions: ReadonlyMap<number, Question>;

  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly clustersByName: ReadonlyMap<string, Cluster>;
  readonly clustersByPortOffset: ReadonlyMap<number, Cluster>;
  /** Highest leader epoch of any deleted topic, by cluster id. */
  readonly epochFloors: ReadonlyMap<string, number>;

  readonly topics: ReadonlyMap<string, Topic>;
  readonly topicNames: ReadonlyMap<string, TopicNames>;
  readonly purgingTopics: ReadonlyMap<string, PurgingTopic>;
  readonly partitionCount: number;
  /** Partitions without a leader. */
  readonly leaderlessCount: number;
  readonly sealedCount: number;

  readonly brokers: ReadonlyMap<number, Broker>;
  /** By broker id; nothing for a broker that carries nothing. Counted as entries are applied: a count over 100,000 partitions would take milliseconds. */
  readonly brokerLoads: ReadonlyMap<number, BrokerLoad>;
  readonly nextBrokerId: number;
  readonly nextPortOffset: number;
  readonly nextProducerId: number;

  /** By idempotencyKeyId, oldest first. */
  readonly idempotencyKeys: ReadonlyMap<string, IdempotencyKey>;
  readonly idempotencyBytes: number;
};

/** Internal topics belong to the cell: this id stands where a tenant's cluster id would. */
export const systemClusterId = "_system";

export const internalTopicNames = [
  "__consumer_offsets",
  "__transaction_state",
  "__share_group_state",
] as const;
export type InternalTopicName = (typeof internalTopicNames)[number];

export function createImage(): Image {
  return {
    cellId: "",
    level: 0,
    createdAtMs: 0,
    revision: 0,
    entryHash: "",
    controller: { brokerId: null, epoch: 0 },
    sleep: awake,
    questions: new Map(),
    clusters: new Map(),
    clustersByName: new Map(),
    clustersByPortOffset: new Map(),
    epochFloors: new Map(),
    topics: new Map(),
    topicNames: new Map(),
    purgingTopics: new Map(),
    partitionCount: 0,
    leaderlessCount: 0,
    sealedCount: 0,
    brokers: new Map(),
    brokerLoads: new Map(),
    nextBrokerId: 1,
    nextPortOffset: 0,
    nextProducerId: 0,
    idempotencyKeys: new Map(),
    idempotencyBytes: 0,
  };
}

export function topicByName(image: Image, clusterId: string, name: string): Topic | undefined {
  return image.topicNames.get(clusterId)?.byName.get(name);
}

export function internalTopic(image: Image, name: InternalTopicName): Topic | undefined {
  return topicByName(image, systemClusterId, name);
}

/** A cluster's topics in the order of their names. */
export function topicsOfCluster(image: Image, clusterId: string): Topic[] {
  const names = image.topicNames.get(clusterId);
  if (names === undefined) return [];
  return [...names.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function topicCountOfCluster(image: Image, clusterId: string): number {
  return image.topicNames.get(clusterId)?.byName.size ?? 0;
}

/** Names that differ only in '.' and '_' share a key; null for names with neither. */
export function collisionKey(name: string): string | null {
  return /[._]/.test(name) ? name.replaceAll(".", "_") : null;
}

export function idempotencyKeyId(scope: string, key: string): string {
  return `${scope.length}:${scope}${key}`;
}

export function activeBrokers(image: Image): Broker[] {
  return [...image.brokers.values()].filter((broker) => broker.state === "active");
}

/** Which brokers may lead and be given replicas. */
export function activeIn(image: Image): (brokerId: number) => boolean {
  return (brokerId) => image.brokers.get(brokerId)?.state === "active";
}

/** Which brokers an operator is having emptied: they may lead and be in sync like any other, and are given nothing new. */
export function evacuatedIn(image: Image): (brokerId: number) => boolean {
  return (brokerId) => (image.brokers.get(brokerId)?.evacuation ?? null) !== null;
}

/** Which brokers may be in sync: a draining one serves on until it may go. */
export function inServiceIn(image: Image): (brokerId: number) => boolean {
  return (brokerId) => {
    const state = image.brokers.get(brokerId)?.state;
    return state === "active" || state === "draining";
  };
}

export function partitionOf(image: Image, topicId: string, index: number): Partition | undefined {
  return image.topics.get(topicId)?.partitions[index];
}
