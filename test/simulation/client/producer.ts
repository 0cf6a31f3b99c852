import type { Codec } from "../../../protocol/compression/codec.ts";
import { errorNameOf, isRetriable, type ErrorName } from "../../../protocol/errors.ts";
import {
  initProducerIdRequest,
  initProducerIdResponse,
} from "../../../protocol/messages/init-producer-id.ts";
import { produceRequest, produceResponse } from "../../../protocol/messages/produce.ts";
import { buildBatch } from "../../../protocol/records/build.ts";
import type { ClientPlace } from "../cell/sim-cell.ts";
import type { History, SentBatch } from "../history/history.ts";
import { partitionKey } from "../history/history.ts";
import { ClusterClient } from "./cluster-client.ts";
import { keyedRecord } from "./record-key.ts";
import { encodeValue } from "./record-value.ts";
import { NoAnswer } from "./wire-connection.ts";

export type ProducerOptions = {
  /** Its own among all producers of a history. */
  readonly number: number;
  readonly topic: string;
  readonly acks: -1 | 0 | 1;
  readonly isIdempotent: boolean;
  /** Batches of one partition under way at a time. */
  readonly maxInFlight: number;
  /** Between two batches, on average. */
  readonly pauseMs: number;
  readonly maxRecords: number;
  readonly maxFillBytes: number;
  readonly codec: Codec;
  readonly requestTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  /** Of a compacted topic: so many keys; without it records have none. */
  readonly keyCount?: number | undefined;
};

/** A batch on its way: in the order of `sequence` in its lane until it is settled. */
type Batch = {
  readonly sent: SentBatch;
  readonly fillBytes: number;
  readonly createdMs: number;
  sequence: number;
  tries: number;
  isSending: boolean;
  /** It is known that no try of it is in the log: its sequence may be another. */
  isNowhere: boolean;
};

/** One partition as the producer sees it. */
type Lane = {
  readonly index: number;
  readonly queue: Batch[];
  readonly unsettled: Batch[];
  epoch: number;
  nextSequence: number;
  /** The partition has acknowledged a batch: it knows the producer. */
  isKnown: boolean;
  /** A batch was given up, or its sequence refused: what is left goes on in a new epoch, once nothing of the old one is open. */
  isBumping: boolean;
};

const produceVersion = 13;
const initVersion = 4;
const maxQueued = 10;

/** Errors that say that this batch, in this place of the sequence, is not in the log. */
const sequenceErrors: readonly ErrorName[] = [
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
];

/**
 * Writes numbered records as Kafka's producer does: batches in order, some in flight, tried again until acknowledged or too old; an idempotent one with
 * sequence numbers that it never uses for two batches of one epoch.
 */
export class SimProducer {
  readonly #place: ClientPlace;
  readonly #client: ClusterClient;
  readonly #history: History;
  readonly #options: ProducerOptions;
  readonly #lanes = new Map<number, Lane>();
  #producerId = -1;
  #nextRecord = 0;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();
  #isDry = false;

  constructor(place: ClientPlace, history: History, options: ProducerOptions) {
    this.#place = place;
    this.#client = new ClusterClient(place);
    this.#history = history;
    this.#options = options;
    this.#client.want([options.topic]);
  }

