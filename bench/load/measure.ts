import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { endsWithUs, limitTime } from "../harness/children.ts";
import { type LatencyMs, latencyMs } from "../harness/histogram.ts";
import {
  benchDirectory,
  type ClientEvent,
  type ClientResult,
  type Program,
  runClient,
  runSilently,
} from "../harness/load-client.ts";
import { cpuOf, kernelThreadsCpu, machineCpu, watchMemory } from "../harness/process-figures.ts";
import { costs, type Figures, isDisturbing } from "./figures.ts";
import { readConsumerPerformance, readProducerPerformance } from "./java-tools.ts";
import type { Target } from "./target.ts";
import type { FetchWorkload, LatencyWorkload, ProduceWorkload, Workload } from "./workloads.ts";

export type Clients = {
  readonly librdkafka: Program;
  readonly wire: Program;
  /** The classpath of Kafka's tools; null without Java. */
  readonly java: string | null;
};

export type Run = {
  readonly workload: Workload;
  readonly target: Target;
  readonly clients: Clients;
  readonly round: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly onTick: (megabytesPerSecond: number, recordsPerSecond: number) => void;
  /** What counts begins, and ends. */
  readonly onBegin?: () => void;
  readonly onEnd?: () => void;
};

/** Makes a topic, loads it, deletes it, and says what it cost the broker. */
export async function measure(run: Run): Promise<Figures> {
  const { workload, target, clients } = run;
  const topic = `bench-${workload.name}-${process.pid}-${run.round}`;
  const { replicationFactor: replication } = target;
  const at = { bootstrap: target.bootstrap, topic, partitions: workload.partitions, replication };
  const config = Object.entries(target.topicConfig(workload.durability))
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  runSilently(clients.librdkafka, "create", { ...at, config });
  try {
    // One record per partition: a broker may need a moment to lead a new partition, and the clients that measure do not wait for it.
    await fill(run, topic, { records: workload.partitions, stick: 1, recordBytes: 1 });
    if (workload.kind === "fetch") await prepareFetch(run, workload, topic);
    return await (workload.client === "java"
      ? measureJava(run, workload, topic)
      : measureClient(run, topic));
  } finally {
    runSilently(clients.librdkafka, "delete", { bootstrap: target.bootstrap, topic });
  }
}

async function fill(
  { target, workload, clients }: Run,
  topic: string,
  what: { records: number; stick: number; recordBytes: number },
): Promise<void> {
  const result = await runClient(clients.librdkafka, "produce", {
    limitSeconds: 60,
    options: {
      bootstrap: target.bootstrap,
      topic,
      partitions: workload.partitions,
      records: what.records,
      stick: what.stick,
      size: what.recordBytes,
      warmup: 0,
      seconds: 3600,
    },
  });
  if (result.failed > 0) throw new Error(`filling ${topic}: ${result.error}`);
}

async function prepareFetch(run: Run, workload: FetchWorkload, topic: string): Promise<void> {
  const records = Math.floor((workload.storedMb * 1e6) / workload.recordBytes);
  await fill(run, topic, { records, stick: 900, recordBytes: workload.recordBytes });
  if (workload.where !== "cold") return;
  const directory = run.target.dataDirectory;
  if (directory === null) throw new Error("a cold fetch needs the broker's data directory");
  evictPageCache(directory);
}

