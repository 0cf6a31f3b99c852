import { latencyMs } from "../harness/histogram.ts";
import { runClient, wireClient } from "../harness/load-client.ts";
import { memoryOf } from "../harness/process-figures.ts";
import { type BrokerProcess, startBroker } from "./broker-process.ts";
import { createTopics } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";
import { asked, storm, type Storm } from "./storm.ts";

export const name = "connections";
export const title = "Thousands of connections: bytes of an idle one, and all of them at once";

const usualCount = 5_000;
const topic = "storm";
const producedPerSecond = 5_000;

export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const requests of [0, 1, 3]) figures.push(...(await idle({ count, say }, requests)));
  figures.push(...(await underStorm({ count, say })));
  return figures;
}

type Options = { readonly count: number; readonly say: (line: string) => void };

async function started(): Promise<{ broker: BrokerProcess; bootstrap: string }> {
  const broker = await startBroker();
  const client = await broker.connect();
  const { host, port } = client.connection.remote;
  await createTopics(client, [{ name: topic, partitions: 1 }]);
  await client.close();
  return { broker, bootstrap: `${host}:${port}` };
}

/** What so many connections that have asked so much leave in the broker's memory. */
async function idle({ count, say }: Options, requests: number): Promise<Figure[]> {
  const { broker, bootstrap } = await started();
  try {
    // Once before, so that what is compiled and pooled at first use is not counted as the connections'.
    await (await storm({ bootstrap, count: 200, requests, topic })).close();
    const before = await look(broker);
    const held = await storm({ bootstrap, count, requests, topic });
    const after = await look(broker);
    await held.close();
    const ended = await look(broker);
    const what = `${count} connections, ${requests > 1 ? "ApiVersions " : ""}${asked[requests]} asked`;
    const each = (of: keyof typeof after): number => ((after[of] - before[of]) * 1e6) / count;
    say(`  ${what}: ${Math.round(each("rssMb"))} bytes each`);
    return [
      { what: `${what}: resident`, value: each("rssMb"), unit: "B each" },
      { what: `${what}: on the heap`, value: each("heapUsedMb"), unit: "B each" },
      { what: `${what}: outside the heap`, value: each("externalMb"), unit: "B each" },
      { what: `${what}: answered within`, value: held.result.seconds, unit: "s" },
      { what: `${what}: failed`, value: held.result.failed, unit: "" },
      {
        what: `${what}: still on the heap when all are closed`,
        value: ((ended.heapUsedMb - before.heapUsedMb) * 1e6) / count,
        unit: "B each",
      },
    ];
  } finally {
    await broker.stop();
  }
}

async function look(broker: BrokerProcess): Promise<{
  rssMb: number;
  heapUsedMb: number;
  externalMb: number;
}> {
  // Closing takes a moment, and what the first collection frees holds what the second does.
  await new Promise((settled) => setTimeout(settled, 2_000));
  await broker.ask("collect");
  const { heapUsedMb, externalMb } = await broker.ask("collect");
  return { rssMb: memoryOf([broker.pid]).totalMb, heapUsedMb, externalMb };
}

/** A producer at a fixed rate, alone, and while so many clients connect at once. */
async function underStorm({ count, say }: Options): Promise<Figure[]> {
  const wire = wireClient();
  if ("missing" in wire) throw new Error(wire.missing);
  const { broker, bootstrap } = await started();
  const produce = async (whileIt: () => Promise<void>) => {
    let begun = (): void => {};
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const produced = runClient(wire, "produce", {
      limitSeconds: 60,
      options: {
        bootstrap,
        topic,
        partitions: 1,
        connections: 1,
        in_flight: 64,
        rate: producedPerSecond,
        batch_records: 10,
        size: 1_000,
        warmup: 2,
        seconds: 8,
      },
      onEvent: ({ event }) => {
        if (event === "begin") begun();
      },
    });
    await hasBegun;
    await whileIt();
    const { acknowledgedUs = [], failed } = await produced;
    if (failed > 0) throw new Error(`${failed} batches of the producer failed`);
    return latencyMs(acknowledgedUs);
  };
  try {
    const alone = await produce(() => Promise.resolve());
    const storms: Storm[] = [];
    await broker.watch();
    const beside = await produce(async () => {
      await new Promise((later) => setTimeout(later, 1_000));
      storms.push(await storm({ bootstrap, count, requests: 2, topic }));
    });
    const { longestPauseMs } = await broker.ask("report");
    const found = storms[0]?.result;
    await storms[0]?.close();
    say(`  storm of ${count}: ${found?.seconds.toFixed(2)} s; producer's p99 ${beside.p99} ms`);
    return [
      { what: `storm of ${count}: all answered after`, value: found?.seconds ?? NaN, unit: "s" },
      { what: "storm: median answer", value: found?.answered.p50 ?? NaN, unit: "ms" },
      { what: "storm: failed", value: found?.failed ?? NaN, unit: "" },
      { what: "a producer alone: p99", value: alone.p99, unit: "ms" },
      { what: "the producer beside the storm (8 s): p99", value: beside.p99, unit: "ms" },
      { what: "the producer beside the storm: longest", value: beside.max, unit: "ms" },
      { what: "storm: the broker's longest pause", value: longestPauseMs, unit: "ms" },
    ];
  } finally {
    await broker.stop();
  }
}
