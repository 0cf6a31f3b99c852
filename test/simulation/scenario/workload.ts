import type { NewTopic } from "../../../metadata/commands/create-topics.ts";
import type { Codec } from "../../../protocol/compression/codec.ts";
import type { SimCell } from "../cell/sim-cell.ts";
import { ClusterClient } from "../client/cluster-client.ts";
import { earliest, Fetcher, latest } from "../client/fetcher.ts";
import { GroupMember, type GroupMemberOptions } from "../client/group-member.ts";
import { SimProducer, type ProducerOptions } from "../client/producer.ts";
import { Rereader } from "../client/rereader.ts";
import { Trimmer } from "../client/trimmer.ts";
import type { History } from "../history/history.ts";
import { newHistory, partitionKey } from "../history/history.ts";
import type { Stream } from "../world/random-streams.ts";
import { coldRecords } from "./cold-records.ts";
import type { Promises } from "./promises.ts";
import { isRetained, type ColdClients } from "./tiering-plan.ts";
import type { TopicLimits } from "./topic-limits.ts";

export type TopicPlan = NewTopic & {
  readonly name: string;
  readonly partitionCount: number;
  /** Of a compacted one: how many keys its records have. */
  readonly keyCount?: number | undefined;
};

/** What clients there are, and what they do. */
export type WorkloadPlan = {
  readonly topics: readonly TopicPlan[];
  readonly producers: readonly Omit<ProducerOptions, "number">[];
  readonly consumers: readonly { readonly topic: string; readonly usesSessions: boolean }[];
  readonly members: readonly GroupMemberOptions[];
  /** Clients that ask, again and again, where partitions end. */
  readonly listers: readonly { readonly topic: string; readonly pauseMs: number }[];
} & ColdClients;

/** A load drawn from a stream: few or many clients, of every kind. */
export function drawWorkload(
  stream: Stream,
  brokerCount: number,
  limits: TopicLimits = {},
): WorkloadPlan {
  const topics = Array.from({ length: 1 + stream.int(3) }, (_, at) =>
    limited(drawTopic(stream, `topic-${at}`, brokerCount), limits),
  );
  // Many brokers have more to do between two batches, and their timers are long: the same number of events is to be worth as much time.
  const pauseMs = stream.logBetween(5, 1_500) * (brokerCount === 1 ? 1 : 4);
  const topicName = (): string => stream.pick(topics).name;
  return {
    topics,
    producers: Array.from({ length: 1 + stream.int(5) }, () =>
      drawProducer(stream, topicName(), pauseMs),
    ),
    consumers: Array.from({ length: stream.int(4) }, () => ({
      topic: topicName(),
      usesSessions: stream.chance(0.7),
    })),
    members: drawMembers(stream, topics),
    listers: Array.from({ length: stream.int(2) }, () => ({
      topic: topicName(),
      pauseMs: stream.logBetween(100, 5_000),
    })),
    rereaders: [],
    trimmers: [],
  };
}

function limited(topic: TopicPlan, limits: TopicLimits): TopicPlan {
  const { partitionCount = topic.partitionCount, replicationFactor, minIsr, durability } = limits;
  return {
    ...topic,
    partitionCount,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    configs: {
      ...topic.configs,
      ...(minIsr === undefined ? {} : { "min.insync.replicas": String(minIsr) }),
      ...(durability === undefined ? {} : { durability }),
    },
  };
}

function drawTopic(stream: Stream, name: string, brokerCount: number): TopicPlan {
  const durability = stream.chance(0.5) ? "fsync" : "replicated";
  const replicationFactor = Math.min(brokerCount, stream.pick([1, 2, 3, 3, 3]));
  const minIsr = replicationFactor === 3 ? stream.pick([1, 2, 2, 2]) : 1;
  return {
    name,
    partitionCount: 1 + stream.int(4),
    replicationFactor,
    configs: {
      durability,
      ...(replicationFactor === 1 ? {} : { "min.insync.replicas": String(minIsr) }),
    },
  };
}

function drawProducer(
  stream: Stream,
  topic: string,
  pauseMs: number,
): Omit<ProducerOptions, "number"> {
  const isIdempotent = stream.chance(0.7);
  const acks = isIdempotent ? -1 : stream.pick([-1, 1, 1, 0] as const);
  return {
    topic,
    acks,
    isIdempotent,
    maxInFlight: stream.pick([1, 1, 2, 5]),
    pauseMs,
    maxRecords: stream.pick([1, 3, 20]),
    maxFillBytes: stream.pick([1, 100, 100, 5_000]),
    codec: stream.chance(0.8) ? "none" : stream.pick<Codec>(["gzip", "snappy", "lz4", "zstd"]),
    requestTimeoutMs: stream.pick([2_000, 10_000, 30_000]),
    deliveryTimeoutMs: stream.pick([15_000, 60_000, 120_000]),
  };
}

