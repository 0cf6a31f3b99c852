import { z } from "@hono/zod-openapi";

// What every resource of Confluent REST v3 has in common.

export const related = z
  .object({ related: z.string().openapi({ format: "uri" }) })
  .openapi("Relationship");

export const resourceMetadata = z
  .object({
    self: z.string().openapi({ format: "uri" }),
    resource_name: z
      .string()
      .nullable()
      .openapi({ example: "crn:///kafka=8f2cXq1tQ0mJb0b3o1d2Vw/topic=orders" }),
  })
  .openapi("ResourceMetadata");

export const collectionMetadata = z
  .object({
    self: z.string().openapi({ format: "uri" }),
    next: z
      .string()
      .nullable()
      .openapi({ description: "The next page; null at the end.", format: "uri" }),
  })
  .openapi("CollectionMetadata");
