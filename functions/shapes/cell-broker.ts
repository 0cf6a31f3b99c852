import { z } from "@hono/zod-openapi";

export const cellBroker = z
  .object({
    id: z.int(),
    state: z.enum(["fenced", "active", "draining"]).openapi({
      description:
        "`fenced`: out of service, because the controller does not hear it. `draining`: its process is about to stop. A broker that an operator drains stays active, see `drain`.",
    }),
    host: z.string(),
    port: z.int().openapi({
      description: "A cluster has a port of its own on it: see its bootstrap_servers.",
    }),
    slot: z.int().openapi({ description: "Its place among the brokers of one machine, from 1." }),
    zone: z.string().openapi({ example: "use1-az1" }),
    registered_at: z.iso.datetime(),
    epoch: z.int().openapi({ description: "Grows with every start." }),
    previous_end: z
      .enum(["new", "clean", "process_crash", "host_crash"])
      .openapi({ description: "How its life before this one ended." }),
    is_controller: z.boolean(),
    is_ephemeral: z.boolean().openapi({ description: "Its disk dies with its machine." }),
    is_lost: z.boolean().openapi({ description: "Its disk was given up: nobody waits for it." }),
    leaders_count: z.int(),
    replicas_count: z.int(),
    out_of_sync_replicas_count: z.int().openapi({
      description: "Of its replicas, those not in sync, but for those just being made.",
    }),
    metadata_levels: z
      .object({ min: z.int(), max: z.int() })
      .openapi("MetadataLevels", { description: "What its version reads of the metadata log." }),
    drain: z
      .object({ operation_id: z.string(), started_at: z.iso.datetime() })
      .nullable()
      .openapi("BrokerDrain", { description: "An operator has it emptied." }),
  })
  .openapi("CellBroker");

export const cellBrokerList = z
  .object({
    data: z.array(cellBroker),
    next_page_token: z
      .string()
      .nullable()
      .openapi({ description: "For page_token, to go on; null at the end." }),
  })
  .openapi("CellBrokerList");

export const declareLostRequest = z
  .strictObject({
    validate_only: z.boolean().optional().openapi({
      description: "true: show what would be lost, and do nothing.",
    }),
    confirmation: z.string().optional().openapi({
      description:
        "As the answer to validate_only gave it: the word that you have seen what is lost.",
    }),
  })
  .openapi("DeclareLostRequest");

export const brokerLoss = z
  .object({
    broker_id: z.int(),
    replicas_count: z.int().openapi({ description: "Copies that are gone with the disk." }),
    waiting_partitions_count: z.int().openapi({
      description: "Partitions without a leader that wait for this broker, and would no longer.",
    }),
    last_copies_count: z.int().openapi({
      description: "Of those, the ones nobody else was in sync of: their last records are gone.",
    }),
    waiting_partitions: z
      .array(
        z
          .object({
            cluster_id: z.string(),
            cluster_name: z.string(),
            topic_name: z.string(),
            partition_id: z.int(),
            is_last_copy: z.boolean(),
            other_members: z.array(z.int()).openapi({
              description:
                "Brokers that were in sync too: one of them leads once all have said what they hold.",
            }),
          })
          .openapi("WaitingPartition"),
      )
      .openapi({ description: "The first 100, last copies first." }),
    confirmation: z.string(),
    is_done: z.boolean(),
  })
  .openapi("BrokerLoss");
