import { internalTopicNames } from "../metadata/image/image.ts";
import type { Topic as StoredTopic } from "../metadata/image/image.ts";
import { replicationFactorOf } from "../metadata/settings/topic-settings.ts";
import type { Topic } from "./api-types.ts";
import { resourceName, topicUrl } from "./kafka-links.ts";

export type TopicFacts = {
  clusterId: string;
  topicId: string;
  name: string;
  partitionCount: number;
  replicationFactor: number;
};

export function factsOf(topic: StoredTopic): TopicFacts {
  return {
    clusterId: topic.clusterId,
    topicId: topic.topicId,
    name: topic.name,
    partitionCount: topic.partitions.length,
    replicationFactor: replicationFactorOf(topic),
  };
}

export function topicShape(facts: TopicFacts, origin: string): Topic {
  const self = topicUrl(origin, facts.clusterId, facts.name);
  return {
    kind: "KafkaTopic",
    metadata: {
      self,
      resource_name: resourceName([
        ["kafka", facts.clusterId],
        ["topic", facts.name],
      ]),
    },
    cluster_id: facts.clusterId,
    topic_name: facts.name,
    topic_id: facts.topicId,
    is_internal: (internalTopicNames as readonly string[]).includes(facts.name),
    replication_factor: facts.replicationFactor,
    partitions_count: facts.partitionCount,
    partitions: { related: `${self}/partitions` },
    configs: { related: `${self}/configs` },
    partition_reassignments: { related: `${self}/partitions/-/reassignment` },
    authorized_operations: [],
  };
}
