import { z } from "@hono/zod-openapi";
import { collectionMetadata, related, resourceMetadata } from "./kafka-resource.ts";

const int32 = z.int().min(-2147483648).max(2147483647);

export const createTopicRequest = z
  .strictObject({
    topic_name: z.string().openapi({ example: "orders" }),
    partitions_count: int32.optional().openapi({ example: 6 }),
    replication_factor: int32.optional().openapi({
      description: "Absent or -1: the cell decides, and grows it to three as brokers come.",
    }),
    replicas_assignments: z
      .array(z.strictObject({ partition_id: int32, broker_ids: z.array(int32).max(100) }))
      .max(10_000)
      .optional(),
    configs: z
      .array(z.strictObject({ name: z.string(), value: z.string().nullish() }))
      .max(1000)
      .optional()
      .openapi({ example: [{ name: "retention.ms", value: "604800000" }] }),
    validate_only: z.boolean().optional(),
  })
  .openapi("CreateTopicRequest");

export const updateTopicRequest = z
  .strictObject({ partitions_count: int32.openapi({ example: 12 }) })
  .openapi("UpdateTopicRequest");

export const topic = z
  .object({
    kind: z.literal("KafkaTopic"),
    metadata: resourceMetadata,
    cluster_id: z.string(),
    topic_name: z.string(),
    topic_id: z.string().openapi({ description: "Kafka's topic id (KIP-516); not Confluent's." }),
    is_internal: z.boolean(),
    replication_factor: z.int(),
    partitions_count: z.int(),
    partitions: related,
    configs: related,
    partition_reassignments: related,
    authorized_operations: z.array(z.string()),
  })
  .openapi("KafkaTopic");

export const topicList = z
  .object({
    kind: z.literal("KafkaTopicList"),
    metadata: collectionMetadata,
    data: z.array(topic),
  })
  .openapi("KafkaTopicList");
