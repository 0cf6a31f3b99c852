import { z } from "@hono/zod-openapi";

// Which settings exist and what values they take is the settings table's knowledge, and which names are legal the command's: here only the shape.
const defaultsText = {
  description:
    "Defaults for the cluster's topics, by Kafka's server setting names, as Kafka writes them.",
  example: { "log.retention.ms": "604800000" },
};
const defaults = z.record(z.string(), z.string()).openapi(defaultsText);

/** A record of Zod's passes over `__proto__`; a caller who sends it is told, as with any other name that is no setting. */
const givenDefaults = z
  .custom<Record<string, string>>()
  .superRefine((given, context) => {
    if (typeof given !== "object" || given === null || !Object.hasOwn(given, "__proto__")) return;
    context.addIssue({ code: "custom", path: ["__proto__"], message: "no setting has this name" });
  })
  .pipe(defaults)
  .openapi({ ...defaultsText, type: "object", additionalProperties: { type: "string" } });

const description = z.string().openapi({ example: "The shop's events" });

export const createClusterRequest = z
  .strictObject({
    name: z.string().openapi({ example: "shop" }),
    description: description.optional(),
    defaults: givenDefaults.optional(),
  })
  .openapi("CreateClusterRequest");

export const updateClusterRequest = z
  .strictObject({
    name: z.string().optional(),
    description: description.optional(),
    defaults: givenDefaults.optional().openapi({
      description: "Replaces all defaults: a setting not named is back at Kafka's own default.",
    }),
  })
  .openapi("UpdateClusterRequest");

export const cluster = z
  .object({
    id: z.string().openapi({ example: "8f2cXq1tQ0mJb0b3o1d2Vw" }),
    name: z.string().openapi({ example: "shop" }),
    description: z.string(),
    state: z.enum(["provisioning", "ready", "sleeping", "deleting"]),
    defaults,
    bootstrap_servers: z.string().openapi({ example: "127.0.0.1:9192" }),
    http_endpoint: z.string().openapi({ example: "http://127.0.0.1:8080" }),
    created_at: z.iso.datetime().openapi({ example: "2026-11-21T09:00:00.000Z" }),
  })
  .openapi("Cluster");

export const clusterList = z
  .object({
    data: z.array(cluster),
    next_page_token: z
      .string()
      .nullable()
      .openapi({ description: "For page_token, to go on; null at the end." }),
  })
  .openapi("ClusterList");
