import type { Partition, Topic } from "../metadata/image/image.ts";
import type { Replica } from "./api-types.ts";
import { clusterUrl, partitionUrl, resourceName, topicUrl } from "./kafka-links.ts";

export function replicaShape(
  topic: Topic,
  stored: Partition,
  { brokerId, origin }: { brokerId: number; origin: string },
): Replica {
  const partitionSelf = partitionUrl(topicUrl(origin, topic.clusterId, topic.name), stored.index);
  return {
    kind: "KafkaReplica",
    metadata: {
      self: `${partitionSelf}/replicas/${brokerId}`,
      resource_name: resourceName([
        ["kafka", topic.clusterId],
        ["topic", topic.name],
        ["partition", stored.index],
        ["replica", brokerId],
      ]),
    },
    cluster_id: topic.clusterId,
    topic_name: topic.name,
    partition_id: stored.index,
    broker_id: brokerId,
    is_leader: stored.leader === brokerId,
    is_in_sync: stored.isr.includes(brokerId),
    broker: { related: `${clusterUrl(origin, topic.clusterId)}/brokers/${brokerId}` },
  };
}
