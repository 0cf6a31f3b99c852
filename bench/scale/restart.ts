import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { benchDirectory } from "../harness/load-client.ts";
import { cpuOf, memoryOf, watchMemory } from "../harness/process-figures.ts";
import {
  type BrokerProcess,
  emptyDataDirectory,
  scaleData,
  startBroker,
  type StartOptions,
} from "./broker-process.ts";
import { createTopics, makeBatch, produceToEach } from "./fill.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "restart";
export const title =
  "Start on what is there: partitions, retained bytes, after a stop and after kill -9";

const usualCount = 10_000;
const mebibyte = 1024 * 1024;
/** Of `defaultLogStoreConfig`. */
const usualFileBytes = 128 * mebibyte;
/** A file and its batches are that many times smaller: what a start and a reclaim read, footers and headers, stays what it is. */
const scale = 32;
const smallFiles: StartOptions = {
  program: resolve(benchDirectory, "scale/small-files-broker.ts"),
  environment: { BENCH_FILE_BYTES: `${usualFileBytes / scale}` },
};
const retainedGb = [1, 10, 100];
const realGb = 5;

/** `count` partitions. */
export async function run({ count = usualCount, say }: ScaleOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  say(`  ${count} partitions with data`);
  const batch = makeBatch(1, 1_000);
  await fill({}, (client) => produceToEach(client, "retained", { partitions: count, batch }), {
    partitions: count,
  });
  figures.push(...(await restarts(`${count} partitions with data`, {})));
  for (const gigabytes of retainedGb) {
    say(`  as if ${gigabytes} GB were retained`);
    figures.push(
      ...(await retain({
        gigabytes: gigabytes,
        partitions: count,
        options: smallFiles,
        divisor: scale,
        label: `as ${gigabytes} GB in usual files`,
      })),
    );
  }
  say(`  ${realGb} GB`);
  figures.push(
    ...(await retain({
      gigabytes: realGb,
      partitions: count,
      options: {},
      divisor: 1,
      label: `${realGb} GB`,
    })),
  );
  return figures;
}

type Retained = {
  readonly gigabytes: number;
  readonly partitions: number;
  readonly options: StartOptions;
  readonly divisor: number;
  readonly label: string;
};

/** Batches of 32 KB to one partition after the other, in files of the usual size; both divided. */
async function retain({
  gigabytes,
  partitions,
  options,
  divisor,
  label,
}: Retained): Promise<Figure[]> {
  const batch = makeBatch(1, Math.round(32_768 / divisor) - 100);
  const rounds = Math.ceil((gigabytes * 1e9) / divisor / (batch.length * partitions));
  const filled = await fill(
    options,
    (client) => produceToEach(client, "retained", { partitions, batch, rounds }),
    { partitions },
  );
  return [
    { what: `${label}: WAL files`, value: walFiles(), unit: "" },
    {
      what: "MB/s while it was written",
      value: (rounds * partitions * batch.length) / 1e3 / filled.ms,
      unit: "MB/s",
    },
    { what: "batches/s", value: (rounds * partitions * 1000) / filled.ms, unit: "1/s" },
    { what: "CPU of the broker meanwhile", value: filled.cpuSeconds, unit: "s" },
    { what: "longest pause meanwhile", value: filled.longestPauseMs, unit: "ms" },
    { what: "highest RSS meanwhile", value: filled.rssMb, unit: "MB" },
    ...(await restarts(label, options)),
  ];
}

const walFiles = (): number =>
  readdirSync(join(scaleData, "broker-1/log")).filter((file) => file.startsWith("wal-")).length;

type Client = Awaited<ReturnType<BrokerProcess["connect"]>>;
type Filled = { ms: number; cpuSeconds: number; longestPauseMs: number; rssMb: number };

/** Fills a new broker and stops it. */
async function fill(
  options: StartOptions,
  work: (client: Client) => Promise<void>,
  { partitions }: { partitions: number },
): Promise<Filled> {
  const broker = await startBroker({ ...options, dataDirectory: emptyDataDirectory() });
  try {
    const client = await broker.connect();
    await createTopics(client, [{ name: "retained", partitions }]);
    await broker.watch();
    const memory = watchMemory([broker.pid]);
    const before = cpuOf([broker.pid]);
    const startedAt = performance.now();
    await work(client);
    const ms = performance.now() - startedAt;
    const { longestPauseMs } = await broker.ask("report");
    const after = cpuOf([broker.pid]);
    const cpuSeconds = after.user + after.system - before.user - before.system;
    await client.close();
    return { ms, cpuSeconds, longestPauseMs, rssMb: memory.stop().totalMb };
  } finally {
    await broker.stop();
  }
}

/** Starts on what is there, kills that, and starts again. */
async function restarts(label: string, options: StartOptions): Promise<Figure[]> {
  const stopped = await startBroker({ ...options, dataDirectory: scaleData });
  const stoppedRss = memoryOf([stopped.pid]).totalMb;
  await stopped.kill();
  const killed = await startBroker({ ...options, dataDirectory: scaleData });
  const killedRss = memoryOf([killed.pid]).totalMb;
  await killed.stop();
  return [
    { what: `${label}: first answer after a stop`, value: stopped.answeredMs, unit: "ms" },
    { what: "RSS then", value: stoppedRss, unit: "MB" },
    { what: `${label}: first answer after kill -9`, value: killed.answeredMs, unit: "ms" },
    { what: "RSS then", value: killedRss, unit: "MB" },
  ];
}
