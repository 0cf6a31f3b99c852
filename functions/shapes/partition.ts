import { z } from "@hono/zod-openapi";
import { collectionMetadata, related, resourceMetadata } from "./kafka-resource.ts";

export const partition = z
  .object({
    kind: z.literal("KafkaPartition"),
    metadata: resourceMetadata,
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    leader: related.optional().openapi({ description: "Absent while there is no leader." }),
    replicas: related,
    reassignment: related,
  })
  .openapi("KafkaPartition");

export const partitionList = z
  .object({
    kind: z.literal("KafkaPartitionList"),
    metadata: collectionMetadata,
    data: z.array(partition),
  })
  .openapi("KafkaPartitionList");

export const replica = z
  .object({
    kind: z.literal("KafkaReplica"),
    metadata: resourceMetadata,
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    broker_id: z.int(),
    is_leader: z.boolean(),
    is_in_sync: z.boolean(),
    broker: related,
  })
  .openapi("KafkaReplica");

export const replicaList = z
  .object({
    kind: z.literal("KafkaReplicaList"),
    metadata: collectionMetadata,
    data: z.array(replica),
  })
  .openapi("KafkaReplicaList");