  start(): void {
    this.#place.process.deliver(() => {
      this.#running = this.#run();
    });
  }

  /** Makes no more batches; resolves when all it made are settled. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    while (!this.#isSettled()) await this.#client.sleep(100);
    this.#isDry = true;
    this.#client.disconnect();
  }

  #isSettled(): boolean {
    for (const { queue, unsettled } of this.#lanes.values()) {
      if (queue.length > 0 || unsettled.length > 0) return false;
    }
    return true;
  }

  async #run(): Promise<void> {
    const { stream } = this.#place;
    const { topic, pauseMs, isIdempotent } = this.#options;
    if (isIdempotent) await this.#init();
    while (!this.#isStopped) {
      await this.#client.sleep(stream.wait(pauseMs));
      const partitionCount = this.#client.topic(topic)?.leaders.length ?? 0;
      if (partitionCount === 0) {
        await this.#client.refresh();
        continue;
      }
      const lane = this.#laneOf(stream.int(partitionCount));
      if (lane.queue.length < maxQueued) this.#make(lane);
    }
  }

  async #init(): Promise<void> {
    while (!this.#isStopped || this.#producerId >= 0) {
      try {
        const answer = await this.#client.ask(
          initProducerIdRequest,
          initProducerIdResponse,
          initVersion,
          { transactionalId: null, transactionTimeoutMs: 0 },
        );
        if (answer.errorCode === 0) {
          this.#producerId = answer.producerId;
          return;
        }
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
      }
      await this.#client.backoff(3);
    }
  }

  #laneOf(index: number): Lane {
    let lane = this.#lanes.get(index);
    if (lane === undefined) {
      lane = {
        index,
        queue: [],
        unsettled: [],
        epoch: 0,
        nextSequence: 0,
        isKnown: false,
        isBumping: false,
      };
      this.#lanes.set(index, lane);
    }
    return lane;
  }

  #make(lane: Lane): void {
    const { stream, clock, world } = this.#place;
    const { topic, number, acks, isIdempotent, maxRecords, maxFillBytes } = this.#options;
    const { topicId } = this.#client.topic(topic)!;
    const sent: SentBatch = {
      producer: number,
      first: this.#nextRecord,
      count: 1 + stream.int(maxRecords),
      partition: partitionKey(topicId, lane.index),
      acks,
      isIdempotent,
      sentMs: world.nowMs,
      outcome: "pending",
      settledMs: Infinity,
      baseOffset: -1,
    };
    this.#nextRecord += sent.count;
    this.#history.sent.push(sent);
    lane.queue.push({
      sent,
      fillBytes: stream.int(maxFillBytes),
      createdMs: clock.monotonicMs(),
      sequence: -1,
      tries: 0,
      isSending: false,
      isNowhere: true,
    });
    this.#pump(lane);
  }

  /** Sends what may be sent. */
  #pump(lane: Lane): void {
    this.#giveUpOld(lane);
    if (lane.isBumping && lane.unsettled.every(({ isNowhere }) => isNowhere)) this.#bump(lane);
    while (!lane.isBumping && lane.queue.length > 0 && this.#maySendMore(lane)) {
      const batch = lane.queue.shift()!;
      this.#number(lane, batch);
      lane.unsettled.push(batch);
    }
    const open = this.#openOf(lane);
    for (const [place, batch] of open.entries()) {
      if (batch.isSending) continue;
      // What is tried again goes alone, and nothing goes past it (as in Kafka's RecordAccumulator): else a later batch could arrive before an earlier one.
      if (place > 0 && open.some(({ tries }) => tries > 0)) break;
      void this.#send(lane, batch);
    }
  }

  /** Batches of which it is not known whether they are in the log, or may be sent all the same. */
  #openOf({ unsettled, isBumping }: Lane): Batch[] {
    return isBumping ? unsettled.filter(({ isNowhere }) => !isNowhere) : unsettled.slice();
  }

  /**
   * A broker takes any sequence of a producer it does not know (KIP-360), so an idempotent one sends its first batch alone: a second one could overtake a first
   * that is refused.
   */
  #maySendMore({ unsettled, isKnown }: Lane): boolean {
    const { isIdempotent, maxInFlight } = this.#options;
    return unsettled.length < (isIdempotent && !isKnown ? 1 : maxInFlight);
  }

  #number(lane: Lane, batch: Batch): void {
    batch.sequence = lane.nextSequence;
    lane.nextSequence += batch.sent.count;
  }

  /** KIP-360: a new epoch begins at sequence 0, and fences what may still be on its way under the old one. */
  #bump(lane: Lane): void {
    lane.isBumping = false;
    lane.epoch++;
    lane.nextSequence = 0;
    for (const batch of lane.unsettled) this.#number(lane, batch);
  }

  #giveUpOld(lane: Lane): void {
    const nowMs = this.#place.clock.monotonicMs();
    for (const batch of [...lane.unsettled, ...lane.queue]) {
      if (batch.isSending || nowMs - batch.createdMs < this.#options.deliveryTimeoutMs) continue;
      const isNowhere = batch.isNowhere && batch.tries === 0;
      this.#settle(lane, batch, { outcome: isNowhere ? "refused" : "unknown" });
      if (batch.sequence >= 0) this.#needBump(lane);
    }
  }

  #needBump(lane: Lane): void {
    if (this.#options.isIdempotent) lane.isBumping = true;
  }

  async #send(lane: Lane, batch: Batch): Promise<void> {
    batch.isSending = true;
    try {
      await this.#try(lane, batch);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      await this.#client.backoff(batch.tries);
      void this.#client.refresh();
    }
    batch.isSending = false;
    if (!this.#isDry) this.#pump(lane);
  }

  async #try(lane: Lane, batch: Batch): Promise<void> {
    const { topic, acks, requestTimeoutMs } = this.#options;
    const leader = await this.#client.leaderOf(topic, lane.index);
    if (leader === null) throw new NoAnswer("no leader");
    if (partitionKey(leader.topicId, lane.index) !== batch.sent.partition) {
      // The topic it was for is gone; one of the same name is another.
      return this.#settle(lane, batch, { outcome: batch.tries === 0 ? "refused" : "unknown" });
    }
    const connection = await this.#client.connectionTo(leader.nodeId);
    const records = this.#build(lane, batch);
    const body = {
      acks,
      timeoutMs: requestTimeoutMs,
      topicData: [{ topicId: leader.topicId, partitionData: [{ index: lane.index, records }] }],
    };
    batch.tries++;
    batch.isNowhere = false;
    if (acks === 0) {
      connection.send(produceRequest, produceVersion, body);
      return this.#settle(lane, batch, { outcome: "unknown" });
    }
    const options = { version: produceVersion, timeoutMs: requestTimeoutMs + 1_000 };
    const answer = await connection.call(produceRequest, produceResponse, options, body);
    const partition = answer.responses[0]?.partitionResponses[0];
    if (partition === undefined) throw new Error("an answer to Produce without its partition");
    await this.#judge(lane, batch, partition);
  }

  async #judge(
    lane: Lane,
    batch: Batch,
    { errorCode, baseOffset }: { errorCode: number; baseOffset: number },
  ): Promise<void> {
    const error = errorNameOf(errorCode);
    if (error === "NONE" || error === "DUPLICATE_SEQUENCE_NUMBER") {
      lane.isKnown = true;
      return this.#settle(lane, batch, {
        outcome: "acknowledged",
        baseOffset: error === "NONE" ? baseOffset : -1,
      });
    }
    this.#place.world.trace(() => `${this.#place.process.name} is told ${error}`);
    if (sequenceErrors.includes(error)) {
      // With others in front of it that are not settled, it only came too early.
      if (this.#openOf(lane)[0] === batch) {
        batch.isNowhere = true;
        this.#needBump(lane);
      }
      return this.#client.backoff(1);
    }
    if (!isRetriable(error)) {
      this.#settle(lane, batch, { outcome: batch.tries === 1 ? "refused" : "unknown" });
      return this.#needBump(lane);
    }
    void this.#client.refresh();
    await this.#client.backoff(batch.tries);
  }

  #build(lane: Lane, { sent, sequence, fillBytes }: Batch): Uint8Array {
    const timestamp = this.#place.clock.nowMs();
    const { codec, isIdempotent, keyCount } = this.#options;
    const records = Array.from({ length: sent.count }, (_, at) => {
      const id = { producer: sent.producer, counter: sent.first + at };
      if (keyCount === undefined)
        return { key: null, value: encodeValue(id, fillBytes), timestamp };
      return { ...keyedRecord(id, { keyCount, fillBytes }), timestamp };
    });
    const identity = isIdempotent
      ? { producerId: this.#producerId, producerEpoch: lane.epoch, baseSequence: sequence }
      : {};
    return buildBatch(records, { codec, ...identity });
  }

  #settle(
    lane: Lane,
    batch: Batch,
    result: { outcome: SentBatch["outcome"]; baseOffset?: number },
  ): void {
    const { sent } = batch;
    sent.outcome = result.outcome;
    sent.settledMs = this.#place.world.nowMs;
    sent.baseOffset = result.baseOffset ?? -1;
    for (const list of [lane.unsettled, lane.queue]) {
      const at = list.indexOf(batch);
      if (at >= 0) list.splice(at, 1);
    }
  }
}
