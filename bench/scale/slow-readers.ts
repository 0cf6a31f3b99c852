import { spawn } from "node:child_process";
import { endsWithUs } from "../harness/children.ts";
import { latencyMs } from "../harness/histogram.ts";
import { compile, runClient, wireClient } from "../harness/load-client.ts";
import { cpuOf, watchMemory } from "../harness/process-figures.ts";
import { startBroker } from "./broker-process.ts";
import { createTopics } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "slow-readers";
export const title =
  "Hundreds of consumers that read 10 KB/s, beside a producer and a quick consumer";

const usualCount = 200;
const topic = "slow";
const partitions = 4;
const bytesPerSecond = 10_000;
const producedPerSecond = 20_000;
const seconds = 20;
const spreadSeconds = 8;
const warmup = spreadSeconds + 4;

export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const alone = await measure({ count: 0, from: "beginning", say });
  const figures = costs("without them", alone);
  for (const from of ["beginning", "end"] as const) {
    const beside = await measure({ count, from, say });
    const { least, median, closed } = beside.readers;
    const who = `${count} readers from the ${from}`;
    figures.push(
      { what: `${who}: the slowest`, value: least, unit: "B/s" },
      { what: `${who}: the median`, value: median, unit: "B/s" },
      { what: `${who}: connections closed on them`, value: closed, unit: `in ${seconds} s` },
      ...costs(`with ${who}`, beside),
    );
  }
  return figures;
}

const costs = (who: string, { rssMb, p99, hotMb, cores }: Measured): Figure[] => [
  { what: `${who}: resident at most`, value: rssMb, unit: "MB" },
  { what: `${who}: producer's p99`, value: p99, unit: "ms" },
  { what: `${who}: quick consumer`, value: hotMb, unit: "MB/s" },
  { what: `${who}: the broker's CPU`, value: cores * 100, unit: "% of a core" },
];

type Readers = { least: number; median: number; most: number; closed: number; failed: number };
type Measured = { readers: Readers; rssMb: number; p99: number; hotMb: number; cores: number };

type Work = { count: number; from: "beginning" | "end"; say: (line: string) => void };

/** 20 MB/s produced, and read as they come by one consumer; so many others come one by one, and stay where the log was then. */
async function measure({ count, from, say }: Work): Promise<Measured> {
  const wire = wireClient();
  const slow = compile("scale/slow-readers.c");
  if ("missing" in wire) throw new Error(wire.missing);
  if ("missing" in slow) throw new Error(slow.missing);
  const broker = await startBroker();
  try {
    const client = await broker.connect();
    const { host, port } = client.connection.remote;
    await createTopics(client, [{ name: topic, partitions }]);
    await client.close();
    const bootstrap = `${host}:${port}`;
    const memory = watchMemory([broker.pid]);
    const before = cpuOf([broker.pid]);
    const common = { bootstrap, topic, partitions, size: 1_000, warmup, seconds };
    const produced = runClient(wire, "produce", {
      limitSeconds: 90,
      options: {
        ...common,
        connections: 4,
        in_flight: 16,
        rate: producedPerSecond,
        batch_records: 50,
      },
    });
    // What they begin with is there before they come.
    await new Promise((later) => setTimeout(later, 2_000));
    const hot = runClient(wire, "fetch", {
      limitSeconds: 90,
      options: { ...common, connections: 1, from: "end", warmup: warmup - 2 },
    });
    const readers = await (count === 0
      ? Promise.resolve({ least: 0, median: 0, most: 0, closed: 0, failed: 0 })
      : readSlowly(slow.path, {
          ...common,
          from,
          back: 2_000,
          count,
          rate: bytesPerSecond,
          spread: spreadSeconds,
          warmup: warmup - 2,
        }));
    const [{ acknowledgedUs = [], failed }, fetched] = await Promise.all([produced, hot]);
    const after = cpuOf([broker.pid]);
    if (failed + fetched.failed + readers.failed > 0) throw new Error("requests failed");
    const rssMb = memory.stop().totalMb;
    const { p99 } = latencyMs(acknowledgedUs);
    const cpu = after.user + after.system - before.user - before.system;
    say(
      `  ${count} slow readers from the ${from}: median ${readers.median} B/s, ${readers.closed} closed`,
    );
    return {
      readers,
      rssMb,
      p99,
      hotMb: fetched.bytes / 1e6 / fetched.seconds,
      cores: cpu / (seconds + warmup),
    };
  } finally {
    await broker.stop();
  }
}

async function readSlowly(
  path: string,
  options: Record<string, string | number>,
): Promise<Readers> {
  const words = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  const child = spawn(path, words, { stdio: ["ignore", "pipe", "inherit"] });
  endsWithUs(child);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((ended) => child.once("close", ended));
  return JSON.parse(output) as Readers;
}
