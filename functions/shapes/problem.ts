import { z } from "@hono/zod-openapi";

/** Where a wrong value stood: `pointer` is a JSON pointer (RFC 6901, as a fragment) into that part of the request. */
export const wrongField = z
  .object({
    pointer: z.string().openapi({ example: "#/partitions_count" }),
    in: z.enum(["body", "query", "path", "header"]).openapi({ example: "body" }),
    detail: z
      .string()
      .openapi({ example: "partitions_count is 20000; the limit for a topic is 10000" }),
  })
  .openapi("WrongField");

/** RFC 9457, plus Kafka's name for the error, plus what Confluent's clients read under /kafka/v3. */
export const problemDetails = z
  .object({
    type: z.string().openapi({ example: "/docs/problems/invalid-fields" }),
    title: z.string().openapi({ example: "Some fields are wrong" }),
    status: z.int().openapi({ example: 422 }),
    detail: z
      .string()
      .openapi({ example: "partitions_count is 20000; the limit for a topic is 10000" }),
    instance: z.string().openapi({ example: "/v1/clusters", description: "The path asked for." }),
    request_id: z.string().openapi({ description: "The X-Request-Id of this request." }),
    errors: z.array(wrongField).optional(),
    kafka_error_code: z.string().optional().openapi({
      description: "Kafka's name of the error, or ours where Kafka has none (CLUSTER_NOT_FOUND).",
      example: "TOPIC_ALREADY_EXISTS",
    }),
    error_code: z.int().optional().openapi({
      description: "Confluent REST's number, under /kafka/v3 only.",
      example: 40403,
    }),
    message: z
      .string()
      .optional()
      .openapi({ description: "The same as detail, under /kafka/v3 only." }),
    http_endpoint: z.string().optional().openapi({
      description: "Where to ask instead (421 only).",
      example: "http://127.0.0.1:8080",
    }),
  })
  .openapi("Problem");
