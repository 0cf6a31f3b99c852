// Reads partitions ahead of whoever takes their records: one request under way per leader, over connections of its own, so that a long poll never
// holds up a heartbeat or a commit. Consumers (which partitions: the group decides) and readers (the caller decides) are built on it.
import type { ClusterMetadata } from "@platformatic/kafka";
import { Consumer as KafkaConsumer } from "@platformatic/kafka";
import type { MyelinError } from "../errors.ts";
import { toMyelinError } from "../errors.ts";
import type { ClientConnection } from "./connection-options.ts";
import { connectionOptions } from "./connection-options.ts";
import type { FetchedRecord } from "./fetched-record.ts";
import type { FetchResponse } from "./out-of-range.ts";
import { outOfRangePlaces, topicName } from "./out-of-range.ts";
import { readBatches } from "./read-batches.ts";
import { createWaiter } from "./waiter.ts";

export type FetcherOptions = ClientConnection & {
  readonly topics: readonly string[];
  /** Where to go on when what was asked for is gone (retention) or not there yet. */
  readonly outOfRange: "beginning" | "end";
};

/** Records of one partition, in order. */
export type Chunk = { readonly place: FetchPlace; readonly records: readonly FetchedRecord[] };

/** A partition being read; a new object each time it is added, so that what belongs to an earlier time can be told. */
export type FetchPlace = {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to ask the broker for. */
  position: number;
};

type Source = {
  readonly place: FetchPlace;
  readonly chunks: { records: FetchedRecord[]; sizeBytes: number }[];
  queuedBytes: number;
};

const partitionBytes = 1024 * 1024;
/** Decoded records waiting to be taken, over all partitions, at most (plus one response). */
const maxQueuedBytes = 32 * 1024 * 1024;
/** How long a broker holds a request that finds nothing. */
const maxWaitMs = 500;
/** The same when some partitions are left out because their records wait to be taken: they shall not wait for the others' poll. */
const shortWaitMs = 20;
/** A host that is gone answers nothing; who leads instead is asked only then. */
const requestTimeoutMs = 15_000;
const retryPauseMs = 250;
/** Failures in a row, other than of the network, before the loop hears of them: a topic just made or a leader just moved gets its time. */
const maxFailures = 20;

