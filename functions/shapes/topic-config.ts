import { z } from "@hono/zod-openapi";
import { collectionMetadata, resourceMetadata } from "./kafka-resource.ts";

const configSource = z.enum([
  "DYNAMIC_TOPIC_CONFIG",
  "DYNAMIC_BROKER_CONFIG",
  "DYNAMIC_DEFAULT_BROKER_CONFIG",
  "STATIC_BROKER_CONFIG",
  "DEFAULT_CONFIG",
]);

export const topicConfig = z
  .object({
    kind: z.literal("KafkaTopicConfig"),
    metadata: resourceMetadata,
    cluster_id: z.string(),
    topic_name: z.string(),
    name: z.string().openapi({ example: "retention.ms" }),
    value: z.string().nullable().openapi({ example: "604800000" }),
    is_default: z.boolean(),
    is_read_only: z.boolean(),
    is_sensitive: z.boolean(),
    source: configSource,
    synonyms: z.array(
      z.object({ name: z.string(), value: z.string().nullable(), source: configSource }),
    ),
  })
  .openapi("KafkaTopicConfig");

export const topicConfigList = z
  .object({
    kind: z.literal("KafkaTopicConfigList"),
    metadata: collectionMetadata,
    data: z.array(topicConfig),
  })
  .openapi("KafkaTopicConfigList");

export const setTopicConfigRequest = z
  .strictObject({ value: z.string().nullable().openapi({ example: "604800000" }) })
  .openapi("SetTopicConfigRequest");

export const alterTopicConfigsRequest = z
  .strictObject({
    data: z
      .array(
        z.strictObject({
          name: z.string().openapi({ example: "retention.ms" }),
          value: z.string().nullish().openapi({ example: "604800000" }),
          operation: z.enum(["SET", "DELETE"]).nullish(),
        }),
      )
      .min(1)
      .max(1000),
    validate_only: z.boolean().optional(),
  })
  .openapi("AlterTopicConfigsRequest");
