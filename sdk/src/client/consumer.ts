import type { Codec } from "../codecs.ts";
import { MyelinError } from "../errors.ts";
import type { FetchedRecord } from "./fetched-record.ts";
import { Fetcher } from "./fetcher.ts";
import type { InvalidValues, OnInvalid } from "./invalid-values.ts";
import { createInvalidValues } from "./invalid-values.ts";
import { GroupSession } from "./group-session.ts";
import type { Owned } from "./ownership.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { receivedMessage } from "./received-message.ts";

export type ConsumerOptions<Value> = {
  /** Members of one group share its topics' partitions. */
  group: string;
  topics: readonly string[];
  /** How bytes become values; text by default. */
  value?: Codec<Value>;
  /** Where a group without offsets starts; at the beginning by default. */
  from?: "beginning" | "end";
  /**
   * `auto` (the default): a message is done when the loop asks for the next; what is done is committed every five seconds, before partitions change
   * hands, and at close. `manual`: only `message.commit()` says that it, and all before it in its partition, is done.
   */
  commit?: "auto" | "manual";
  /** What to do with a value that cannot be decoded; `throw` by default. */
  onInvalid?: OnInvalid;
  /** As brokers log and quotas see it. */
  clientId?: string;
  /** Ends the loop, once the message in hand is done, and closes the consumer. */
  signal?: AbortSignal;
  /** How long the group waits for a member that is silent (45 s by default). Slow work on a message is not silence. */
  sessionTimeoutMs?: number;
  /** How long a rebalance waits for its members, in milliseconds (60 s by default). */
  rebalanceTimeoutMs?: number;
};

/** A message in the hands of a group's member. */
export type ConsumedMessage<Value> = ReceivedMessage<Value> & {
  /** Says now that this message, and all before it in its partition, is done. Rejects if the partition has gone to another member. */
  commit(): Promise<void>;
};

/** Consecutive messages of one partition. */
export type Batch<Value> = {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly ConsumedMessage<Value>[];
  /** Says now that all of it is done. */
  commit(): Promise<void>;
};

type Run = { readonly owned: Owned; readonly records: readonly FetchedRecord[]; next: number };

/**
 * A member of a consumer group.
 *
 *     await using consumer = shop.consumer({ group: "billing", topics: ["orders"], value: json<Order>() });
 *     for await (const message of consumer) await bill(message.value);
 *
 * Every message is delivered at least once: leaving the loop early (break, return, throw) leaves the message in hand undone, and it comes again.
 */
export class Consumer<Value> implements AsyncIterable<ConsumedMessage<Value>> {
  readonly #options: ConsumerOptions<Value> & { value: Codec<Value> };
  readonly #fetcher: Fetcher;
  readonly #session: GroupSession;
  readonly #invalid: InvalidValues;
  readonly #isAuto: boolean;
  /** Messages of one partition that the loop is walking through. */
  #run: Run | null = null;
  /** Where in the run the message (or batch) begins that the loop has in hand. */
  #inHand: number | null = null;
  #started: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #isAsking = false;

