import {
  createTopicsRequest,
  createTopicsResponse,
} from "../../protocol/messages/create-topics.ts";
import {
  deleteTopicsRequest,
  deleteTopicsResponse,
} from "../../protocol/messages/delete-topics.ts";
import { metadataRequest, metadataResponse } from "../../protocol/messages/metadata.ts";
import type { RawClient } from "../../test/support/raw-client.ts";
import { cpuOf, memoryOf } from "../harness/process-figures.ts";
import { median } from "../harness/statistics.ts";
import { type BrokerProcess, startBroker } from "./broker-process.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "topics";
export const title = "A thousand topics, created by the HTTP API and by Kafka's, and deleted";

const usualCount = 1_000;
const atOnce = 8;
const partitions = 3;

type Way = {
  readonly title: string;
  readonly workers: number;
  readonly create: (topic: string) => Promise<void>;
};

export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const broker = await startBroker();
  const clients: RawClient[] = [];
  try {
    for (let index = 0; index < atOnce; index++) clients.push(await broker.connect());
    const [client] = clients;
    if (client === undefined) throw new Error("no client");
    const base = await topicsUrl(broker);
    const byHttp = (topic: string): Promise<void> => createByHttp(base, topic);
    const byKafka = (topic: string): Promise<void> =>
      createByKafka(clients[Number(topic.split("-")[1]) % atOnce] ?? client, topic);
    const ways: Way[] = [
      { title: "HTTP API, one after another", workers: 1, create: byHttp },
      { title: `HTTP API, ${atOnce} at once`, workers: atOnce, create: byHttp },
      { title: "CreateTopics, one after another", workers: 1, create: byKafka },
      { title: `CreateTopics, ${atOnce} at once`, workers: atOnce, create: byKafka },
    ];
    const figures: Figure[] = [];
    const before = await look(broker);
    for (const [index, way] of ways.entries())
      figures.push(...(await createAll({ broker, way, count, prefix: `way${index}`, say })));
    const after = await look(broker);
    const more = `with ${ways.length * count} topics, over that without`;
    figures.push(
      { what: `resident ${more}`, value: after.rssMb - before.rssMb, unit: "MB" },
      { what: `on the heap ${more}`, value: after.heapMb - before.heapMb, unit: "MB" },
      { what: "Metadata of all of them", value: await metadataMs(client), unit: "ms" },
      {
        what: `DeleteTopics, ${count} in requests of 100`,
        value: await deleteAll(client, count),
        unit: "s",
      },
    );
    return figures;
  } finally {
    for (const client of clients) await client.close();
    await broker.stop();
  }
}

async function look(broker: BrokerProcess): Promise<{ rssMb: number; heapMb: number }> {
  await broker.ask("collect");
  const { heapUsedMb } = await broker.ask("collect");
  return { rssMb: memoryOf([broker.pid]).totalMb, heapMb: heapUsedMb };
}

async function createAll({
  broker,
  way,
  count,
  prefix,
  say,
}: {
  broker: BrokerProcess;
  way: Way;
  count: number;
  prefix: string;
  say: (line: string) => void;
}): Promise<Figure[]> {
  await way.create(`${prefix}-0-warm`);
  const times: number[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const startedAt = performance.now();
      await way.create(`${prefix}-${number}`);
      times[number] = performance.now() - startedAt;
    }
  };
  await broker.watch();
  const cpuBefore = cpuOf([broker.pid]);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: way.workers }, work));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuOf([broker.pid]);
  const { longestPauseMs } = await broker.ask("report");
  const tenth = Math.max(1, Math.floor(count / 10));
  const sorted = times.toSorted((a, b) => a - b);
  say(`  ${way.title}: ${seconds.toFixed(1)} s`);
  const figure = (what: string, value: number, unit: string): Figure => ({
    what: `${way.title}: ${what}`,
    value,
    unit,
  });
  return [
    figure(`${count} topics of ${partitions} partitions`, seconds, "s"),
    figure("median", median(times), "ms"),
    figure("p99", sorted[Math.floor(count * 0.99)] ?? NaN, "ms"),
    figure("median of the last tenth, of the first's", growth(times, tenth), "x"),
    figure(
      "broker's CPU each",
      ((cpu.user + cpu.system - cpuBefore.user - cpuBefore.system) * 1000) / count,
      "ms",
    ),
    figure("the broker's longest pause", longestPauseMs, "ms"),
  ];
}

const growth = (times: readonly number[], tenth: number): number =>
  median(times.slice(-tenth)) / median(times.slice(0, tenth));

async function topicsUrl({ httpUrl }: BrokerProcess): Promise<string> {
  const answer = await fetch(`${httpUrl}/kafka/v3/clusters`);
  const { data } = (await answer.json()) as { data: { cluster_id: string }[] };
  return `${httpUrl}/kafka/v3/clusters/${data[0]?.cluster_id}/topics`;
}

async function createByHttp(url: string, topic: string): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ topic_name: topic, partitions_count: partitions }),
  });
  if (!answer.ok) throw new Error(`${topic}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

async function createByKafka(client: RawClient, topic: string): Promise<void> {
  const { topics } = await client.call(createTopicsRequest, createTopicsResponse, 7, {
    topics: [
      {
        name: topic,
        numPartitions: partitions,
        replicationFactor: -1,
        assignments: [],
        configs: [],
      },
    ],
    timeoutMs: 30_000,
  });
  const { errorCode } = topics[0] ?? {};
  if (errorCode !== 0) throw new Error(`${topic}: error ${errorCode}`);
}

async function metadataMs(client: RawClient): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 9; round++) {
    const startedAt = performance.now();
    await client.call(metadataRequest, metadataResponse, 12, { topics: null });
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

async function deleteAll(client: RawClient, count: number): Promise<number> {
  const startedAt = performance.now();
  for (let first = 0; first < count; first += 100) {
    const names = Array.from(
      { length: Math.min(100, count - first) },
      (_, at) => `way0-${first + at}`,
    );
    const { responses } = await client.call(deleteTopicsRequest, deleteTopicsResponse, 5, {
      topicNames: names,
      timeoutMs: 30_000,
    });
    const failed = responses.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw new Error(`${failed.name}: error ${failed.errorCode}`);
  }
  return (performance.now() - startedAt) / 1000;
}
