import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/** A client that tries once: the metadata log repeats by itself, and has to know of every attempt. */
export function createDynamoClient(
  config: Pick<DynamoDBClientConfig, "region" | "endpoint" | "credentials"> = {},
): DynamoDBClient {
  return new DynamoDBClient({ ...config, maxAttempts: 1 });
}
