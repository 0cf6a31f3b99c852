import { z } from "@hono/zod-openapi";
import { partitionProblems } from "../../metadata/health/partition-health.ts";
import { cellBroker } from "./cell-broker.ts";

const unhealthyPartition = z
  .object({
    cluster_id: z.string(),
    cluster_name: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    problem: z.enum(partitionProblems),
    leader: z.int().nullable(),
    replicas: z.array(z.int()),
    in_sync_replicas: z.array(z.int()),
    waits_for: z.array(z.int()).openapi({
      description: "Brokers whose return gives it its leader back.",
    }),
  })
  .openapi("UnhealthyPartition");

export const cell = z
  .object({
    id: z.string(),
    version: z.string().openapi({ example: "0.1.0" }),
    state: z.enum(["ready", "waiting_for_brokers", "falling_asleep", "asleep"]),
    metadata_revision: z.int().openapi({ description: "Head of the metadata log, as replayed." }),
    metadata_level: z.int(),
    controller_broker_id: z.int().nullable(),
    controller_epoch: z.int().openapi({ description: "Grows with every change of controller." }),
    clusters_count: z.int(),
    topics_count: z.int(),
    partitions_count: z.int(),
    offline_partitions_count: z
      .int()
      .openapi({ description: "Partitions without a leader: nothing can be read or written." }),
    under_min_isr_partitions_count: z.int().openapi({
      description: "Too few replicas in sync for min.insync.replicas: acks=all is refused.",
    }),
    under_replicated_partitions_count: z
      .int()
      .openapi({ description: "A replica is not in sync, but for those just being made." }),
    moving_partitions_count: z
      .int()
      .openapi({ description: "Replicas of theirs are being moved." }),
    unhealthy_partitions: z
      .array(unhealthyPartition)
      .openapi({ description: "The worst of them, at most ten." }),
    brokers: z.array(cellBroker),
  })
  .openapi("Cell");

export const limits = z
  .object({
    data: z.array(
      z
        .object({
          name: z.string().openapi({ example: "partitions_per_topic" }),
          value: z.int().openapi({ example: 10_000 }),
          unit: z.string().openapi({ example: "partitions" }),
          description: z.string(),
        })
        .openapi("Limit"),
    ),
  })
  .openapi("Limits");

export const health = z.object({ status: z.literal("ok"), version: z.string() }).openapi("Health");
