import { errorNameOf, type ErrorName } from "../../../protocol/errors.ts";
import { fetchRequest, fetchResponse } from "../../../protocol/messages/fetch.ts";
import { produceRequest, produceResponse } from "../../../protocol/messages/produce.ts";
import { buildBatch } from "../../../protocol/records/build.ts";
import type { BrokerNode } from "../cell/broker-node.ts";
import type { ClientPlace } from "../cell/sim-cell.ts";
import { readRecords } from "../client/read-records.ts";
import { encodeValue } from "../client/record-value.ts";
import { NoAnswer, WireConnection } from "../client/wire-connection.ts";
import type { SeenRecord, SentBatch } from "../history/history.ts";
import { partitionKey } from "../history/history.ts";
import type { Stage } from "./stage.ts";

export type Asked = { readonly topic?: string; readonly index?: number };

export type Produced = { readonly error: ErrorName | "NO_ANSWER"; readonly baseOffset: number };

export type Fetched = {
  readonly error: ErrorName | "NO_ANSWER";
  readonly highWatermark: number;
  readonly records: readonly SeenRecord[];
  readonly preferredReplica: number;
};

const produceVersion = 13;
const fetchVersion = 16;
const timeoutMs = 20_000;
/** Of the batches it writes, among the producers of a history. */
const producer = 9_999;

/** Asks the broker it is told to ask, whoever leads: once, and takes the answer as it is. `stage.answer()` waits for one. */
export class Probe {
  readonly #stage: Stage;
  readonly #place: ClientPlace;
  #nextRecord = 0;

  constructor(stage: Stage, place: ClientPlace) {
    this.#stage = stage;
    this.#place = place;
  }

  /** One record. */
  async produce(
    node: BrokerNode,
    { topic = "orders", index = 0, acks = -1 }: Asked & { readonly acks?: -1 | 1 } = {},
  ): Promise<Produced> {
    const { history, world } = this.#stage;
    const topicId = this.#stage.topicId(topic);
    const sent: SentBatch = {
      producer,
      first: this.#nextRecord++,
      count: 1,
      partition: partitionKey(topicId, index),
      acks,
      isIdempotent: false,
      sentMs: world.nowMs,
      outcome: "pending",
      settledMs: Infinity,
      baseOffset: -1,
    };
    history.sent.push(sent);
    const value = encodeValue({ producer, counter: sent.first }, 20);
    const records = buildBatch([{ key: null, value, timestamp: this.#place.clock.nowMs() }]);
    const answered = await this.#with(node, async (connection) => {
      const answer = await connection.call(
        produceRequest,
        produceResponse,
        { version: produceVersion, timeoutMs },
        {
          acks,
          timeoutMs: timeoutMs - 1_000,
          topicData: [{ topicId, partitionData: [{ index, records }] }],
        },
      );
      return answer.responses[0]?.partitionResponses[0];
    });
    sent.settledMs = world.nowMs;
    const error = answered === undefined ? "NO_ANSWER" : errorNameOf(answered.errorCode);
    sent.outcome = error === "NONE" ? "acknowledged" : "unknown";
    sent.baseOffset = error === "NONE" ? (answered?.baseOffset ?? -1) : -1;
    return { error, baseOffset: sent.baseOffset };
  }

  /** What is there from an offset on, at once. `rack`: it may be a follower's (KIP-392). */
  async fetch(
    node: BrokerNode,
    {
      topic = "orders",
      index = 0,
      offset = 0,
      rack = "",
    }: Asked & {
      readonly offset?: number;
      readonly rack?: string;
    } = {},
  ): Promise<Fetched> {
    const topicId = this.#stage.topicId(topic);
    const part = await this.#with(node, async (connection) => {
      const answer = await connection.call(
        fetchRequest,
        fetchResponse,
        { version: fetchVersion, timeoutMs },
        {
          maxWaitMs: 0,
          minBytes: 1,
          maxBytes: 1_000_000,
          sessionId: 0,
          sessionEpoch: -1,
          topics: [
            {
              topicId,
              partitions: [
                {
                  partition: index,
                  currentLeaderEpoch: -1,
                  fetchOffset: offset,
                  partitionMaxBytes: 1_000_000,
                },
              ],
            },
          ],
          forgottenTopicsData: [],
          rackId: rack,
        },
      );
      const found = answer.responses[0]?.partitions[0];
      // Bytes are lent until the connection is asked again.
      return found && { ...found, read: readRecords(found.records, offset) };
    });
    if (part === undefined)
      return { error: "NO_ANSWER", highWatermark: -1, records: [], preferredReplica: -1 };
    const { damage } = part.read;
    if (damage !== null) this.#stage.world.fail(`${node.name} shows damaged bytes: ${damage}`);
    return {
      error: errorNameOf(part.errorCode),
      highWatermark: part.highWatermark,
      records: part.read.records,
      preferredReplica: part.preferredReadReplica,
    };
  }

  /** Undefined without an answer. */
  async #with<T>(
    node: BrokerNode,
    ask: (connection: WireConnection) => Promise<T>,
  ): Promise<T | undefined> {
    let connection: WireConnection | null = null;
    try {
      connection = await WireConnection.dial(this.#place, node.address);
      return await ask(connection);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return undefined;
    } finally {
      connection?.close("asked");
    }
  }
}