function drawMembers(stream: Stream, topics: readonly TopicPlan[]): GroupMemberOptions[] {
  const members: GroupMemberOptions[] = [];
  const groupCount = stream.pick([0, 0, 1, 1, 2]);
  for (let group = 0; group < groupCount; group++) {
    const read = topics.filter(() => stream.chance(0.7)).map(({ name }) => name);
    const options = {
      group: `group-${group}`,
      topics: read.length === 0 ? [topics[0]!.name] : read,
      sessionTimeoutMs: stream.pick([6_000, 10_000, 30_000]),
      heartbeatMs: 1_000,
      commitMs: stream.pick([500, 2_000, 5_000]),
      usesSessions: stream.chance(0.5),
    };
    const memberCount = 1 + stream.int(3);
    for (let member = 0; member < memberCount; member++) members.push(options);
  }
  return members;
}

/** The clients of a run, and what they saw. */
export class Workload {
  readonly history: History = newHistory();
  readonly plan: WorkloadPlan;
  readonly #cell: SimCell;
  readonly #promises: Promises;
  readonly #producers: SimProducer[] = [];
  readonly #consumers: { fetcher: Fetcher; client: ClusterClient }[] = [];
  readonly #members: GroupMember[] = [];
  readonly #cold: (Rereader | Trimmer)[] = [];
  #isOver = false;

  constructor(cell: SimCell, plan: WorkloadPlan, promises: Promises) {
    this.#cell = cell;
    this.plan = plan;
    this.#promises = promises;
  }

  /** Makes the topics and starts everyone. */
  async start(clusterId: string): Promise<void> {
    for (const topic of this.plan.topics) {
      const topicId = await this.#cell.control.createTopic(clusterId, topic);
      this.#noteTrimmed(topicId, topic);
      this.#noteCompacted(topicId, topic);
    }
    for (const [number, options] of this.plan.producers.entries()) {
      const place = this.#cell.addClient(`producer-${number}`);
      const { keyCount } = this.plan.topics.find(({ name }) => name === options.topic) ?? {};
      const producer = new SimProducer(place, this.history, { ...options, number, keyCount });
      this.#producers.push(producer);
      producer.start();
    }
    for (const [number, { topic, usesSessions }] of this.plan.consumers.entries()) {
      this.#startConsumer(`consumer-${number}`, topic, usesSessions);
    }
    for (const [number, { topic, pauseMs }] of this.plan.listers.entries()) {
      this.#startLister(`lister-${number}`, topic, pauseMs);
    }
    for (const [number, options] of this.plan.members.entries()) {
      const place = this.#cell.addClient(`member-${number}`);
      const member = new GroupMember(place, this.history, options);
      this.#members.push(member);
      member.start();
    }
    this.#startCold();
  }

