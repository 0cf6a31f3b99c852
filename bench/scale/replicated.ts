import { mkdirSync, rmSync } from "node:fs";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import { produceRequest, produceResponse } from "../../protocol/messages/produce.ts";
import { connectRawClient } from "../../test/support/raw-client.ts";
import { type ProcessCell, startProcessCell } from "../cell/process-cell.ts";
import { whenWell } from "../cell/wellness.ts";
import { cpuOf, memoryOf } from "../harness/process-figures.ts";
import { freePorts } from "../load/target.ts";
import { scaleData } from "./broker-process.ts";
import { makeBatch } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "replicated";
export const title =
  "CPU of three brokers that replicate to each other and that nobody uses, without and with partitions";

const usualCount = 5_000;
const brokerCount = 3;
const topicName = "idle";
/** Longer than the minute between two rounds of retention. */
const seconds = 65;
/** What follows the work (flushes, a checkpoint, garbage, the first looks at balance) is over by then. */
const settleMs = 20_000;

/** `count` partitions of three replicas are as many replicas on each of three brokers. */
export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const data = `${scaleData}/replicated`;
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  const cell = await startProcessCell({
    data,
    brokerCount,
    port: await freePorts(brokerCount),
    httpPort: await freePorts(brokerCount + 1),
    onLog: (slot, level, message) => say(`  broker ${slot} ${level}: ${message}`),
    onLost: (slot, code) => say(`  broker ${slot} ended by itself: ${code}`),
  });
  try {
    await whenWell(cell, 60);
    const without = await figuresOf(cell, "no partitions", say);
    const cluster = await cell.myelin.clusters.get("dev");
    await cluster.topics.create({ name: topicName, partitions: count, replicationFactor: 3 });
    await whenWell(cell, 120);
    await produceToEachLeader(cell);
    return [...without, ...(await figuresOf(cell, `${count} replicas on each`, say))];
  } finally {
    await cell[Symbol.asyncDispose]();
    rmSync(data, { recursive: true, force: true });
  }
}

async function figuresOf(
  cell: ProcessCell,
  label: string,
  say: (line: string) => void,
): Promise<Figure[]> {
  await new Promise((settled) => setTimeout(settled, settleMs));
  say(`  ${label}: ${seconds} s`);
  const busy = (): number[] =>
    cell.slots.map((slot) => {
      const { user, system } = cpuOf([cell.life(slot).pid]);
      return user + system;
    });
  const before = busy();
  await new Promise((over) => setTimeout(over, seconds * 1000));
  const percent = busy().map((now, index) => ((now - before[index]!) / seconds) * 100);
  const controller = cell.slotOf(cell.image.controller.brokerId ?? -1);
  const followers = percent.filter((_, index) => cell.slots[index] !== controller);
  const memory = cell.slots.map((slot) => memoryOf([cell.life(slot).pid]).totalMb);
  return [
    {
      what: `${label}: CPU of the controller`,
      value: percent[controller - 1] ?? Number.NaN,
      unit: "% of a core",
    },
    { what: `${label}: CPU of another`, value: Math.max(...followers), unit: "% of a core" },
    { what: `${label}: RSS, the largest`, value: Math.max(...memory), unit: "MB" },
  ];
}

/** A record in each partition, acknowledged by all replicas. */
async function produceToEachLeader(cell: ProcessCell): Promise<void> {
  const topic = [...cell.image.topics.values()].find((each) => each.name === topicName);
  const network = createNodeNetwork();
  const records = makeBatch(1, 1_000);
  for (const [place, slot] of cell.slots.entries()) {
    const [host = "", port = ""] = cell.bootstrap.split(",")[place]!.split(":");
    const client = await connectRawClient(network, { host, port: Number(port) });
    const led = topic!.partitions.filter(({ leader }) => leader === cell.brokerIdOf(slot));
    const { responses } = await client.call(produceRequest, produceResponse, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 60_000,
      topicData: [{ name: topicName, partitionData: led.map(({ index }) => ({ index, records })) }],
    });
    for (const { index, errorCode } of responses[0]?.partitionResponses ?? [])
      if (errorCode !== 0) throw new Error(`partition ${index} refused with error ${errorCode}`);
    await client.close();
  }
}
