import { z } from "@hono/zod-openapi";
import { collectionMetadata, related, resourceMetadata } from "./kafka-resource.ts";

export const reassignment = z
  .object({
    kind: z.literal("KafkaReassignment"),
    metadata: resourceMetadata,
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    adding_replicas: z.array(z.int()),
    removing_replicas: z.array(z.int()),
    replicas: related,
  })
  .openapi("KafkaReassignment");

export const reassignmentList = z
  .object({
    kind: z.literal("KafkaReassignmentList"),
    metadata: collectionMetadata,
    data: z.array(reassignment),
  })
  .openapi("KafkaReassignmentList");
