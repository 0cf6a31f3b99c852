import type { ConsumerOptions } from "./client/consumer.ts";
import { Consumer } from "./client/consumer.ts";
import type { ProducerOptions } from "./client/producer.ts";
import { Producer } from "./client/producer.ts";
import type { Reader, ReaderOptions } from "./client/reader.ts";
import { createReader } from "./client/reader.ts";
import type { Codec } from "./codecs.ts";
import { string } from "./codecs.ts";
import type { ClusterDescription } from "./control/clusters.ts";
import type { HttpClient } from "./control/http-client.ts";
import type { Topics } from "./control/topics.ts";
import { createTopics } from "./control/topics.ts";

/** One logical Kafka cluster: its topics, and clients for its records. */
export type Cluster = ClusterDescription & {
  readonly topics: Topics;
  /** Idempotent, acks=all; `value` defaults to text. Close it, or declare it with `await using`. */
  producer<Value = string>(options?: ProducerOptions<Value>): Producer<Value>;
  /** A member of a consumer group. Close it, or declare it with `await using`. */
  consumer<Value = string>(options: ConsumerOptions<Value>): Consumer<Value>;
  /** Reads partitions from chosen places without a group, and commits nothing. */
  reader<Value = string>(options: ReaderOptions<Value>): Reader<Value>;
};

export function createCluster(http: HttpClient, description: ClusterDescription): Cluster {
  const bootstrap = description.bootstrapServers;
  // Without a `value` codec Value is `string`, as the defaults of the type parameters say.
  const text = string as Codec<unknown>;
  const withValue = <Value, Options extends { value?: Codec<Value> }>(
    options: Options,
  ): Options & { value: Codec<Value> } => ({
    ...options,
    value: options.value ?? (text as Codec<Value>),
  });
  return {
    ...description,
    topics: createTopics(http, description.id),
    producer: <Value>(options: ProducerOptions<Value> = {}) =>
      new Producer<Value>(bootstrap, withValue<Value, ProducerOptions<Value>>(options)),
    consumer: <Value>(options: ConsumerOptions<Value>) =>
      new Consumer<Value>(bootstrap, withValue<Value, ConsumerOptions<Value>>(options)),
    reader: <Value>(options: ReaderOptions<Value>) =>
      createReader<Value>(bootstrap, withValue<Value, ReaderOptions<Value>>(options)),
  };
}
