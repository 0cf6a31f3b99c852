// npm run bench:failover -- [--runs 20] [--partitions 1000]: how long writes wait when the leader of all partitions ends, is silent, or is told to stop.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createTopic } from "../../metadata/commands/create-topics.ts";
import { whenWell, until } from "../cell/wellness.ts";
import { type ProcessCell, startProcessCell } from "../cell/process-cell.ts";
import { workDirectory } from "../harness/load-client.ts";
import { describeMachine, machineText } from "../harness/machine.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { spreadOf } from "../harness/statistics.ts";
import { freePorts } from "../load/target.ts";
import { type Prober, startProber } from "./prober.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "20" },
    partitions: { type: "string", default: "1000" },
    only: { type: "string", default: "kill,controller,silent,drain" },
  },
});

type Way = {
  readonly name: string;
  readonly title: string;
  readonly runs: number;
  /** Whose end it is; the first of all partitions' replicas. */
  readonly isController: boolean;
  readonly isInGoodOrder?: boolean;
  end(cell: ProcessCell, slot: number): Promise<void>;
  comeBack(cell: ProcessCell, slot: number): Promise<void>;
};

const runs = Number(values.runs);
const start = (cell: ProcessCell, slot: number): Promise<void> => cell.start(slot);

const ways: readonly Way[] = [
  {
    name: "kill",
    title: "kill -9 of the leader of all partitions",
    runs,
    isController: false,
    end: (cell, slot) => cell.kill(slot),
    comeBack: start,
  },
  {
    name: "controller",
    title: "kill -9 of the leader of all partitions, which is the controller",
    runs: Math.ceil(runs / 4),
    isController: true,
    end: (cell, slot) => cell.kill(slot),
    comeBack: start,
  },
  {
    name: "silent",
    title: "the leader's process stands still (SIGSTOP), as silent as a lost host",
    runs: Math.ceil(runs / 4),
    isController: false,
    end: async (cell, slot) => cell.signal(slot, "SIGSTOP"),
    comeBack: async (cell, slot) => cell.signal(slot, "SIGCONT"),
  },
  {
    name: "drain",
    title:
      "SIGTERM to the leader of all partitions (the longest wait between two acknowledgements)",
    runs: Math.ceil(runs / 4),
    isController: false,
    isInGoodOrder: true,
    end: async (cell, slot) => void (await cell.stop(slot)),
    comeBack: start,
  },
];

type Measured = { readonly ms: number; readonly retried: number; readonly failed: number };

async function measure(cell: ProcessCell, prober: Prober, way: Way): Promise<Measured> {
  const slot = leaderSlot(cell);
  await settled(cell, slot);
  const { retried, failed } = prober;
  const atMs = performance.now();
  const ending = way.end(cell, slot);
  let firsts: number[] = [];
  await until(() => (firsts = prober.firstAfter(atMs)).every(Number.isFinite), {
    limitSeconds: 90,
    what: () => "not every partition is writable again",
  });
  await ending;
  if (way.isInGoodOrder) await new Promise((resolve) => setTimeout(resolve, 2_000));
  // In good order the old leader answers on, until another does: what a client feels is the longest wait between two answers.
  const ms = way.isInGoodOrder ? prober.longestWait(atMs) : Math.max(...firsts) - atMs;
  const outcome = { ms, retried: prober.retried - retried, failed: prober.failed - failed };
  await way.comeBack(cell, slot);
  return outcome;
}

/** Everything in sync, and led by whom it prefers, again. */
async function settled(cell: ProcessCell, slot: number): Promise<void> {
  await whenWell(cell, 120);
  const id = (): number => cell.brokerIdOf(slot);
  await until(() => partitionsOf(cell).every(({ leader }) => leader === id()), {
    limitSeconds: 120,
    what: () => "not all partitions are led by the first of their replicas",
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}

const topicName = "failover";

function partitionsOf({ image }: ProcessCell) {
  const topic = [...image.topics.values()].find(({ name }) => name === topicName);
  return topic?.partitions ?? [];
}

const leaderSlot = (cell: ProcessCell): number =>
  cell.slotOf(partitionsOf(cell)[0]?.replicas[0] ?? -1);

async function createLedBy(cell: ProcessCell, slots: readonly number[]): Promise<void> {
  const brokerIds = slots.map((slot) => cell.brokerIdOf(slot));
  const assignments = Array.from({ length: Number(values.partitions) }, (_, index) => ({
    index,
    brokerIds,
  }));
  const [cluster] = cell.image.clusters.keys();
  const { replica } = cell.member;
  const created = await replica.submit((image, context) =>
    createTopic(image, { clusterId: cluster!, topic: { name: topicName, assignments } }, context),
  );
  if (created.kind === "rejected") throw new Error(created.message);
}

async function runWay(way: Way): Promise<string[]> {
  const data = join(workDirectory, `data/failover-${way.name}`);
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  const cell = await startProcessCell({
    data,
    brokerCount: 3,
    port: await freePorts(3),
    httpPort: await freePorts(4),
    onLog: () => undefined,
    onLost: (slot, code) => console.log(`broker ${slot} ended by itself: ${code}`),
  });
  try {
    const controller = cell.slotOf(cell.image.controller.brokerId ?? -1);
    const others = cell.slots.filter((slot) => slot !== controller);
    await createLedBy(cell, way.isController ? [controller, ...others] : [...others, controller]);
    const prober = startProber(cell.bootstrap, topicName, Number(values.partitions));
    const measured: Measured[] = [];
    try {
      // A controller in office for less than a session waits for that.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      for (let run = 1; run <= way.runs; run++) {
        const one = await measure(cell, prober, way);
        measured.push(one);
        console.log(
          `  ${way.name} ${run}: ${one.ms.toFixed(0)} ms, ${one.retried} sent again, ${one.failed} failed`,
        );
        // The new controller has to have listened for a session as well.
        if (way.isController) await new Promise((resolve) => setTimeout(resolve, 10_000));
      }
    } finally {
      await prober.stop();
    }
    const { median, lowest, highest } = spreadOf(measured.map(({ ms }) => ms / 1_000));
    const failed = measured.reduce((sum, each) => sum + each.failed, 0);
    return [
      way.title,
      `${way.runs}`,
      ...[median, lowest, highest].map((each) => each.toFixed(2)),
      `${failed}`,
    ];
  } finally {
    await cell[Symbol.asyncDispose]();
    rmSync(data, { recursive: true, force: true });
  }
}

console.log(
  `${machineText(describeMachine())}; ${values.partitions} partitions, 3 replicas, min ISR 2, acks=all`,
);
const rows: string[][] = [];
for (const way of ways.filter(({ name }) => values.only.split(",").includes(name)))
  rows.push(await runWay(way));
console.log(
  markdownTable(["what ends", "runs", "median s", "best s", "worst s", "failed produces"], rows),
);
