import type { BaseOptions } from "@platformatic/kafka";

/** Where a Kafka client of the SDK connects, and as whom. */
export type ClientConnection = {
  readonly bootstrapServers: string;
  readonly clientId: string;
  /** Further attempts of a request that may succeed if tried again. */
  readonly retries?: number;
};

/** What every Kafka client of the SDK starts from: several tries with growing pauses, so that a leader that moves is not an error. */
export function connectionOptions({
  bootstrapServers,
  clientId,
  retries = 8,
}: ClientConnection): BaseOptions {
  return {
    clientId,
    bootstrapBrokers: bootstrapServers.split(","),
    connectTimeout: 10_000,
    requestTimeout: 60_000,
    retries,
    retryDelay: (_client, _operation, attempt) => Math.min(2_000, 50 * 2 ** attempt),
    // A topic that does not exist is a mistake to hear of, not one to create.
    autocreateTopics: false,
  };
}
