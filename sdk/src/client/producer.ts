import { Producer as KafkaProducer } from "@platformatic/kafka";
import type { Codec } from "../codecs.ts";
import { MyelinError, toMyelinError } from "../errors.ts";
import type { Compression } from "./compression.ts";
import { connectionOptions } from "./connection-options.ts";
import { partitionForKey } from "./partitioner.ts";
import type { Outcome } from "./delivery.ts";
import { Delivery } from "./delivery.ts";
import type { Batch } from "./produce-request.ts";
import type { Pending } from "./send-queue.ts";
import { createSendQueue } from "./send-queue.ts";
import { topicMetadata } from "./topic-metadata.ts";

export type ProducerOptions<Value> = {
  /** How values become bytes; text by default. */
  value?: Codec<Value>;
  /** zstd by default. */
  compression?: Compression;
  /** How long a message waits for company, in milliseconds; 5 by default. While a request is under way messages gather anyway. */
  lingerMs?: number;
  /** As brokers log and quotas see it. */
  clientId?: string;
};

export type Message<Value> = {
  /** Messages of one key stay in order, in one partition. Text is encoded as UTF-8. */
  key?: string | Uint8Array | null;
  /** Null deletes the key in a compacted topic. */
  value: Value | null;
  headers?: Record<string, string | Uint8Array>;
  /** Now by default. */
  timestamp?: Date;
  /** Chosen by the key (as every Kafka client does) or in turns if absent. */
  partition?: number;
};

/** Where a message stands. */
export type Sent = { topic: string; partition: number; offset: number };

/** Kafka's delivery.timeout.ms: how long a message is tried to be made durable. */
const deliveryLimitMs = 120_000;
/** Kafka's request.timeout.ms. */
const requestTimeoutMs = 30_000;
/** What one request carries at most: under Kafka's default `max.message.bytes` even if all of it goes to one partition. */
const maxRequestBytes = 1_000_000;
/** Messages accepted and not yet durable, at most. */
const maxQueuedBytes = 64 * 1024 * 1024;
/** About what Kafka's record framing adds to key and value. */
const overheadBytes = 32;

/**
 * Sends messages durably: idempotent (a retry never duplicates), acknowledged by all in-sync replicas. Batches by itself.
 *
 *     await using producer = shop.producer({ value: json<Order>() });
 *     await producer.send("orders", { key: order.id, value: order });
 */
