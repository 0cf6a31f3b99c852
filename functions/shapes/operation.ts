import { z } from "@hono/zod-openapi";

export const operation = z
  .object({
    id: z.string().openapi({ example: "drain-3-4711" }),
    kind: z.enum(["drain", "move", "sleep"]),
    state: z.enum(["running", "blocked", "done", "canceled"]).openapi({
      description: "`blocked`: it goes on once what `error` says has changed.",
    }),
    progress: z
      .object({
        done: z.int().openapi({ example: 30 }),
        total: z.int().openapi({ example: 120 }),
        unit: z.enum(["partitions", "replicas"]).openapi({
          description:
            "A drain counts the partitions that have left, a move the new replicas in sync, a sleep the partitions that are sealed.",
        }),
      })
      .openapi("OperationProgress"),
    error: z.string().optional().openapi({ description: "Why it does not go on." }),
    started_at: z.iso.datetime().optional().openapi({ description: "Of drains, and of sleep." }),
    broker_id: z.int().optional().openapi({ description: "The broker that is drained." }),
    partition: z
      .object({
        cluster_id: z.string().openapi({
          description: "`_system` for the topics in which brokers keep groups and transactions.",
        }),
        topic_name: z.string(),
        partition_id: z.int(),
        replicas: z
          .array(z.int())
          .openapi({ description: "As they are to be, preferred leader first." }),
        adding_replicas: z.array(z.int()),
        removing_replicas: z.array(z.int()),
      })
      .optional()
      .openapi("MovingPartition", { description: "The partition whose replicas are moved." }),
  })
  .openapi("Operation");

export const operationList = z
  .object({
    data: z.array(operation),
    next_page_token: z
      .string()
      .nullable()
      .openapi({ description: "For page_token, to go on; null at the end." }),
  })
  .openapi("OperationList");

const int32 = z.int().min(-2147483648).max(2147483647);

export const moveReplicasRequest = z
  .strictObject({
    cluster_id: z.string().openapi({
      description: "`_system` for the topics in which brokers keep groups and transactions.",
      example: "8f2cXq1tQ0mJb0b3o1d2Vw",
    }),
    topic_name: z.string().openapi({ example: "orders" }),
    replicas_assignments: z
      .array(
        z.strictObject({
          partition_id: int32.openapi({ example: 0 }),
          broker_ids: z
            .array(int32)
            .max(100)
            .nullable()
            .openapi({
              description: "Preferred leader first. null takes a move under way back.",
              example: [4, 2, 3],
            }),
        }),
      )
      .min(1)
      .max(10_000),
    allow_replication_factor_change: z.boolean().optional().openapi({
      description:
        "false refuses another number of replicas than the partition has. Kafka's default is true.",
    }),
  })
  .openapi("MoveReplicasRequest");
