import { z } from "@hono/zod-openapi";
import { collectionMetadata, related, resourceMetadata } from "./kafka-resource.ts";

export const kafkaCluster = z
  .object({
    kind: z.literal("KafkaCluster"),
    metadata: resourceMetadata,
    cluster_id: z.string(),
    controller: related.optional(),
    acls: related,
    brokers: related,
    broker_configs: related,
    consumer_groups: related,
    topics: related,
    partition_reassignments: related,
  })
  .openapi("KafkaCluster");

export const kafkaClusterList = z
  .object({
    kind: z.literal("KafkaClusterList"),
    metadata: collectionMetadata,
    data: z.array(kafkaCluster),
  })
  .openapi("KafkaClusterList");

export const kafkaBroker = z
  .object({
    kind: z.literal("KafkaBroker"),
    metadata: resourceMetadata,
    cluster_id: z.string(),
    broker_id: z.int(),
    host: z.string().nullable(),
    port: z.int().nullable(),
    rack: z.string().nullable(),
    configs: related,
    partition_replicas: related,
  })
  .openapi("KafkaBroker");

export const kafkaBrokerList = z
  .object({
    kind: z.literal("KafkaBrokerList"),
    metadata: collectionMetadata,
    data: z.array(kafkaBroker),
  })
  .openapi("KafkaBrokerList");
