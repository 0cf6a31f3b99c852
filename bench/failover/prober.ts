import { createNodeNetwork } from "../../adapters/node/network.ts";
import { metadataRequest, metadataResponse } from "../../protocol/messages/metadata.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import { connectRawClient, type RawClient } from "../../test/support/raw-client.ts";

/**
 * Writes to every partition of a topic, again and again, with acks=all, and asks anew for leaders as a client does: one request to each leader at a time,
 * with a batch for each partition it leads.
 */
export type Prober = {
  /** When each partition was last acknowledged a write that was sent after `sinceMs`, of performance.now(). Infinity where none was. */
  firstAfter(sinceMs: number): number[];
  /** The longest that a partition has been without an acknowledgement since then, in milliseconds. */
  longestWait(sinceMs: number): number;
  readonly acknowledged: number;
  /** Batches that were refused or got no answer, and were sent again. */
  readonly retried: number;
  /** Batches not acknowledged within the delivery time: lost to their sender. */
  readonly failed: number;
  stop(): Promise<void>;
};

type Leaders = Map<string, { host: string; port: number; partitions: number[] }>;

const deliveryMs = 120_000;
const pauseMs = 20;
const callLimitMs = 2_000;

export function startProber(bootstrap: string, topic: string, count: number): Prober {
  return new Probing(bootstrap, topic, count);
}

class Probing implements Prober {
  acknowledged = 0;
  retried = 0;
  failed = 0;
  readonly #topic: string;
  readonly #bootstrap: string[];
  readonly #network = createNodeNetwork();
  readonly #connections = new Map<string, Promise<RawClient>>();
  /** By partition: sending times of acknowledged writes, the latest first. */
  readonly #acks: { sentMs: number; ackedMs: number }[][];
  /** Since when a partition has waited for its batch to be acknowledged. */
  readonly #waitingMs: number[];
  readonly #busy = new Set<string>();
  #leaders: Leaders = new Map();
  #isStopped = false;
  readonly #done: Promise<void>;

  constructor(bootstrap: string, topic: string, count: number) {
    this.#topic = topic;
    this.#bootstrap = bootstrap.split(",");
    this.#acks = Array.from({ length: count }, () => []);
    this.#waitingMs = Array.from({ length: count }, () => performance.now());
    this.#done = this.#run();
  }

  firstAfter(sinceMs: number): number[] {
    return this.#acks.map((acks) =>
      acks.reduce(
        (first, { sentMs, ackedMs }) => (sentMs > sinceMs ? Math.min(first, ackedMs) : first),
        Infinity,
      ),
    );
  }

  longestWait(sinceMs: number): number {
    let longest = 0;
    for (const acks of this.#acks) {
      for (const [at, { ackedMs }] of acks.entries()) {
        if (ackedMs < sinceMs) break;
        longest = Math.max(longest, ackedMs - (acks[at + 1]?.ackedMs ?? ackedMs));
      }
    }
    return longest;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
    for (const connecting of this.#connections.values())
      await connecting.then(
        (client) => client.close(),
        () => undefined,
      );
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#refresh();
      for (const [key, leader] of this.#leaders) {
        if (this.#busy.has(key)) continue;
        this.#busy.add(key);
        void this.#write(key, leader).finally(() => this.#busy.delete(key));
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #connect(host: string, port: number): Promise<RawClient> {
    const key = `${host}:${port}`;
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const connecting = connectRawClient(this.#network, { host, port }, { clientId: "prober" });
    this.#connections.set(key, connecting);
    connecting.catch(() => this.#connections.delete(key));
    return connecting;
  }

  /** A connection that does not answer is given up: its process is gone, or stands still. */
  async #call<T>(key: string, work: (client: RawClient) => Promise<T>): Promise<T> {
    const [host = "", port = "0"] = key.split(":");
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("no answer")), callLimitMs);
    });
    try {
      return await Promise.race([this.#connect(host, Number(port)).then(work), late]);
    } catch (error) {
      const connecting = this.#connections.get(key);
      this.#connections.delete(key);
      void connecting?.then(
        (client) => client.close(),
        () => undefined,
      );
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #refresh(): Promise<void> {
    const keys = [...this.#leaders.keys(), ...this.#bootstrap];
    for (const key of new Set(keys)) {
      try {
        this.#leaders = await this.#call(key, (client) => this.#ask(client));
        return;
      } catch {
        continue; // The next one may answer.
      }
    }
  }

  async #ask(client: RawClient): Promise<Leaders> {
    const { brokers, topics } = await client.call(metadataRequest, metadataResponse, 12, {
      topics: [{ name: this.#topic }],
      allowAutoTopicCreation: false,
    });
    const leaders: Leaders = new Map();
    for (const { partitionIndex, leaderId } of topics[0]?.partitions ?? []) {
      const broker = brokers.find(({ nodeId }) => nodeId === leaderId);
      if (broker === undefined) continue;
      const key = `${broker.host}:${broker.port}`;
      const leader = leaders.get(key) ?? { host: broker.host, port: broker.port, partitions: [] };
      leader.partitions.push(partitionIndex);
      leaders.set(key, leader);
    }
    return leaders;
  }

  async #write(key: string, { partitions }: { partitions: number[] }): Promise<void> {
    const sentMs = performance.now();
    const value = Buffer.alloc(100, 1);
    const partitionData = partitions.map((index) => ({
      index,
      records: buildBatch([{ key: null, value, timestamp: Date.now() }]),
    }));
    const body = {
      transactionalId: null,
      acks: -1,
      timeoutMs: callLimitMs,
      topicData: [{ name: this.#topic, partitionData }],
    };
    try {
      const { responses } = await this.#call(key, (client) =>
        client.call(produceRequest, produceResponse, 9, body),
      );
      const ackedMs = performance.now();
      for (const { index, errorCode } of responses[0]?.partitionResponses ?? []) {
        if (errorCode === 0) this.#note(index, { sentMs, ackedMs });
        else this.#again(index);
      }
    } catch {
      for (const index of partitions) this.#again(index);
    }
  }

  #note(index: number, ack: { sentMs: number; ackedMs: number }): void {
    this.acknowledged += 1;
    this.#waitingMs[index] = ack.ackedMs;
    const acks = this.#acks[index]!;
    acks.unshift(ack);
    // Enough to find the first one after a moment a minute ago.
    if (acks.length > 4_000) acks.length = 2_000;
  }

  #again(index: number): void {
    this.retried += 1;
    if (performance.now() - this.#waitingMs[index]! < deliveryMs) return;
    this.failed += 1;
    this.#waitingMs[index] = performance.now();
  }
}
