import { type LatencyMs, latencyMs } from "../harness/histogram.ts";
import { type ClientResult, type Program, runClient, wireClient } from "../harness/load-client.ts";
import { cpuOf } from "../harness/process-figures.ts";
import { startBroker } from "./broker-process.ts";
import { createTopics, makeBatch, produceToEach } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "hot-partition";
export const title =
  "One hot partition among thousands: what it takes, and what it leaves to a quiet one";

const usualCount = 5_000;
const hotTopic = "hot";
const quietTopic = "quiet";
const seconds = 10;
const warmup = 3;

type Measured = {
  readonly hotMb: number;
  readonly cpuSecondsPerGb: number;
  /** A partition with 200 records a second: by itself, and beside the hot one. */
  readonly quietAlone: LatencyMs;
  readonly quietBeside: LatencyMs;
};

export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const wire = wireClient();
  if ("missing" in wire) throw new Error(wire.missing);
  const few = await measure(wire, 1);
  say(`  alone: ${few.hotMb.toFixed(0)} MB/s`);
  const many = await measure(wire, count);
  say(`  among ${count}: ${many.hotMb.toFixed(0)} MB/s`);
  const figuresOf = (where: string, each: Measured): Figure[] => [
    { what: `hot partition ${where}`, value: each.hotMb, unit: "MB/s" },
    { what: `hot partition ${where}: CPU`, value: each.cpuSecondsPerGb, unit: "s/GB" },
    { what: `quiet partition ${where}, nothing hot: p99`, value: each.quietAlone.p99, unit: "ms" },
    { what: `quiet partition ${where}, beside it: p50`, value: each.quietBeside.p50, unit: "ms" },
    { what: `quiet partition ${where}, beside it: p99`, value: each.quietBeside.p99, unit: "ms" },
    {
      what: `quiet partition ${where}, beside it: longest`,
      value: each.quietBeside.max,
      unit: "ms",
    },
  ];
  return [...figuresOf("alone", few), ...figuresOf(`among ${count}`, many)];
}

/** Every quiet partition has a batch already, so that the broker has its state in hand and not only its name. */
async function measure(wire: Program, quietPartitions: number): Promise<Measured> {
  const broker = await startBroker();
  try {
    const client = await broker.connect();
    const { host, port } = client.connection.remote;
    await createTopics(client, [
      { name: hotTopic, partitions: 1 },
      { name: quietTopic, partitions: quietPartitions },
    ]);
    await produceToEach(client, quietTopic, {
      partitions: quietPartitions,
      batch: makeBatch(1, 100),
    });
    await client.close();
    const common = { bootstrap: `${host}:${port}`, size: 1_000, warmup, seconds };
    const quiet = (): Promise<ClientResult> =>
      runClient(wire, "produce", {
        limitSeconds: 60,
        options: {
          ...common,
          topic: quietTopic,
          partitions: quietPartitions,
          connections: 1,
          in_flight: 64,
          rate: 200,
          batch_records: 1,
        },
      });
    const quietAlone = latencyMs((await quiet()).acknowledgedUs ?? []);
    let cpuAtBegin = 0;
    const cpu = (): number => {
      const { user, system } = cpuOf([broker.pid]);
      return user + system;
    };
    let cpuAtEnd = 0;
    const hot = runClient(wire, "produce", {
      limitSeconds: 60,
      options: {
        ...common,
        topic: hotTopic,
        partitions: 1,
        connections: 4,
        in_flight: 5,
        batch_records: 100,
      },
      onEvent: ({ event }) => {
        if (event === "begin") cpuAtBegin = cpu();
        if (event === "end") cpuAtEnd = cpu();
      },
    });
    const [loaded, beside] = await Promise.all([hot, quiet()]);
    if (loaded.failed + beside.failed > 0) throw new Error(loaded.error || beside.error);
    return {
      hotMb: loaded.bytes / 1e6 / loaded.seconds,
      cpuSecondsPerGb: ((cpuAtEnd - cpuAtBegin) * 1e9) / loaded.bytes,
      quietAlone,
      quietBeside: latencyMs(beside.acknowledgedUs ?? []),
    };
  } finally {
    await broker.stop();
  }
}