/** Writes out what is dirty and puts every file out of the page cache; no rights beyond reading the files are needed. */
export function evictPageCache(directory: string): void {
  spawnSync("sync");
  const evict = `find "$1" -type f -exec dd if={} iflag=nocache count=0 status=none \\;`;
  const { status, stderr } = spawnSync("sh", ["-c", evict, "sh", directory], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${directory} cannot be put out of the page cache: ${stderr}`);
}

function clientOptions(run: Run, topic: string): [mode: string, Record<string, string | number>] {
  const { workload } = run;
  const common = {
    bootstrap: run.target.bootstrap,
    topic,
    partitions: workload.partitions,
    size: workload.recordBytes,
    warmup: run.warmupSeconds,
    seconds: run.seconds,
  };
  switch (workload.kind) {
    case "produce":
      return ["produce", { ...common, ...produceOptions(workload) }];
    case "fetch":
      return workload.client === "wire"
        ? [
            "fetch",
            {
              ...common,
              connections: workload.consumers,
              spread: workload.consumers === 4 ? 1 : 0,
            },
          ]
        : ["consume", { ...common, consumers: workload.consumers }];
    case "latency":
      return workload.client === "wire"
        ? [
            "produce",
            {
              ...common,
              ...wireConnections,
              rate: workload.recordsPerSecond,
              batch_records: workload.recordsPerBatch,
              in_flight: 64,
            },
          ]
        : ["latency", { ...common, ...latencyOptions(workload) }];
  }
}

const wireConnections = { connections: 8, in_flight: 5 };

const produceOptions = (workload: ProduceWorkload): Record<string, number> => ({
  ...(workload.client === "wire" ? wireConnections : {}),
  batch_records: workload.recordsPerBatch,
  stick: workload.recordsPerBatch,
  // A batch is full or waits so long that it will be: how full batches are is the workload, not the client's doing.
  linger_ms: 50,
  queued_records: Math.max(200_000, workload.recordsPerBatch * workload.partitions * 2),
  queued_kbytes: 262_144,
});

const latencyOptions = (workload: LatencyWorkload): Record<string, number> => ({
  rate: workload.recordsPerSecond,
  linger_ms: workload.lingerMs,
  consumers: workload.consumers,
});

/** Counts from the client's "begin" to its "measured", or its end. */
async function measureClient(run: Run, topic: string): Promise<Figures> {
  const { workload, target, clients } = run;
  const [mode, options] = clientOptions(run, topic);
  const program = workload.client === "wire" ? clients.wire : clients.librdkafka;
  let counter: Counter | null = null;
  let used: Used | null = null;
  const onEvent = (event: ClientEvent): void => {
    if (event.event === "begin") {
      counter = startCounter(target.pids);
      run.onBegin?.();
    } else if (event.event === "tick") run.onTick(event.bytes / 1e6, event.records);
    else if (used === null && counter !== null) {
      used = counter.stop();
      run.onEnd?.();
    }
  };
  const result = await runClient(program, mode, {
    options,
    limitSeconds: run.warmupSeconds + run.seconds + 30,
    onEvent,
  });
  if (used === null) throw new Error(`${workload.name}: the client ended before it began`);
  return figures(run, { result, used, tool: program.tool });
}

type Used = {
  readonly user: number;
  readonly system: number;
  readonly busy: number;
  readonly kernel: number;
  readonly seconds: number;
  readonly memory: { totalMb: number; filesMb: number; pssMb: number };
};
type Counter = { stop(): Used };

function startCounter(pids: readonly number[]): Counter {
  const memory = watchMemory(pids);
  const before = cpuOf(pids);
  const kernelBefore = kernelThreadsCpu();
  const busyBefore = machineCpu().busy;
  const startedAt = performance.now();
  return {
    stop() {
      const after = cpuOf(pids);
      return {
        user: after.user - before.user,
        system: after.system - before.system,
        busy: machineCpu().busy - busyBefore,
        kernel: Math.max(0, kernelThreadsCpu() - kernelBefore),
        seconds: (performance.now() - startedAt) / 1000,
        memory: memory.stop(),
      };
    },
  };
}

function figures(run: Run, of: { result: ClientResult; used: Used; tool: string }): Figures {
  const { result, used, tool } = of;
  const otherCores = Math.max(
    0,
    (used.busy - used.user - used.system - used.kernel - result.clientCpuSeconds) / used.seconds,
  );
  const acknowledged = named("acknowledged", result.acknowledgedUs);
  const received = named("received", result.receivedUs);
  return {
    workload: run.workload.name,
    target: run.target.name,
    round: run.round,
    client: tool,
    ...costs({ ...result, user: used.user, system: used.system }),
    clientCores: result.clientCpuSeconds / result.seconds,
    kernelCores: used.kernel / used.seconds,
    otherCores,
    rssPeakMb: used.memory.totalMb,
    rssFilesMb: used.memory.filesMb,
    pssMb: used.memory.pssMb,
    ...acknowledged,
    ...received,
    failed: result.failed,
    error: result.error,
    isDisturbed: isDisturbing(otherCores),
  };
}

function named(
  name: "acknowledged" | "received",
  buckets: ClientResult["acknowledgedUs"],
): Partial<Record<"acknowledged" | "received", LatencyMs>> {
  return buckets === undefined || buckets.length === 0 ? {} : { [name]: latencyMs(buckets) };
}

/** The tool takes all properties behind one flag, and of several flags the last. */
const javaProducer = [
  "--command-property",
  "batch.size=1000000",
  "linger.ms=50",
  "buffer.memory=134217728",
  "max.request.size=1048576",
];

/** Java's tools run a number of records, their own start included; the broker's CPU time counts from their start to their end. */
async function measureJava(run: Run, workload: Workload, topic: string): Promise<Figures> {
  const { target, clients, seconds } = run;
  if (clients.java === null) throw new Error("no Java here");
  const isProduce = workload.kind === "produce";
  const stored = workload.kind === "fetch" ? (workload.storedMb * 1e6) / workload.recordBytes : 0;
  const records = Math.floor(isProduce ? seconds * 300_000 : stored);
  const at = [
    "--bootstrap-server",
    target.bootstrap,
    "--topic",
    topic,
    "--num-records",
    `${records}`,
  ];
  const tool = `org.apache.kafka.tools.${isProduce ? "ProducerPerformance" : "ConsumerPerformance"}`;
  const args = isProduce
    ? ["--record-size", `${workload.recordBytes}`, "--throughput", "-1", ...javaProducer]
    : ["--timeout", "30000"];
  const log = `-Dlog4j2.configurationFile=${join(benchDirectory, "compare/log4j2.yaml")}`;
  const counter = startCounter(target.pids);
  const child = spawn("java", ["-Xmx512m", "-cp", clients.java, log, tool, ...at, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  endsWithUs(child);
  limitTime(child, 120, () => {});
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const clientCpu = watchCpu(child.pid ?? 0);
  await new Promise((done) => child.on("close", done));
  const clientCpuSeconds = clientCpu.stop();
  const used = counter.stop();
  const read = isProduce ? readProducerPerformance : readConsumerPerformance;
  const counted = read(output, workload.recordBytes);
  if (counted === null) throw new Error(`${tool} gave no figures: ${output.slice(-1500)}`);
  const result: ClientResult = { event: "end", ...counted, clientCpuSeconds, failed: 0, error: "" };
  const all = figures(run, { result, used, tool: `Java ${tool.split(".").at(-1)}` });
  // The tool's own start is part of the time counted for the CPU, not of the time it reports.
  return {
    ...all,
    brokerCores: (used.user + used.system) / used.seconds,
    clientCores: clientCpuSeconds / used.seconds,
  };
}

/** The CPU time of a process that will end by itself: the last value seen. */
function watchCpu(pid: number): { stop(): number } {
  let last = 0;
  const look = (): void => {
    if (!existsSync(`/proc/${pid}/stat`)) return;
    const { user, system } = cpuOf([pid]);
    last = Math.max(last, user + system);
  };
  const timer = setInterval(look, 100);
  return {
    stop() {
      clearInterval(timer);
      return last;
    },
  };
}
