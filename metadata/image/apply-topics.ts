import { MetadataDecodeError } from "../records/field-types.ts";
import { withMembership } from "../records/membership.ts";
import { fieldsOf } from "../records/record-kind.ts";
import type { MetadataRecord } from "../records/table.ts";
import { countPartition, recountPartition } from "./broker-loads.ts";
import type { MetadataChange } from "./changes.ts";
import { collisionKey } from "./image.ts";
import type { Partition, PurgingTopic, Topic } from "./image.ts";
import type { MutableImage, MutableTopic } from "./mutable-image.ts";

type RecordOfKind<Kind extends MetadataRecord["kind"]> = Extract<MetadataRecord, { kind: Kind }>;

export function applyTopic(image: MutableImage, record: RecordOfKind<"topic">): MetadataChange[] {
  const topic: MutableTopic = {
    ...fieldsOf(record),
    partitions: [...record.partitions],
  };
  assertIndexes(topic, 0);
  if (image.topics.has(topic.topicId)) throw corrupt(`topic ${topic.topicId} exists already`);
  image.topics.set(topic.topicId, topic);
  let names = image.topicNames.get(topic.clusterId);
  if (names === undefined) {
    names = { byName: new Map(), byCollisionKey: new Map() };
    image.topicNames.set(topic.clusterId, names);
  }
  names.byName.set(topic.name, topic);
  const key = collisionKey(topic.name);
  if (key !== null) names.byCollisionKey.set(key, topic);
  image.partitionCount += topic.partitions.length;
  for (const partition of topic.partitions) countPartition(image, partition, 1);
  return [{ kind: "topicCreated", topicId: topic.topicId }];
}

export function applyPartitionsAdded(
  image: MutableImage,
  { topicId, partitions }: RecordOfKind<"partitionsAdded">,
  revision: number,
): MetadataChange[] {
  const topic = topicOf(image, topicId);
  const firstIndex = topic.partitions.length;
  for (const partition of partitions) topic.partitions.push(partition);
  assertIndexes(topic, firstIndex);
  topic.revision = revision;
  image.partitionCount += partitions.length;
  for (const partition of partitions) countPartition(image, partition, 1);
  return [{ kind: "partitionsAdded", topicId, firstIndex }];
}

export function applyPartitionsChanged(
  image: MutableImage,
  { topicId, partitions }: RecordOfKind<"partitionsChanged">,
): MetadataChange[] {
  const topic = topicOf(image, topicId);
  return partitions.map((after) => {
    return changePartition(image, topic, { before: partitionAt(topic, after.index), after });
  });
}

export function applyMembershipChanged(
  image: MutableImage,
  { topicId, partitions }: RecordOfKind<"membershipChanged">,
): MetadataChange[] {
  const topic = topicOf(image, topicId);
  return partitions.map((membership) => {
    const before = partitionAt(topic, membership.index);
    return changePartition(image, topic, { before, after: withMembership(before, membership) });
  });
}

function changePartition(
  image: MutableImage,
  { topicId, partitions }: MutableTopic,
  { before, after }: { before: Partition; after: Partition },
): MetadataChange {
  const { index } = before;
  if (after.partitionEpoch <= before.partitionEpoch || after.leaderEpoch < before.leaderEpoch) {
    throw corrupt(`an epoch of partition ${topicId}-${index} goes back`);
  }
  partitions[index] = after;
  recountPartition(image, before, after);
  const isLeaderChanged =
    after.leader !== before.leader || after.leaderEpoch !== before.leaderEpoch;
  return { kind: "partitionChanged", topicId, index, isLeaderChanged };
}

function partitionAt({ topicId, partitions }: MutableTopic, index: number): Partition {
  const partition = partitions[index];
  if (partition === undefined) throw corrupt(`topic ${topicId} has no partition ${index}`);
  return partition;
}

export function applyTopicConfigs(
  image: MutableImage,
  { topicId, configs }: RecordOfKind<"topicConfigs">,
  revision: number,
): MetadataChange[] {
  const topic = topicOf(image, topicId);
  topic.configs = configs;
  topic.revision = revision;
  return [{ kind: "topicConfigsChanged", topicId }];
}

export function applyTopicReplication(
  image: MutableImage,
  { topicId, requestedReplicationFactor }: RecordOfKind<"topicReplication">,
  revision: number,
): MetadataChange[] {
  const topic = topicOf(image, topicId);
  topic.requestedReplicationFactor = requestedReplicationFactor;
  topic.revision = revision;
  return [];
}

export function applyTopicDeleted(
  image: MutableImage,
  { topicId, deletedAtMs }: RecordOfKind<"topicDeleted">,
): MetadataChange[] {
  const topic = topicOf(image, topicId);
  image.topics.delete(topicId);
  forgetName(image, topic);
  image.partitionCount -= topic.partitions.length;
  for (const partition of topic.partitions) countPartition(image, partition, -1);
  const purging: PurgingTopic = {
    topicId,
    clusterId: topic.clusterId,
    name: topic.name,
    partitionCount: topic.partitions.length,
    brokerIds: brokersOf(topic),
    deletedAtMs,
  };
  // Without replicas anywhere there is nothing to purge.
  if (purging.brokerIds.length > 0) image.purgingTopics.set(topicId, purging);
  return [{ kind: "topicDeleted", topic: purging }];
}

export function applyTopicPurging(
  image: MutableImage,
  record: RecordOfKind<"topicPurging">,
): MetadataChange[] {
  const purging = fieldsOf(record);
  image.purgingTopics.set(purging.topicId, purging);
  return [{ kind: "topicDeleted", topic: purging }];
}

export function applyTopicPurged(
  image: MutableImage,
  { topicId }: RecordOfKind<"topicPurged">,
): MetadataChange[] {
  image.purgingTopics.delete(topicId);
  return [{ kind: "topicPurged", topicId }];
}

function forgetName(image: MutableImage, topic: Topic): void {
  const names = image.topicNames.get(topic.clusterId);
  names?.byName.delete(topic.name);
  const key = collisionKey(topic.name);
  if (key !== null) names?.byCollisionKey.delete(key);
  if (names?.byName.size === 0) image.topicNames.delete(topic.clusterId);
}

function brokersOf(topic: Topic): number[] {
  const ids = new Set(topic.partitions.flatMap(({ replicas }) => replicas));
  return [...ids].sort((a, b) => a - b);
}

function topicOf(image: MutableImage, topicId: string): MutableTopic {
  const topic = image.topics.get(topicId);
  if (topic === undefined) throw corrupt(`a record names topic ${topicId}, which is not there`);
  return topic;
}

function assertIndexes(topic: Topic, from: number): void {
  for (let index = from; index < topic.partitions.length; index++) {
    if (topic.partitions[index]?.index !== index) {
      throw corrupt(`partition ${index} of topic ${topic.topicId} is out of place`);
    }
  }
}

function corrupt(message: string): MetadataDecodeError {
  return new MetadataDecodeError("corrupt", message);
}
