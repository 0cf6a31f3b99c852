import { errorNameOf, type ErrorName } from "../../../protocol/errors.ts";
import { fetchRequest, fetchResponse } from "../../../protocol/messages/fetch.ts";
import type { FetchResponse } from "../../../protocol/messages/fetch.ts";
import {
  listOffsetsRequest,
  listOffsetsResponse,
} from "../../../protocol/messages/list-offsets.ts";
import type { History } from "../history/history.ts";
import { noteServed, partitionKey } from "../history/history.ts";
import type { ClusterClient } from "./cluster-client.ts";
import { readRecords } from "./read-records.ts";
import { NoAnswer, type WireConnection } from "./wire-connection.ts";

export type FetchedPartition = {
  readonly topic: string;
  readonly index: number;
  topicId: string;
  /** The next offset to read. */
  position: number;
  leaderEpoch: number;
  lastHighWatermark: number;
};

export type FetcherOptions = {
  readonly name: string;
  readonly history: History;
  /** KIP-227: the broker remembers what is asked for. */
  readonly usesSessions: boolean;
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly rack: string;
};

const fetchVersion = 16;
const listVersion = 7;
export const earliest = -2;
export const latest = -1;

/** As it was asked for: an answer may come when it is led anew, or read on from elsewhere. */
type Asked = {
  readonly topicId: string;
  readonly position: number;
  readonly leaderEpoch: number;
};

type Session = { id: number; epoch: number; readonly sent: Map<string, number> };

/** Reads some partitions from their leaders, over and over, and notes what it sees. */
export class Fetcher {
  readonly #client: ClusterClient;
  readonly #options: FetcherOptions;
  readonly #partitions = new Map<string, FetchedPartition>();
  readonly #sessions = new Map<number, Session>();
  readonly #busy = new Set<number>();
  #isStopped = false;

  constructor(client: ClusterClient, options: FetcherOptions) {
    this.#client = client;
    this.#options = options;
  }

  get partitions(): Iterable<FetchedPartition> {
    return this.#partitions.values();
  }

