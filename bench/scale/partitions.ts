import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../protocol/messages/find-coordinator.ts";
import { metadataRequest, metadataResponse } from "../../protocol/messages/metadata.ts";
import type { RawClient } from "../../test/support/raw-client.ts";
import { memoryOf } from "../harness/process-figures.ts";
import { type BrokerProcess, startBroker } from "./broker-process.ts";
import { commitEach, createTopics, makeBatch, produceToEach } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";
import type { ProbeReport } from "./probe.ts";

export const name = "partitions";
export const title = "Partitions of one broker: time to create, longest pause, memory each";

const usualCount = 10_000;
const perTopic = 10;

export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  return [
    ...(await oneTopic(count, say)),
    ...(await manyTopics(count, say)),
    ...(await overHttp(count, say)),
  ];
}

type Step = { readonly ms: number; readonly after: ProbeReport; readonly rssMb: number };

/** Does the work, and says how long it took, the longest pause meanwhile and what memory is held afterwards. */
async function step(broker: BrokerProcess, work: () => Promise<unknown>): Promise<Step> {
  await broker.watch();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  // A pause counts when the timer that it held up has fired.
  await new Promise((fired) => setTimeout(fired, 50));
  const { longestPauseMs, p99PauseMs } = await broker.ask("report");
  const after = { ...(await broker.ask("collect")), longestPauseMs, p99PauseMs };
  return { ms, after, rssMb: memoryOf([broker.pid]).totalMb };
}

/** Of objects and of buffers beside them. */
const held = ({ after }: Step): number => after.heapUsedMb + after.externalMb;

async function withBroker<Result>(
  use: (broker: BrokerProcess, client: RawClient) => Promise<Result>,
): Promise<Result> {
  const broker = await startBroker();
  try {
    const client = await broker.connect();
    return await use(broker, client);
  } finally {
    await broker.stop();
  }
}

async function oneTopic(count: number, say: (line: string) => void): Promise<Figure[]> {
  return withBroker(async (broker, client) => {
    const empty = await step(broker, async () => {});
    const created = await step(broker, () =>
      createTopics(client, [{ name: "one", partitions: count }]),
    );
    say(`  one topic of ${count}: ${created.ms.toFixed(0)} ms`);
    const described = await step(broker, () => describeAll(client));
    const batch = makeBatch(1, 100);
    const filled = await step(broker, () =>
      produceToEach(client, "one", { partitions: count, batch, requestBytes: 100_000 }),
    );
    const again = await step(broker, () =>
      produceToEach(client, "one", { partitions: count, batch, requestBytes: 100_000 }),
    );
    await findCoordinator(client, "group");
    const committed = await step(broker, () =>
      commitEach(client, { groupId: "group", topic: "one", partitions: count }),
    );
    const bytesEach = (from: Step, to: Step): number => ((held(to) - held(from)) * 1e6) / count;
    return [
      { what: "empty broker: RSS", value: empty.rssMb, unit: "MB" },
      { what: "empty broker: heap", value: empty.after.heapUsedMb, unit: "MB" },
      { what: `one topic of ${count}: CreateTopics`, value: created.ms, unit: "ms" },
      { what: "longest pause meanwhile", value: created.after.longestPauseMs, unit: "ms" },
      { what: "memory of an idle partition", value: bytesEach(empty, created), unit: "bytes" },
      { what: "RSS with them", value: created.rssMb, unit: "MB" },
      { what: "Metadata of all of them", value: described.ms, unit: "ms" },
      { what: "longest pause meanwhile", value: described.after.longestPauseMs, unit: "ms" },
      { what: "first batch of 100 B to each", value: filled.ms, unit: "ms" },
      { what: "longest pause meanwhile", value: filled.after.longestPauseMs, unit: "ms" },
      {
        what: "memory of a partition with one batch",
        value: bytesEach(empty, filled),
        unit: "bytes",
      },
      { what: "second batch to each", value: again.ms, unit: "ms" },
      { what: "one offset committed for each", value: committed.ms, unit: "ms" },
      { what: "longest pause meanwhile", value: committed.after.longestPauseMs, unit: "ms" },
      { what: "memory of a committed offset", value: bytesEach(again, committed), unit: "bytes" },
      { what: "RSS with all that", value: committed.rssMb, unit: "MB" },
    ];
  });
}

async function describeAll(client: RawClient): Promise<void> {
  await client.call(metadataRequest, metadataResponse, 12, {
    topics: null,
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: false,
  });
}

/** Until the coordinator is there: its partitions are created by the first who asks. */
async function findCoordinator(client: RawClient, key: string): Promise<void> {
  for (;;) {
    const answer = await client.call(findCoordinatorRequest, findCoordinatorResponse, 3, {
      key,
      keyType: 0,
    });
    if (answer.errorCode === 0) return;
    await new Promise((later) => setTimeout(later, 50));
  }
}

async function manyTopics(count: number, say: (line: string) => void): Promise<Figure[]> {
  const topics = Array.from({ length: count / perTopic }, (_, index) => ({
    name: `topic-${index}`,
    partitions: perTopic,
  }));
  const oneByOne = await withBroker(async (broker, client) => {
    const empty = await step(broker, async () => {});
    const created = await step(broker, async () => {
      for (const topic of topics) await createTopics(client, [topic]);
    });
    return { created, bytesEach: ((held(created) - held(empty)) * 1e6) / count };
  });
  say(`  ${topics.length} topics of ${perTopic}, one by one: ${oneByOne.created.ms.toFixed(0)} ms`);
  const atOnce = await withBroker((broker, client) =>
    step(broker, () => createTopics(client, topics)),
  );
  say(`  at once: ${atOnce.ms.toFixed(0)} ms`);
  const label = `${topics.length} topics of ${perTopic}`;
  return [
    { what: `${label}: CreateTopics one by one`, value: oneByOne.created.ms, unit: "ms" },
    { what: "longest pause meanwhile", value: oneByOne.created.after.longestPauseMs, unit: "ms" },
    { what: "memory of an idle partition", value: oneByOne.bytesEach, unit: "bytes" },
    { what: `${label}: in one CreateTopics`, value: atOnce.ms, unit: "ms" },
    { what: "longest pause meanwhile", value: atOnce.after.longestPauseMs, unit: "ms" },
  ];
}

async function overHttp(count: number, say: (line: string) => void): Promise<Figure[]> {
  const topics = count / perTopic;
  const created = await withBroker(async (broker) => {
    const clusterId = await firstCluster(broker.httpUrl);
    return step(broker, async () => {
      for (let index = 0; index < topics; index++)
        await post(`${broker.httpUrl}/kafka/v3/clusters/${clusterId}/topics`, {
          topic_name: `topic-${index}`,
          partitions_count: perTopic,
        });
    });
  });
  say(`  over HTTP: ${created.ms.toFixed(0)} ms`);
  return [
    {
      what: `${topics} topics of ${perTopic}: over HTTP one by one`,
      value: created.ms,
      unit: "ms",
    },
    { what: "longest pause meanwhile", value: created.after.longestPauseMs, unit: "ms" },
  ];
}

async function firstCluster(httpUrl: string): Promise<string> {
  const response = await fetch(`${httpUrl}/kafka/v3/clusters`);
  const { data } = (await response.json()) as { data: { cluster_id: string }[] };
  const [first] = data;
  if (first === undefined) throw new Error("the cell has no cluster");
  return first.cluster_id;
}

async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}
