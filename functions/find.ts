import { topicByName } from "../metadata/image/image.ts";
import type { Broker, Cluster, Image, Partition, Topic } from "../metadata/image/image.ts";
import { Problem } from "./problem.ts";

// What a path names, or the problem that says what is missing.

export function clusterOf(image: Image, clusterId: string): Cluster {
  const found = image.clusters.get(clusterId);
  if (found === undefined) throw clusterNotFound(clusterId);
  return found;
}

/** What people call it; of the internal topics, the name that stands for no cluster. */
export function clusterNameOf(image: Image, clusterId: string): string {
  return image.clusters.get(clusterId)?.name ?? clusterId;
}

export function topicOf(image: Image, clusterId: string, topicName: string): Topic {
  clusterOf(image, clusterId);
  const found = topicByName(image, clusterId, topicName);
  if (found === undefined) throw topicNotFound(topicName);
  return found;
}

export function partitionOf(topic: Topic, partitionId: number): Partition {
  const found = topic.partitions[partitionId];
  if (found === undefined) {
    throw notFound(
      `topic ${topic.name} has no partition ${partitionId}; it has ${topic.partitions.length}, from 0`,
      "UNKNOWN_TOPIC_OR_PARTITION",
      40402,
    );
  }
  return found;
}

export function brokerOf(image: Image, brokerId: number): Broker {
  const found = image.brokers.get(brokerId);
  if (found !== undefined) return found;
  throw notFound(`no broker has the id ${brokerId}`, "BROKER_ID_NOT_REGISTERED", 404);
}

export function clusterNotFound(clusterId: string): Problem {
  return notFound(`no cluster has the id ${shown(clusterId)}`, "CLUSTER_NOT_FOUND", 404);
}

export function topicNotFound(topicName: string): Problem {
  return notFound(`no topic is named ${shown(topicName)}`, "UNKNOWN_TOPIC_OR_PARTITION", 40403);
}

export function notFound(detail: string, kafkaErrorCode: string, errorCode: number): Problem {
  return new Problem("not-found", detail, { kafkaErrorCode, errorCode });
}

function shown(given: string): string {
  return (given.length > 100 ? `${given.slice(0, 100)}...` : given).toWellFormed();
}