  /** Reads these from now on, and no others. */
  assign(partitions: readonly { topic: string; index: number; position: number }[]): void {
    this.#partitions.clear();
    for (const { topic, index, position } of partitions) {
      this.#partitions.set(`${topic}/${index}`, {
        topic,
        index,
        topicId: "",
        position,
        leaderEpoch: -1,
        lastHighWatermark: -1,
      });
    }
    this.#sessions.clear();
    this.#client.want(partitions.map(({ topic }) => topic));
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const byLeader = await this.#byLeader();
      const idle = [...byLeader].filter(([nodeId]) => !this.#busy.has(nodeId));
      for (const [nodeId, partitions] of idle) void this.#visit(nodeId, partitions);
      await this.#client.sleep(byLeader.size === 0 ? 200 : 20);
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #byLeader(): Promise<Map<number, FetchedPartition[]>> {
    const found = new Map<number, FetchedPartition[]>();
    for (const partition of Array.from(this.#partitions.values())) {
      const leader = await this.#client.leaderOf(partition.topic, partition.index);
      if (leader === null) continue;
      if (partition.topicId !== leader.topicId) {
        // Another topic of the name: it begins at its beginning.
        if (partition.topicId !== "") partition.position = 0;
        partition.topicId = leader.topicId;
        partition.lastHighWatermark = -1;
      }
      partition.leaderEpoch = leader.epoch;
      const list = found.get(leader.nodeId);
      if (list === undefined) found.set(leader.nodeId, [partition]);
      else list.push(partition);
    }
    return found;
  }

  async #visit(nodeId: number, partitions: FetchedPartition[]): Promise<void> {
    this.#busy.add(nodeId);
    try {
      const connection = await this.#client.connectionTo(nodeId);
      await this.#fetch(connection, nodeId, partitions);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#sessions.delete(nodeId);
      void this.#client.refresh();
      await this.#client.backoff(2);
    } finally {
      this.#busy.delete(nodeId);
    }
  }

  async #fetch(
    connection: WireConnection,
    nodeId: number,
    partitions: FetchedPartition[],
  ): Promise<void> {
    const { usesSessions, maxWaitMs, maxBytes, rack } = this.#options;
    const { world } = this.#client.place;
    const session = usesSessions ? this.#sessionOf(nodeId) : null;
    const asked = partitions.filter((each) => this.#isNews(session, each));
    const asOf = new Map<FetchedPartition, Asked>(
      partitions.map((each) => [
        each,
        { topicId: each.topicId, position: each.position, leaderEpoch: each.leaderEpoch },
      ]),
    );
    const askedMs = world.nowMs;
    const options = { version: fetchVersion, timeoutMs: maxWaitMs + 5_000 };
    const answer = await connection.call(fetchRequest, fetchResponse, options, {
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      sessionId: session?.id ?? 0,
      sessionEpoch: session?.epoch ?? -1,
      topics: asked.map(({ topicId, index, leaderEpoch, position }) => ({
        topicId,
        partitions: [
          {
            partition: index,
            currentLeaderEpoch: leaderEpoch,
            fetchOffset: position,
            partitionMaxBytes: maxBytes,
          },
        ],
      })),
      forgottenTopicsData: [],
      rackId: rack,
    });
    if (answer.errorCode !== 0) {
      this.#sessions.delete(nodeId);
      return this.#client.backoff(0);
    }
    if (session !== null) this.#answered(session, answer.sessionId, { asked, asOf });
    await this.#take(answer, asOf, askedMs);
  }

  #sessionOf(nodeId: number): Session {
    let session = this.#sessions.get(nodeId);
    if (session === undefined) {
      session = { id: 0, epoch: 0, sent: new Map() };
      this.#sessions.set(nodeId, session);
    }
    return session;
  }

  /** An incremental request names what differs from what the session knows. */
  #isNews(session: Session | null, { topicId, index, position, leaderEpoch }: FetchedPartition) {
    if (session === null || session.epoch === 0) return true;
    return session.sent.get(`${topicId}/${index}`) !== position * 1_000 + leaderEpoch;
  }

  #answered(
    session: Session,
    id: number,
    {
      asked,
      asOf,
    }: {
      asked: readonly FetchedPartition[];
      asOf: ReadonlyMap<FetchedPartition, Asked>;
    },
  ): void {
    for (const each of asked) {
      const { position, leaderEpoch } = asOf.get(each)!;
      session.sent.set(`${each.topicId}/${each.index}`, position * 1_000 + leaderEpoch);
    }
    session.id = id;
    session.epoch = id === 0 ? 0 : session.epoch + 1;
    if (id === 0) session.sent.clear();
  }

  async #take(
    answer: FetchResponse,
    asOf: ReadonlyMap<FetchedPartition, Asked>,
    askedMs: number,
  ): Promise<void> {
    let hasMoved = false;
    const named = new Set<string>();
    for (const { topicId, partitions } of answer.responses) {
      for (const part of partitions) {
        const partition = this.#find(topicId, part.partitionIndex);
        const asked = partition === undefined ? undefined : asOf.get(partition);
        named.add(`${topicId}/${part.partitionIndex}`);
        // Read for an assignment that is over.
        if (partition === undefined || asked?.position !== partition.position) continue;
        const error = errorNameOf(part.errorCode);
        const { leaderEpoch } = asked;
        if (error === "NONE")
          hasMoved = this.#note(partition, part, { askedMs, leaderEpoch }) || hasMoved;
        else await this.#recover(partition, error);
      }
    }
    // A session answers of the others that nothing is new, in the name of their leader as well. What it names may be of an assignment that is over.
    for (const [{ index }, { topicId, leaderEpoch }] of asOf) {
      if (!named.has(`${topicId}/${index}`))
        noteServed(this.#options.history, { topicId, index, leaderEpoch, askedMs });
    }
    if (!hasMoved) await this.#client.sleep(1);
  }

  #find(topicId: string, index: number): FetchedPartition | undefined {
    for (const each of this.#partitions.values()) {
      if (each.topicId === topicId && each.index === index) return each;
    }
    return undefined;
  }

  #note(
    partition: FetchedPartition,
    part: FetchResponse["responses"][number]["partitions"][number],
    { askedMs, leaderEpoch }: { readonly askedMs: number; readonly leaderEpoch: number },
  ): boolean {
    const { highWatermark } = part;
    noteServed(this.#options.history, { ...partition, leaderEpoch, askedMs });
    const read = readRecords(part.records, partition.position);
    if (read.damage !== null) {
      this.#client.place.world.fail(
        `${this.#options.name} reads damaged bytes at ${partition.position} of ${partition.topic}/${partition.index}: ${read.damage}`,
      );
    }
    const isNews = read.nextOffset > partition.position;
    if (isNews || highWatermark !== partition.lastHighWatermark) {
      this.#options.history.seen.push({
        reader: this.#options.name,
        partition: partitionKey(partition.topicId, partition.index),
        askedMs,
        answeredMs: this.#client.place.world.nowMs,
        leaderEpoch,
        isListed: false,
        fetchOffset: partition.position,
        highWatermark,
        records: read.records,
        strangers: read.strangers,
        skipped: read.skipped,
      });
    }
    partition.lastHighWatermark = highWatermark;
    partition.position = read.nextOffset;
    return isNews;
  }

  async #recover(partition: FetchedPartition, error: ErrorName): Promise<void> {
    this.#client.place.world.trace(
      () => `${this.#options.name} is told ${error} at ${partition.position} of ${partition.topic}`,
    );
    if (error === "OFFSET_OUT_OF_RANGE") {
      const start = await this.list(partition, earliest);
      if (start !== null) partition.position = Math.max(start, 0);
    }
    void this.#client.refresh();
    await this.#client.backoff(1);
  }

  /** ListOffsets; null without an answer. */
  async list(
    { topic, index }: { readonly topic: string; readonly index: number },
    timestamp: number,
  ): Promise<number | null> {
    try {
      const leader = await this.#client.leaderOf(topic, index);
      if (leader === null) return null;
      const connection = await this.#client.connectionTo(leader.nodeId);
      const { world } = this.#client.place;
      const askedMs = world.nowMs;
      const options = { version: listVersion, timeoutMs: 5_000 };
      const answer = await connection.call(listOffsetsRequest, listOffsetsResponse, options, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic, partitions: [{ partitionIndex: index, timestamp }] }],
        timeoutMs: 0,
      });
      const partition = answer.topics[0]?.partitions[0];
      if (partition === undefined) return null;
      if (partition.errorCode !== 0) {
        world.trace(() => `${this.#options.name} is told ${errorNameOf(partition.errorCode)}`);
        return null;
      }
      if (timestamp === latest) {
        this.#options.history.seen.push({
          reader: this.#options.name,
          partition: partitionKey(leader.topicId, index),
          askedMs,
          answeredMs: world.nowMs,
          leaderEpoch: leader.epoch,
          isListed: true,
          fetchOffset: -1,
          highWatermark: partition.offset,
          records: [],
          strangers: [],
          skipped: [],
        });
      }
      return partition.offset;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return null;
    }
  }
}
