import { setTimeout } from "node:timers/promises";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import { connectRawClient } from "../../test/support/raw-client.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { cpuOf, watchMemory } from "../harness/process-figures.ts";
import { spreadOf, spreadText } from "../harness/statistics.ts";
import { startColdBroker, startOnEmptyDisk, type ColdBroker } from "./cold-broker.ts";
import { farAway } from "./metered-store.ts";

// The process is killed and its disk is gone: how long until another one on an empty disk serves every partition with what packs have of it, and what that takes.
// The broker, the store and its distance are real; that packs come ten times as often as they do by default saves waiting for them.

const perTopic = 1_000;
const packEveryMs = 1_000;
/** Each partition has a batch in each pack. */
const packCount = 60;
const recordBytes = 1_000;
const patienceMs = 600_000;

const cell = { isTiered: true, isFar: true, isEphemeral: true, budgetBytes: 0, packEveryMs };

export async function recoveryTime({ rounds }: { rounds: number }): Promise<string> {
  const rows: string[][] = [];
  for (const partitionCount of [1_000, 10_000]) {
    const all: Recovered[] = [];
    for (let round = 0; round < rounds; round += 1) all.push(await recoverOnce(partitionCount));
    const text = (of: (each: Recovered) => number) => spreadText(spreadOf(all.map(of)));
    rows.push([
      partitionCount.toLocaleString("en-US"),
      text(({ packs }) => packs),
      text(({ upSeconds }) => upSeconds),
      text(({ servedSeconds }) => servedSeconds),
      text(({ cpuSeconds }) => cpuSeconds),
      text(({ rssMb }) => rssMb),
      text(({ gets }) => gets),
      text(({ puts }) => puts),
    ]);
  }
  const distance = `${farAway.firstByteMs} ms to the first byte and ${farAway.bytesPerSecond / 1e6} MB/s a request`;
  return [
    `${packCount} packs with a batch of ${recordBytes} bytes of each partition, ${distance}, ${rounds} rounds:`,
    markdownTable(
      ["partitions", "packs", "up s", "all served s", "CPU s", "RSS MB, highest", "GETs", "PUTs"],
      rows,
    ),
  ].join("\n\n");
}

type Recovered = {
  readonly packs: number;
  /** From the start of the process. */
  readonly upSeconds: number;
  readonly servedSeconds: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
  readonly gets: number;
  readonly puts: number;
};

async function recoverOnce(partitionCount: number): Promise<Recovered> {
  const packs = await packsOf(partitionCount);
  const beganMs = performance.now();
  const seconds = (): number => (performance.now() - beganMs) / 1_000;
  const second = await startOnEmptyDisk(cell);
  try {
    const upSeconds = seconds();
    const memory = watchMemory([second.pid]);
    await untilServed(second, partitionCount);
    const servedSeconds = seconds();
    const { user, system } = cpuOf([second.pid]);
    const { gets, puts } = (await second.figures()).figures;
    const putCount = Object.values(puts).reduce((sum, { count }) => sum + count, 0);
    const rssMb = memory.stop().totalMb;
    const cpuSeconds = user + system;
    return { packs, upSeconds, servedSeconds, cpuSeconds, rssMb, gets: gets.count, puts: putCount };
  } finally {
    await second.kill();
  }
}

/** How many packs the broker has put by the time that it is killed. */
async function packsOf(partitionCount: number): Promise<number> {
  const broker = await startColdBroker(cell);
  try {
    return await fill(broker, partitionCount);
  } finally {
    await broker.kill();
  }
}

async function untilServed(broker: ColdBroker, partitionCount: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const served = await broker.served();
    if (served === partitionCount) return;
    if (performance.now() > deadline) throw new Error(`${served} partitions are served`);
    await setTimeout(100);
  }
}

/** Resolves with the number of packs that were put. */
async function fill(broker: ColdBroker, partitionCount: number): Promise<number> {
  const topics = Array.from({ length: partitionCount / perTopic }, (_, index) => `cups-${index}`);
  const configs = { durability: "replicated" };
  for (const name of topics) await broker.create({ name, partitionCount: perTopic, configs });
  const client = await connectRawClient(createNodeNetwork(), {
    host: "127.0.0.1",
    port: broker.port,
  });
  const value = Buffer.alloc(recordBytes, "the quick brown fox ");
  const packsPut = async (): Promise<number> => (await broker.figures()).figures.puts.pack.count;
  for (let round = 0; round < packCount; round += 1) {
    const before = await packsPut();
    const records = buildBatch([{ key: null, value, timestamp: Date.now() }]);
    for (const name of topics) await produceAll(client, name, records);
    // Of what was written while one was put there is a rest for the next.
    while ((await packsPut()) === before) await setTimeout(50);
  }
  await setTimeout(3 * packEveryMs);
  await client.close();
  return packsPut();
}

async function produceAll(
  client: Awaited<ReturnType<typeof connectRawClient>>,
  name: string,
  records: Uint8Array,
): Promise<void> {
  const partitionData = Array.from({ length: perTopic }, (_, index) => ({ index, records }));
  const answer = await client.call(produceRequest, produceResponse, 12, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name, partitionData }],
  });
  const failed = answer.responses
    .flatMap(({ partitionResponses }) => partitionResponses)
    .find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined) throw new Error(`Kafka error code ${failed.errorCode}`);
}
