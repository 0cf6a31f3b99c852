import type { Address } from "../../../ports/network.ts";
import { errorCodes } from "../../../protocol/errors.ts";
import { metadataRequest, metadataResponse } from "../../../protocol/messages/metadata.ts";
import type { Message } from "../../../protocol/schema/message.ts";
import type { ClientPlace } from "../cell/sim-cell.ts";
import { NoAnswer, WireConnection } from "./wire-connection.ts";

export type Leader = { readonly nodeId: number; readonly epoch: number };

export type KnownTopic = {
  readonly name: string;
  readonly topicId: string;
  /** By partition; null while there is no leader. */
  readonly leaders: readonly (Leader | null)[];
};

const metadataVersion = 12;
const requestTimeoutMs = 5_000;
/** Between two looks at the metadata, as Kafka's `retry.backoff.ms`. */
const refreshBackoffMs = 100;
const maxAgeMs = 300_000;

/** What every client knows of the cluster, and its connections to it. */
export class ClusterClient {
  readonly place: ClientPlace;
  readonly #addresses = new Map<number, Address>();
  readonly #topics = new Map<string, KnownTopic>();
  readonly #connections = new Map<string, Promise<WireConnection>>();
  #refreshing: Promise<void> | null = null;
  #refreshedMs = -Infinity;
  #wanted = new Set<string>();

  constructor(place: ClientPlace) {
    this.place = place;
  }

  /** Knows about these topics from now on. */
  want(topics: readonly string[]): void {
    for (const topic of topics) this.#wanted.add(topic);
  }

  topic(name: string): KnownTopic | null {
    return this.#topics.get(name) ?? null;
  }

  /** Who leads, as far as is known; asks when nothing is, or what is known is old. */
  async leaderOf(name: string, index: number): Promise<(Leader & { topicId: string }) | null> {
    const topic = this.#topics.get(name);
    const ageMs = this.place.clock.monotonicMs() - this.#refreshedMs;
    const leader = topic?.leaders[index];
    if (topic !== undefined && leader !== undefined && leader !== null && ageMs < maxAgeMs) {
      return { ...leader, topicId: topic.topicId };
    }
    await this.refresh();
    const fresh = this.#topics.get(name);
    const found = fresh?.leaders[index] ?? null;
    return fresh === undefined || found === null ? null : { ...found, topicId: fresh.topicId };
  }

  /** Asks anew; calls that come together share one answer. Never rejects: without an answer, what was known stays. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { clock } = this.place;
    const sinceMs = clock.monotonicMs() - this.#refreshedMs;
    if (sinceMs < refreshBackoffMs) await this.sleep(refreshBackoffMs - sinceMs);
    this.#refreshedMs = clock.monotonicMs();
    try {
      const connection = await this.anyConnection();
      const options = { version: metadataVersion, timeoutMs: requestTimeoutMs };
      const answer = await connection.call(metadataRequest, metadataResponse, options, {
        topics: [...this.#wanted].map((name) => ({ name })),
        allowAutoTopicCreation: false,
      });
      for (const { nodeId, host, port } of answer.brokers)
        this.#addresses.set(nodeId, { host, port });
      for (const { name, errorCode, topicId, partitions } of answer.topics) {
        if (name === null) continue;
        if (errorCode !== errorCodes.NONE) {
          this.#topics.delete(name);
          continue;
        }
        const leaders: (Leader | null)[] = [];
        for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
          leaders[partitionIndex] = leaderId < 0 ? null : { nodeId: leaderId, epoch: leaderEpoch };
        }
        this.#topics.set(name, { name, topicId, leaders });
      }
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
    }
  }

  async connectionTo(nodeId: number): Promise<WireConnection> {
    const address = this.#addresses.get(nodeId);
    if (address === undefined) throw new NoAnswer(`nobody has said where node ${nodeId} is`);
    return this.#connect(address);
  }

  /** To any broker that answers the dial, in an order drawn anew. */
  async anyConnection(): Promise<WireConnection> {
    const { stream } = this.place;
    const known = [...this.#addresses.values(), ...this.place.bootstrap()];
    const first = stream.int(known.length);
    let failure: unknown = new NoAnswer("there are no brokers");
    for (let at = 0; at < known.length; at++) {
      try {
        return await this.#connect(known[(first + at) % known.length]!);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** A call to any broker, tried until one answers or time is up. */
  async ask<Request, RequestInput, Response, ResponseInput>(
    request: Message<Request, RequestInput>,
    response: Message<Response, ResponseInput>,
    version: number,
    body: RequestInput,
  ): Promise<Response> {
    const connection = await this.anyConnection();
    return connection.call(request, response, { version, timeoutMs: requestTimeoutMs }, body);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.place.clock.after(ms, resolve));
  }

  /** As clients do between tries: longer each time, and not all at once. */
  backoff(tries: number): Promise<void> {
    return this.sleep(Math.min(1_000, 50 * 2 ** tries) * this.place.stream.between(0.8, 1.2));
  }

  disconnect(): void {
    for (const connecting of this.#connections.values()) {
      connecting.then(
        (connection) => connection.close("the client is done"),
        () => undefined,
      );
    }
    this.#connections.clear();
  }

  async #connect(address: Address): Promise<WireConnection> {
    const key = `${address.host}:${address.port}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      const connection = await known;
      if (!connection.isClosed) return connection;
      if (this.#connections.get(key) === known) this.#connections.delete(key);
      return this.#connect(address);
    }
    const dialing = WireConnection.dial(this.place, address);
    this.#connections.set(key, dialing);
    dialing.catch(() => {
      if (this.#connections.get(key) === dialing) this.#connections.delete(key);
    });
    return dialing;
  }
}
