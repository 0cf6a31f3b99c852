import { z } from "@hono/zod-openapi";

// Parts that several routes' descriptions share.

export function jsonBody<S extends z.ZodType>(
  schema: S,
): { required: true; content: { "application/json": { schema: S } } } {
  return { required: true, content: { "application/json": { schema } } };
}

export function jsonReply<S extends z.ZodType>(
  schema: S,
  description: string,
  headers?: z.ZodObject,
): {
  description: string;
  headers?: z.ZodObject;
  content: { "application/json": { schema: S } };
} {
  const reply = { description, content: { "application/json": { schema } } };
  return headers === undefined ? reply : { ...reply, headers };
}

export const etagHeader: z.ZodObject = z.object({
  ETag: z.string().openapi({ description: "For If-Match.", example: '"42"' }),
});

export const locationHeader: z.ZodObject = z.object({
  Location: z.string().openapi({ description: "Where to ask how far it is." }),
});

// No examples for the headers: the reference page would send them along, and each would refuse the second try.

export const ifMatchHeaders = z.object({
  "If-Match": z.string().max(1024).optional().openapi({
    description: "Change only if this is still the ETag; else 412.",
  }),
});

export const idempotencyHeaders = z.object({
  "Idempotency-Key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "it must be 1 to 255 printable ASCII characters")
    .optional()
    .openapi({
      description:
        "A fresh random value per intent. Sent again with the same request within 24 h, it brings the first reply again (with Idempotency-Replayed: true) and changes nothing.",
    }),
});

export const clusterParam = z.string().openapi({
  param: { name: "cluster_id", in: "path" },
  description: "The cluster's id; GET /v1/clusters?name= finds it by name.",
  example: "8f2cXq1tQ0mJb0b3o1d2Vw",
});

export const topicParam = z
  .string()
  .openapi({ param: { name: "topic_name", in: "path" }, example: "orders" });

/** A number in a path, as Kafka counts partitions and brokers. */
export function idParam(name: string): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  return z
    .string()
    .regex(/^\d{1,10}$/, "it must be a whole number")
    .transform(Number)
    .openapi({ param: { name, in: "path" }, type: "integer", minimum: 0, example: 0 });
}