  constructor(bootstrapServers: string, options: ConsumerOptions<Value> & { value: Codec<Value> }) {
    const { group, topics, clientId = "myelin-sdk", from = "beginning" } = options;
    this.#options = options;
    this.#isAuto = options.commit !== "manual";
    this.#fetcher = new Fetcher({ bootstrapServers, clientId, topics, outOfRange: from });
    this.#session = new GroupSession({
      bootstrapServers,
      clientId,
      group,
      topics,
      from,
      fetcher: this.#fetcher,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
    });
    const onInvalid = options.onInvalid ?? "throw";
    this.#invalid = createInvalidValues({ onInvalid, bootstrapServers, clientId });
    options.signal?.addEventListener("abort", () => this.#fetcher.wake(), { once: true });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ConsumedMessage<Value>, undefined> {
    return this.#iterator(() => this.#nextMessage());
  }

  /** The same messages, in batches of one partition as they arrive; a batch is done when the loop asks for the next. */
  batches(): AsyncIterableIterator<Batch<Value>, undefined> {
    return this.#iterator(() => this.#nextBatch());
  }

  /** Commits what is done, leaves the group and disconnects. A loop under way ends. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #iterator<Item>(next: () => Promise<Item | null>): AsyncIterableIterator<Item, undefined> {
    const iterator: AsyncIterableIterator<Item, undefined> = {
      next: async () => {
        const item = await this.#ask(next);
        return item === null ? { done: true, value: undefined } : { done: false, value: item };
      },
      return: async () => {
        this.#putBack();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  async #ask<Item>(next: () => Promise<Item | null>): Promise<Item | null> {
    if (this.#isAsking) {
      const message = "The consumer is being read by another loop: make one consumer for each";
      throw new MyelinError("INVALID_ARGUMENT", message);
    }
    this.#isAsking = true;
    try {
      this.#finishInHand();
      const item = await this.#unlessClosed(next);
      if (item !== null) return item;
      // A loop that `close` ends does not wait for it: the call may come from within the loop.
      if (this.#isAborted()) await this.close();
      return null;
    } finally {
      this.#isAsking = false;
    }
  }

  async #unlessClosed<Item>(next: () => Promise<Item | null>): Promise<Item | null> {
    if (this.#closing !== null || this.#isAborted()) return null;
    try {
      this.#started ??= this.#session.start();
      await this.#started;
      return await next();
    } catch (error) {
      // What was under way when `close` cut the connections is no failure.
      if (this.#closing !== null) return null;
      throw error;
    }
  }

  #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  /** The loop asks for the next: what it had is done. */
  #finishInHand(): void {
    const last = this.#run?.records[this.#run.next - 1];
    if (this.#inHand !== null && this.#isAuto && last !== undefined) this.#done(last);
    this.#inHand = null;
  }

  #putBack(): void {
    if (this.#run !== null && this.#inHand !== null) this.#run.next = this.#inHand;
    this.#inHand = null;
  }

  #done(record: FetchedRecord): void {
    if (this.#run !== null)
      this.#session.ownership.done(this.#run.owned, record.offset + 1, record.leaderEpoch);
  }

  async #nextMessage(): Promise<ConsumedMessage<Value> | null> {
    for (let run = await this.#nextRun(); run !== null; run = await this.#nextRun()) {
      const record = run.records[run.next];
      if (record === undefined) continue;
      const message = await this.#decode(run, record);
      // Decoding may take its time: the partition may have changed hands meanwhile.
      if (message === null || !this.#session.holds(run.owned)) continue;
      this.#inHand = run.next++;
      return message;
    }
    return null;
  }

  async #nextBatch(): Promise<Batch<Value> | null> {
    for (let run = await this.#nextRun(); run !== null; run = await this.#nextRun()) {
      const start = run.next;
      const { messages, next } = await this.#decodeRun(run);
      const last = messages.at(-1);
      if (last === undefined || !this.#session.holds(run.owned)) continue;
      this.#inHand = start;
      run.next = next;
      const { topic, partition } = run.owned;
      return { topic, partition, messages, commit: () => last.commit() };
    }
    return null;
  }

  /** The rest of the run, up to a message that cannot be decoded and stops the loop: that is thrown when it comes first. */
  async #decodeRun(run: Run): Promise<{ messages: ConsumedMessage<Value>[]; next: number }> {
    const messages: ConsumedMessage<Value>[] = [];
    let next = run.next;
    for (; next < run.records.length; next++) {
      const record = run.records[next];
      if (record === undefined) break;
      const read = await receivedMessage(record, this.#options.value);
      if (!(read instanceof MyelinError)) {
        messages.push(this.#consumed(run, record, read));
        continue;
      }
      if (messages.length > 0) break;
      await this.#invalid.deal(record, read);
      this.#leaveOut(run, record);
    }
    return { messages, next };
  }

  /** The message, or null if its value is invalid and has been dealt with. */
  async #decode(run: Run, record: FetchedRecord): Promise<ConsumedMessage<Value> | null> {
    const read = await receivedMessage(record, this.#options.value);
    if (!(read instanceof MyelinError)) return this.#consumed(run, record, read);
    await this.#invalid.deal(record, read);
    this.#leaveOut(run, record);
    return null;
  }

  /** Past an invalid message; it is done if those before it are. */
  #leaveOut(run: Run, record: FetchedRecord): void {
    run.next++;
    if (this.#isAuto)
      this.#session.ownership.done(run.owned, record.offset + 1, record.leaderEpoch);
  }

  #consumed(
    { owned }: Run,
    record: FetchedRecord,
    message: ReceivedMessage<Value>,
  ): ConsumedMessage<Value> {
    const commit = async (): Promise<void> => {
      this.#session.ownership.done(owned, record.offset + 1, record.leaderEpoch);
      if (await this.#session.commitOwned(owned)) return;
      throw new MyelinError(
        "ILLEGAL_GENERATION",
        `${record.topic} partition ${record.partition} has gone to another member of the group: its messages come again there`,
      );
    };
    return { ...message, commit };
  }

  /** Messages to walk through; null once the consumer is closed or its signal is aborted. */
  async #nextRun(): Promise<Run | null> {
    for (;;) {
      if (this.#closing !== null || this.#isAborted()) return null;
      if (this.#session.isReady()) {
        const run = this.#run;
        if (run !== null && run.next < run.records.length && this.#session.holds(run.owned))
          return run;
        this.#run = this.#takeRun();
        if (this.#run !== null) continue;
      }
      await this.#fetcher.changed();
    }
  }

  #takeRun(): Run | null {
    const chunk = this.#fetcher.take();
    if (chunk === null) return null;
    const owned = this.#session.ownership.get(chunk.place.topic, chunk.place.partition);
    return owned?.place === chunk.place ? { owned, records: chunk.records, next: 0 } : null;
  }

  async #close(): Promise<void> {
    this.#fetcher.wake();
    await this.#session.close();
    await this.#invalid.close();
  }
}
