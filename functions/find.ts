import { topicByName } from "../metadata/image/image.ts";
import type { Cluster, Image, Partition, Topic } from "../metadata/image/image.ts";
import { Problem } from "./problem.ts";

// What a path names, or the problem that says what is missing.

export function clusterOf(image: Image, clusterId: string): Cluster {
  const found = image.clusters.get(clusterId);
  if (found === undefined) throw clusterNotFound(clusterId);
  return found;
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
