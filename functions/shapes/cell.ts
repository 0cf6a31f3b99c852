import { z } from "@hono/zod-openapi";

export const cell = z
  .object({
    id: z.string(),
    version: z.string().openapi({ example: "0.1.0" }),
    state: z.enum(["ready", "waiting_for_brokers"]),
    metadata_revision: z.int().openapi({ description: "Head of the metadata log, as replayed." }),
    metadata_level: z.int(),
    controller_broker_id: z.int().nullable(),
    clusters_count: z.int(),
    topics_count: z.int(),
    partitions_count: z.int(),
    offline_partitions_count: z
      .int()
      .openapi({ description: "Partitions without a leader: nothing can be read or written." }),
    under_replicated_partitions_count: z.int(),
    brokers: z.array(
      z.object({
        id: z.int(),
        state: z.enum(["fenced", "active", "draining"]),
        host: z.string(),
        port: z.int(),
        zone: z.string(),
        registered_at: z.iso.datetime(),
      }),
    ),
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
