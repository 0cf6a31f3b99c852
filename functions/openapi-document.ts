import type { Routes } from "./api-context.ts";

const description = `Provisions logical Kafka clusters and their topics. What is created here is there for the next call of any Kafka client.

Errors are \`application/problem+json\` (RFC 9457): \`errors\` names each wrong field by a JSON pointer, \`kafka_error_code\` is Kafka's name. Paths under \`/kafka/v3\` are Confluent REST v3, field for field, and carry its \`error_code\` and \`message\` too.

Every POST takes an \`Idempotency-Key\`; changes take \`If-Match\`; lists take \`page_size\` and \`page_token\`. Values are Kafka's plain ones (\`604800000\`, not \`7d\`).`;

/** The OpenAPI document of everything that is registered. */
export function apiDocument(
  app: Routes,
  version: string,
): ReturnType<Routes["getOpenAPI31Document"]> {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Myelin HTTP API",
      version,
      description,
      license: { name: "Apache-2.0" },
    },
  });
}