/** Reads ahead of whoever takes the records. */
export class Fetcher {
  /** Where offsets and metadata can be asked for without waiting behind a heartbeat. */
  readonly client: KafkaConsumer;
  readonly #options: FetcherOptions;
  readonly #sources = new Map<string, Source>();
  readonly #busyNodes = new Set<number>();
  readonly #waiter = createWaiter();
  readonly #timers = new Set<NodeJS.Timeout>();
  #queuedBytes = 0;
  /** In a row. */
  #failures = 0;
  #failure: MyelinError | null = null;
  #isPumping = false;
  #isClosed = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.client = new KafkaConsumer({
      ...connectionOptions(options),
      groupId: "none", // Required by the library; this client never joins.
      autocommit: false,
      requestTimeout: requestTimeoutMs,
    });
    for (const topic of options.topics) this.client.topics.track(topic);
  }

  /** Resolves when there may be something to take, or a failure to hear of. */
  changed(): Promise<void> {
    return this.#waiter.wait();
  }

  wake(): void {
    this.#waiter.wake();
  }

  add(topic: string, partition: number, position: number): FetchPlace {
    const place: FetchPlace = { topic, partition, position };
    this.remove(topic, partition);
    this.#sources.set(keyOf(topic, partition), { place, chunks: [], queuedBytes: 0 });
    void this.#pump();
    return place;
  }

  remove(topic: string, partition: number): void {
    const key = keyOf(topic, partition);
    this.#queuedBytes -= this.#sources.get(key)?.queuedBytes ?? 0;
    this.#sources.delete(key);
    // What was queued may have been all that kept the others from being read.
    void this.#pump();
  }

  /** Records of the partition whose turn it is, or null if none has any. Throws what reading failed with. */
  take(): Chunk | null {
    if (this.#failure !== null) throw this.#failure;
    for (const [key, source] of this.#sources) {
      const chunk = source.chunks.shift();
      if (chunk === undefined) continue;
      source.queuedBytes -= chunk.sizeBytes;
      this.#queuedBytes -= chunk.sizeBytes;
      // To the end of the line, so that every partition has its turn.
      this.#sources.delete(key);
      this.#sources.set(key, source);
      void this.#pump();
      return { place: source.place, records: chunk.records };
    }
    return null;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#sources.clear();
    this.#waiter.wake();
    await this.client.close(true);
  }

  #later(): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#pump();
    }, retryPauseMs);
    this.#timers.add(timer);
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return;
    const found = toMyelinError(error, `Reading ${this.#options.topics.join(", ")} failed`);
    this.#failures += found.code === "NETWORK" || found.code === "TIMEOUT" ? 0 : 1;
    if (found.retriable && this.#failures < maxFailures) {
      this.client.clearMetadata();
      this.#later();
      return;
    }
    this.#failure = found;
    this.#waiter.wake();
  }

  /** Sends a request to every leader that has none under way and partitions with room. */
  async #pump(): Promise<void> {
    if (this.#isPumping || this.#isClosed || this.#failure !== null || this.#sources.size === 0)
      return;
    if (this.#queuedBytes >= maxQueuedBytes) return;
    this.#isPumping = true;
    try {
      const metadata = await this.client.metadata({ topics: [...this.#options.topics] });
      for (const [node, wanted] of this.#byLeader(metadata)) {
        if (this.#busyNodes.has(node)) continue;
        if (node < 0) {
          this.client.clearMetadata();
          this.#later();
          continue;
        }
        const withRoom = wanted.filter((source) => source.queuedBytes < partitionBytes);
        if (withRoom.length > 0) {
          void this.#fetchFrom(node, withRoom, {
            metadata,
            waitMs: withRoom.length < wanted.length ? shortWaitMs : maxWaitMs,
          });
        }
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isPumping = false;
    }
  }

  #byLeader(metadata: ClusterMetadata): Map<number, Source[]> {
    const nodes = new Map<number, Source[]>();
    for (const source of this.#sources.values()) {
      const { topic, partition } = source.place;
      const leader = metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1;
      const known = nodes.get(leader);
      if (known === undefined) nodes.set(leader, [source]);
      else known.push(source);
    }
    return nodes;
  }

  async #fetchFrom(
    node: number,
    wanted: Source[],
    { metadata, waitMs }: { metadata: ClusterMetadata; waitMs: number },
  ): Promise<void> {
    this.#busyNodes.add(node);
    const asked = new Map(wanted.map((source) => [source, source.place.position]));
    try {
      const response = await this.client.fetch({
        node,
        topics: requestTopics(wanted, metadata),
        maxWaitTime: waitMs,
        minBytes: 1,
        maxBytes: Math.max(partitionBytes, maxQueuedBytes - this.#queuedBytes),
      });
      this.#failures = 0;
      this.#receive(response, metadata, asked);
    } catch (error) {
      if (!(await this.#resetOutOfRange(error, metadata, asked))) this.#failed(error);
    } finally {
      this.#busyNodes.delete(node);
    }
    void this.#pump();
  }

  #receive(
    response: FetchResponse,
    metadata: ClusterMetadata,
    asked: ReadonlyMap<Source, number>,
  ): void {
    for (const { topicId, partitions } of response.responses) {
      const topic = topicName(metadata, topicId);
      for (const { partitionIndex, records: batches } of partitions) {
        const source = topic === null ? undefined : this.#sources.get(keyOf(topic, partitionIndex));
        // Taken away meanwhile, or sent though this request did not ask for it (an incremental session's remainder).
        if (source === undefined || asked.get(source) !== source.place.position) continue;
        const read = readBatches(source.place, batches ?? [], source.place.position);
        source.place.position = read.nextOffset;
        if (read.records.length > 0) {
          source.chunks.push({ records: read.records, sizeBytes: read.sizeBytes });
          source.queuedBytes += read.sizeBytes;
          this.#queuedBytes += read.sizeBytes;
        }
      }
    }
    this.#waiter.wake();
  }

  /** True if the error was that offsets are out of range, and the partitions have been put to where reading can go on. */
  async #resetOutOfRange(
    error: unknown,
    metadata: ClusterMetadata,
    asked: ReadonlyMap<Source, number>,
  ): Promise<boolean> {
    const places = outOfRangePlaces(error, metadata);
    if (places.length === 0) return false;
    try {
      for (const { topic, partition } of places) {
        const source = this.#sources.get(keyOf(topic, partition));
        // Added anew meanwhile, it has a place of its own to start from.
        if (source === undefined || !asked.has(source)) continue;
        const offsets = await this.client.listOffsets({
          topics: [topic],
          partitions: { [topic]: [partition] },
          timestamp: this.#options.outOfRange === "beginning" ? -2n : -1n,
        });
        source.place.position = Number(offsets.get(topic)?.[partition] ?? 0n);
      }
      return true;
    } catch (cause) {
      this.#failed(cause);
      return true;
    }
  }
}

function keyOf(topic: string, partition: number): string {
  return `${partition}:${topic}`;
}

function requestTopics(wanted: readonly Source[], metadata: ClusterMetadata) {
  const topics = new Map<string, ReturnType<typeof requestPartition>[]>();
  for (const { place } of wanted) {
    const topicId = metadata.topics.get(place.topic)?.id ?? "";
    const partitions = topics.get(topicId);
    if (partitions === undefined) topics.set(topicId, [requestPartition(place)]);
    else partitions.push(requestPartition(place));
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
}

function requestPartition({ partition, position }: FetchPlace) {
  return {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(position),
    lastFetchedEpoch: -1,
    partitionMaxBytes: partitionBytes,
  };
}
