import type { ClientPlace } from "../cell/sim-cell.ts";
import { ClusterClient } from "../client/cluster-client.ts";
import { Fetcher } from "../client/fetcher.ts";
import { SimProducer } from "../client/producer.ts";
import type { SentBatch } from "../history/history.ts";
import type { Stage } from "./stage.ts";

export type LoadOptions = {
  readonly number: number;
  readonly topic: string;
  readonly acks: -1 | 1;
  readonly pauseMs: number;
  readonly isIdempotent: boolean;
  readonly maxFillBytes: number;
  readonly maxInFlight: number;
  /** Of a compacted topic. */
  readonly keyCount: number;
};

/** A producer that writes small batches, and a consumer that reads them as they come. */
export class Load {
  readonly #producer: SimProducer;
  readonly #stage: Stage;
  readonly #number: number;
  #fetcher: Fetcher | null = null;
  #client: ClusterClient | null = null;

  constructor(
    stage: Stage,
    place: ClientPlace,
    options: Partial<LoadOptions> & { number: number },
  ) {
    const { topic = "orders", acks = -1, pauseMs = 250, maxFillBytes = 200 } = options;
    const { isIdempotent = acks === -1, maxInFlight = 2 } = options;
    this.#stage = stage;
    this.#number = options.number;
    this.#producer = new SimProducer(place, stage.history, {
      number: options.number,
      topic,
      acks,
      isIdempotent,
      maxInFlight,
      pauseMs,
      maxRecords: 3,
      maxFillBytes,
      codec: "none",
      requestTimeoutMs: 2_000,
      deliveryTimeoutMs: 120_000,
      keyCount: options.keyCount,
    });
    this.#producer.start();
    this.#read(topic);
  }

  #read(topic: string): void {
    const { cell, history } = this.#stage;
    const place = cell.addClient(`consumer-${this.#number}`);
    this.#client = new ClusterClient(place);
    this.#fetcher = new Fetcher(this.#client, {
      name: `consumer-${this.#number}`,
      history,
      usesSessions: true,
      maxWaitMs: 500,
      maxBytes: 64_000,
      rack: "",
    });
    const fetcher = this.#fetcher;
    const partitionCount = cell.truth.image.topics.get(this.#stage.topicId(topic))?.partitions;
    const assigned = (partitionCount ?? []).map(({ index }) => ({ topic, index, position: 0 }));
    place.process.deliver(() => {
      fetcher.assign(assigned);
      void fetcher.run();
    });
  }

  get #sent(): SentBatch[] {
    return this.#stage.history.sent.filter(({ producer }) => producer === this.#number);
  }

  get acknowledged(): SentBatch[] {
    return this.#sent.filter(({ outcome }) => outcome === "acknowledged");
  }

  /** The first batch that was sent and acknowledged since. */
  isServedSince(fromMs: number, partition?: string): boolean {
    return this.acknowledged.some(
      (batch) =>
        batch.sentMs >= fromMs && (partition === undefined || batch.partition === partition),
    );
  }

  /** How long the longest-waiting batch took that was sent in that time. */
  longestWaitMs(fromMs: number, toMs: number): number {
    const waits = this.#sent
      .filter(({ sentMs }) => sentMs >= fromMs && sentMs <= toMs)
      .map(({ sentMs, settledMs }) => Math.min(settledMs, this.#stage.nowMs) - sentMs);
    return Math.max(0, ...waits);
  }

  /** Batches it had to give up, or was refused. */
  get failures(): SentBatch[] {
    return this.#sent.filter(({ outcome }) => outcome === "refused" || outcome === "unknown");
  }

  async stop(): Promise<void> {
    await this.#producer.stop();
    this.#fetcher?.stop();
    this.#client?.disconnect();
  }
}