export class Producer<Value> {
  readonly #client: KafkaProducer;
  readonly #codec: Codec<Value>;
  readonly #queue: ReturnType<typeof createSendQueue<OutgoingMessage, Sent>>;
  readonly #delivery: Delivery;
  /** By topic: where messages without a key go until the next request. */
  readonly #sticky = new Map<string, number>();
  /** By topic: metadata on its way, so that a thousand sends to a new topic ask once. */
  readonly #asked = new Map<string, ReturnType<typeof topicMetadata>>();
  /** Messages on their way into the queue: their topic's partitions are not known yet. */
  readonly #entering = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(bootstrapServers: string, options: ProducerOptions<Value> & { value: Codec<Value> }) {
    const connection = { bootstrapServers, clientId: options.clientId ?? "myelin-sdk" };
    this.#client = new KafkaProducer({
      ...connectionOptions(connection),
      requestTimeout: requestTimeoutMs,
    });
    this.#codec = options.value;
    this.#delivery = new Delivery({
      client: this.#client,
      bootstrapServers,
      compression: options.compression ?? "zstd",
      limitMs: deliveryLimitMs,
    });
    this.#queue = createSendQueue({
      lingerMs: options.lingerMs ?? 5,
      maxRequestBytes,
      maxQueuedBytes,
      send: (batch) => this.#sendBatch(batch),
    });
  }

  /** Resolves once the message is durable, with where it stands. Rejects with MyelinError. */
  async send(topic: string, message: Message<Value>): Promise<Sent> {
    const entering = this.#enter(topic, message);
    this.#entering.add(entering);
    try {
      await entering;
    } finally {
      this.#entering.delete(entering);
    }
    return (await entering).sent;
  }

  /** Sends many; resolves once all are durable, in their order. Rejects with the first failure. */
  async sendBatch(topic: string, messages: Iterable<Value | Message<Value>>): Promise<Sent[]> {
    const pending: Promise<Sent>[] = [];
    for (const each of messages) {
      if (this.#queue.isFull) await Promise.all(pending);
      pending.push(this.send(topic, isMessage<Value>(each) ? each : { value: each }));
    }
    return Promise.all(pending);
  }

  /** Resolves once everything sent so far is durable or has failed. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#entering);
    await this.#queue.flush();
  }

  /** Sends what is queued, then disconnects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#entering);
    await this.#queue.flush();
    try {
      await this.#client.close();
    } catch (error) {
      throw toMyelinError(error, "The producer could not be closed");
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves once the message is queued. */
  async #enter(topic: string, message: Message<Value>): Promise<{ sent: Promise<Sent> }> {
    const outgoing = this.#encode(topic, message);
    const partition = await this.#partitionFor(topic, outgoing, message.partition);
    return { sent: this.#queue.add({ ...outgoing, partition }, outgoing.sizeBytes) };
  }

  #encode(topic: string, message: Message<Value>): Omit<OutgoingMessage, "partition"> {
    if (this.#isClosed) throw new MyelinError("CLOSED", "The producer is closed");
    const key = bytesOf(message.key ?? null);
    const value = message.value === null ? null : Buffer.from(this.#codec.encode(message.value));
    const headers = Object.entries(message.headers ?? {}).map(
      ([name, each]) => [Buffer.from(name), bytesOf(each) ?? Buffer.alloc(0)] as const,
    );
    const sizeBytes =
      overheadBytes +
      (key?.length ?? 0) +
      (value?.length ?? 0) +
      headers.reduce((sum, [name, each]) => sum + name.length + each.length + 4, 0);
    const timestamp = BigInt((message.timestamp ?? new Date()).getTime());
    return { topic, key, value, headers, timestamp, sizeBytes };
  }

  async #partitionFor(
    topic: string,
    { key }: Pick<OutgoingMessage, "key">,
    chosen: number | undefined,
  ): Promise<number> {
    const count = await this.#partitionCount(topic);
    if (chosen !== undefined) {
      if (Number.isInteger(chosen) && chosen >= 0 && chosen < count) return chosen;
      throw new MyelinError(
        "INVALID_ARGUMENT",
        `Topic ${topic} has partitions 0 to ${count - 1}; there is no ${chosen}`,
      );
    }
    if (key !== null) return partitionForKey(key, count);
    const sticky = this.#sticky.get(topic) ?? Math.floor(Math.random() * count);
    this.#sticky.set(topic, sticky);
    return sticky % count;
  }

  async #partitionCount(topic: string): Promise<number> {
    const known = this.#client.currentMetadata?.topics.get(topic)?.partitionsCount;
    if (known !== undefined) return known;
    let asked = this.#asked.get(topic);
    if (asked === undefined) {
      asked = topicMetadata(this.#client, [topic]).finally(() => this.#asked.delete(topic));
      this.#asked.set(topic, asked);
    }
    const found = (await asked).topics.get(topic)?.partitionsCount;
    if (found !== undefined) return found;
    throw new MyelinError("UNKNOWN_TOPIC_OR_PARTITION", `There is no topic ${topic}`);
  }

  async #sendBatch(waiting: readonly Pending<OutgoingMessage, Sent>[]): Promise<void> {
    this.#sticky.clear();
    const byPartition = [
      ...Map.groupBy(waiting, ({ item }) => `${item.partition}:${item.topic}`).values(),
    ];
    const outcomes = await this.#delivery.deliver(byPartition.map(batchOf));
    for (const [at, pending] of byPartition.entries()) settle(pending, outcomes[at]);
  }
}

/** Messages of one partition. */
function batchOf(pending: readonly Pending<OutgoingMessage, Sent>[]): Batch {
  const { topic = "", partition = 0 } = pending[0]?.item ?? {};
  const messages = pending.map(({ item }) => ({
    topic,
    partition,
    ...(item.key === null ? {} : { key: item.key }),
    // The library's type knows no message without a value; what it writes for one is null.
    value: item.value as Buffer,
    headers: new Map(item.headers),
    timestamp: item.timestamp,
  }));
  return { topic, partition, messages };
}

/** Tells the senders of one partition where their messages stand, or why they do not. */
function settle(
  pending: readonly Pending<OutgoingMessage, Sent>[],
  outcome: Outcome | undefined,
): void {
  for (const [at, { item, resolve, reject }] of pending.entries()) {
    const { topic, partition } = item;
    if (outcome?.kind === "written") {
      const { offset } = outcome;
      resolve({ topic, partition, offset: offset < 0 ? -1 : offset + at });
    } else reject(outcome?.error ?? new MyelinError("UNKNOWN", `Sending to ${topic} failed`));
  }
}

type OutgoingMessage = {
  topic: string;
  partition: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: (readonly [Buffer, Buffer])[];
  timestamp: bigint;
  sizeBytes: number;
};

function bytesOf(value: string | Uint8Array | null): Buffer | null {
  if (value === null) return null;
  return typeof value === "string"
    ? Buffer.from(value, "utf8")
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** A plain object whose only fields are a message's is taken for one; anything else is a value. */
function isMessage<Value>(each: Value | Message<Value>): each is Message<Value> {
  if (typeof each !== "object" || each === null || !("value" in each)) return false;
  const fields = ["key", "value", "headers", "timestamp", "partition"];
  return Object.keys(each).every((name) => fields.includes(name));
}