  /** Of these the log start may move. */
  #noteTrimmed(topicId: string, { name, partitionCount, configs }: TopicPlan): void {
    if (!isRetained(configs) && !this.plan.trimmers.some(({ topic }) => topic === name)) return;
    for (let index = 0; index < partitionCount; index++) {
      this.history.trimmed.add(partitionKey(topicId, index));
    }
  }

  #noteCompacted(topicId: string, { partitionCount, keyCount }: TopicPlan): void {
    if (keyCount === undefined) return;
    for (let index = 0; index < partitionCount; index++) {
      this.history.compacted.set(partitionKey(topicId, index), keyCount);
    }
  }

  #startCold(): void {
    const { history } = this;
    const begin = (name: string, topic: string, pauseMs: number, kind: "reread" | "trim"): void => {
      const place = this.#cell.addClient(name);
      const { partitionCount = 0 } = this.plan.topics.find((each) => each.name === topic) ?? {};
      const options = { name, history, topic, partitionCount, pauseMs };
      const client = kind === "trim" ? new Trimmer(place, options) : new Rereader(place, options);
      this.#cold.push(client);
      place.process.deliver(() => void client.run());
    };
    for (const [number, { topic, pauseMs }] of this.plan.rereaders.entries())
      begin(`rereader-${number}`, topic, pauseMs, "reread");
    for (const [number, { topic, pauseMs }] of this.plan.trimmers.entries())
      begin(`trimmer-${number}`, topic, pauseMs, "trim");
  }

  #startLister(name: string, topic: string, pauseMs: number): void {
    const place = this.#cell.addClient(name);
    const client = new ClusterClient(place);
    const options = { usesSessions: false, maxWaitMs: 0, maxBytes: 0, rack: "" };
    const fetcher = new Fetcher(client, { name, history: this.history, ...options });
    const count = this.plan.topics.find((each) => each.name === topic)?.partitionCount ?? 0;
    client.want([topic]);
    const list = async (): Promise<void> => {
      for (let index = 0; !this.#isOver; index = (index + 1) % count) {
        const end = await fetcher.list({ topic, index }, latest);
        if (end === null) await client.refresh();
        await client.sleep(pauseMs);
      }
      client.disconnect();
    };
    place.process.deliver(() => void list());
  }

  #startConsumer(name: string, topic: string, usesSessions: boolean): void {
    const place = this.#cell.addClient(name);
    const client = new ClusterClient(place);
    const options = { maxWaitMs: 500, maxBytes: place.stream.pick([2_000, 64_000, 1_000_000]) };
    const { history } = this;
    const fetcher = new Fetcher(client, { name, history, usesSessions, rack: "", ...options });
    const count = this.plan.topics.find((each) => each.name === topic)?.partitionCount ?? 0;
    const partitions = Array.from({ length: count }, (_, index) => ({ topic, index, position: 0 }));
    this.#consumers.push({ fetcher, client });
    place.process.deliver(() => {
      fetcher.assign(partitions);
      void fetcher.run();
    });
  }

  /** Ends the load; resolves when every batch is settled and every member has left. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#producers.map((producer) => producer.stop()));
    await Promise.all(this.#members.map((member) => member.stop()));
    for (const { fetcher, client } of this.#consumers) {
      fetcher.stop();
      client.disconnect();
    }
    for (const client of this.#cold) client.stop();
  }

  /** Reads every partition from end to end into the history. */
  async readBack(clusterId: string): Promise<void> {
    const place = this.#cell.addClient("reader");
    const image = await this.#cell.control.image();
    for (const topic of image.topics.values()) {
      if (topic.clusterId !== clusterId) continue;
      for (const { index } of topic.partitions) await this.#readWhole(place, topic, index);
    }
  }

  async #readWhole(
    place: ReturnType<SimCell["addClient"]>,
    { name, topicId }: { name: string; topicId: string },
    index: number,
  ): Promise<void> {
    const seen = newHistory();
    const client = new ClusterClient(place);
    const options = { maxWaitMs: 100, maxBytes: 1_000_000, rack: "" };
    const fetcher = new Fetcher(client, {
      name: "reader",
      history: seen,
      usesSessions: false,
      ...options,
    });
    client.want([name]);
    const start = await until(client, () => fetcher.list({ topic: name, index }, earliest));
    const end = await until(client, () => fetcher.list({ topic: name, index }, latest));
    fetcher.assign([{ topic: name, index, position: start }]);
    void fetcher.run();
    const [partition] = fetcher.partitions;
    while (partition!.position < end) await client.sleep(10);
    // Retention goes on meanwhile: what it let go of need not have been read.
    const startNow = await until(client, () => fetcher.list({ topic: name, index }, earliest));
    fetcher.stop();
    client.disconnect();
    // What the reader was told is judged with the rest.
    this.history.seen.push(...seen.seen);
    const gaps = this.#promises.skipped(topicId, index);
    const key = partitionKey(topicId, index);
    const isCompacted = this.history.compacted.has(key);
    const cold = isCompacted ? coldRecords(this.#cell, { topicId, index }) : null;
    const read = seen.seen.flatMap(({ records }) => records);
    this.history.final.set(key, {
      ...(cold === null
        ? {}
        : { cold: [...cold.records, ...read.filter(({ offset }) => offset >= cold.end)] }),
      logStartOffset: startNow,
      endOffset: end,
      records: read,
      strangers: seen.seen.flatMap(({ strangers }) => strangers),
      skipped: [...seen.seen.flatMap(({ skipped }) => skipped), ...gaps],
      gaps,
      excused: this.#promises.excused(topicId, index),
    });
  }
}

async function until(client: ClusterClient, ask: () => Promise<number | null>): Promise<number> {
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    await client.sleep(200);
    await client.refresh();
  }
}
