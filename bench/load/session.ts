import { librdkafkaClient, wireClient } from "../harness/load-client.ts";
import { awaitQuiet, touchMemory } from "../harness/machine.ts";
import { threeDigits } from "../harness/statistics.ts";
import type { Figures } from "./figures.ts";
import { type Clients, measure } from "./measure.ts";
import type { Target } from "./target.ts";
import type { Workload } from "./workloads.ts";

export type Session = {
  readonly targets: readonly Target[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly quietWaitSeconds: number;
  /** Memory to touch right before each run: what a run frees goes back to the host of a virtual machine within seconds, and is cold again. */
  readonly warmBytes: number;
  readonly clients: Clients;
  /** A first round that is not counted: it warms the brokers (a JIT needs seconds of each kind of work) as it warms the machine. */
  readonly hasUncountedRound: boolean;
  readonly say: (line: string) => void;
};

/** The clients, or what is missing. librdkafka's is needed always: it creates topics. */
export function prepareClients(java: string | null): Clients | { missing: string } {
  const librdkafka = librdkafkaClient();
  if ("missing" in librdkafka) return librdkafka;
  const wire = wireClient();
  if ("missing" in wire) return wire;
  return { librdkafka, wire, java };
}

/** Every workload on every target, round by round; who goes first alternates, so that neither always finds the other's dirty pages. */
export async function runSession(session: Session): Promise<Figures[]> {
  const runs: Figures[] = [];
  const first = session.hasUncountedRound ? 0 : 1;
  for (let round = first; round <= session.rounds; round++) {
    session.say(round === 0 ? "Round 0, not counted" : `Round ${round} of ${session.rounds}`);
    for (const [index, workload] of session.workloads.entries()) {
      const isTurned = (round + index) % 2 === 1;
      const targets = session.targets.filter(({ serves }) => serves?.(workload) ?? true);
      for (const target of isTurned ? targets.toReversed() : targets) {
        const figures = await runOne(session, { workload, target, round });
        if (figures !== null && round > 0) runs.push(figures);
      }
    }
  }
  return runs;
}

async function runOne(
  session: Session,
  { workload, target, round }: { workload: Workload; target: Target; round: number },
): Promise<Figures | null> {
  const { say, clients } = session;
  if (workload.client === "java" && clients.java === null) {
    say(`  ${workload.title}: left out, no Java with Kafka's tools here`);
    return null;
  }
  if (round > 0) await awaitQuiet(say, session.quietWaitSeconds);
  touchMemory(session.warmBytes);
  const isUncounted = round === 0;
  try {
    const figures = await measure({
      workload,
      target,
      clients,
      round,
      warmupSeconds: isUncounted ? 1 : session.warmupSeconds,
      seconds: isUncounted ? Math.min(3, session.seconds) : session.seconds,
      onTick: (megabytes, records) =>
        progress(
          `  ${target.name}, ${workload.title}: ${threeDigits(megabytes)} MB/s, ${threeDigits(records)} records/s`,
        ),
    });
    progress("");
    say(`  ${describe(figures, workload)}`);
    return figures;
  } catch (error) {
    progress("");
    say(`  ${target.name}, ${workload.title}: FAILED, ${(error as Error).message}`);
    return null;
  }
}

function describe(figures: Figures, workload: Workload): string {
  const { acknowledged, received } = figures;
  const latency = [
    acknowledged &&
      `acknowledged p50 ${threeDigits(acknowledged.p50)} p99 ${threeDigits(acknowledged.p99)} p99.9 ${threeDigits(acknowledged.p999)} ms`,
    received &&
      `received p50 ${threeDigits(received.p50)} p99 ${threeDigits(received.p99)} p99.9 ${threeDigits(received.p999)} ms`,
  ];
  return [
    `${figures.target}, ${workload.title}: ${threeDigits(figures.megabytesPerSecond)} MB/s, ${threeDigits(figures.recordsPerSecond)} records/s`,
    `CPU ${threeDigits(figures.cpuSecondsPerGb)} s/GB (user ${threeDigits(figures.userSecondsPerGb)}, system ${threeDigits(figures.systemSecondsPerGb)})`,
    `RSS ${threeDigits(figures.rssPeakMb)} MB`,
    `cores: broker ${figures.brokerCores.toFixed(2)}, client ${figures.clientCores.toFixed(2)}, kernel threads ${figures.kernelCores.toFixed(2)}, others ${figures.otherCores.toFixed(2)}`,
    ...latency.filter((each) => each !== undefined),
    ...(figures.failed > 0 ? [`${figures.failed} FAILED: ${figures.error}`] : []),
  ].join("; ");
}

/** Overwrites the terminal's last line; nothing where there is no terminal. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}
