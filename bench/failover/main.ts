// npm run bench:failover -- [--runs 20] [--partitions 1000]: how long writes wait when the leader of all partitions ends, is silent, or is told to stop.
import { appendFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createTopic } from "../../metadata/commands/create-topics.ts";
import { type CutNetwork, createNamespaces, namespacesUnavailable } from "../cell/namespaces.ts";
import { loopback } from "../cell/places.ts";
import { whenWell, until } from "../cell/wellness.ts";
import { type ProcessCell, startProcessCell } from "../cell/process-cell.ts";
import { workDirectory } from "../harness/load-client.ts";
import { describeMachine, machineText } from "../harness/machine.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { spreadOf } from "../harness/statistics.ts";
import { freePorts } from "../load/target.ts";
import { startRealClients } from "./clients.ts";
import { type Prober, startProber } from "./prober.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "20" },
    partitions: { type: "string", default: "1000" },
    only: { type: "string", default: "kill,controller,lost,lost-controller,silent,drain" },
  },
});

type Way = {
  readonly name: string;
  readonly title: string;
  readonly runs: number;
  /** Whose end it is; the first of all partitions' replicas. */
  readonly isController: boolean;
  readonly isInGoodOrder?: boolean;
  /** Its brokers are hosts of a network of their own. */
  readonly needsNetwork?: boolean;
  end(cell: ProcessCell, slot: number, network: CutNetwork | null): Promise<void>;
  comeBack(cell: ProcessCell, slot: number, network: CutNetwork | null): Promise<void>;
};

const runs = Number(values.runs);
const start = (cell: ProcessCell, slot: number): Promise<void> => cell.start(slot);

/** Cut off first, so that the kernel tells nobody of the connections that end with the process. */
async function losePower(
  cell: ProcessCell,
  slot: number,
  network: CutNetwork | null,
): Promise<void> {
  network?.isolate(slot);
  await cell.kill(slot);
}

async function powerUp(cell: ProcessCell, slot: number, network: CutNetwork | null): Promise<void> {
  network?.heal();
  await cell.start(slot);
}

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
    name: "lost",
    title: "the leader's host is gone (cable cut, then kill -9)",
    runs,
    isController: false,
    needsNetwork: true,
    end: losePower,
    comeBack: powerUp,
  },
  {
    name: "lost-controller",
    title: "the same, and it was the controller",
    runs: Math.ceil(runs / 4),
    isController: true,
    needsNetwork: true,
    end: losePower,
    comeBack: powerUp,
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
    runs,
    isController: false,
    isInGoodOrder: true,
    end: async (cell, slot) => void (await cell.stop(slot)),
    comeBack: start,
  },
];

type Measured = { readonly ms: number; readonly retried: number; readonly failed: number };

type Scene = {
  readonly cell: ProcessCell;
  readonly prober: Prober;
  readonly network: CutNetwork | null;
};

async function measure({ cell, prober, network }: Scene, way: Way): Promise<Measured> {
  const slot = leaderSlot(cell);
  if (way.isController) await putInOffice(cell, slot);
  await settled(cell, slot);
  const { retried, failed } = prober;
  const atMs = performance.now();
  const ending = way.end(cell, slot, network);
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
  await way.comeBack(cell, slot, network);
  return outcome;
}

/** Whoever else is controller is told to stop, until it is this one. */
async function putInOffice(cell: ProcessCell, slot: number): Promise<void> {
  for (;;) {
    const holder = cell.slotOf(cell.image.controller.brokerId ?? -1);
    if (holder === slot) break;
    if (cell.isRunning(holder)) {
      await cell.stop(holder);
      await cell.start(holder);
    }
    await whenWell(cell, 120);
  }
  // It has to have listened for a session before it judges by silence.
  await new Promise((resolve) => setTimeout(resolve, 10_000));
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
  // What the brokers said of a run that took long is the first thing to read.
  const logs = join(workDirectory, `failover-${way.name}.log`);
  rmSync(logs, { force: true });
  using network = way.needsNetwork === true ? createNamespaces(3) : null;
  const cell = await startProcessCell({
    places: network ?? loopback,
    data,
    brokerCount: 3,
    port: await freePorts(3),
    httpPort: await freePorts(4),
    onLog: (slot, level, message) => {
      appendFileSync(logs, `${new Date().toISOString()} broker ${slot} ${level}: ${message}\n`);
    },
    onLost: (slot, code) => console.log(`broker ${slot} ended by itself: ${code}`),
  });
  try {
    const controller = cell.slotOf(cell.image.controller.brokerId ?? -1);
    const others = cell.slots.filter((slot) => slot !== controller);
    await createLedBy(cell, way.isController ? [controller, ...others] : [...others, controller]);
    const prober = startProber(cell.bootstrap, topicName, Number(values.partitions));
    const clients = way.isInGoodOrder === true ? startRealClients(cell.bootstrap, topicName) : null;
    const measured: Measured[] = [];
    try {
      // A controller in office for less than a session waits for that.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      for (let run = 1; run <= way.runs; run++) {
        const one = await measure({ cell, prober, network }, way);
        measured.push(one);
        console.log(
          `  ${way.name} ${run}: ${one.ms.toFixed(0)} ms, ${one.retried} sent again, ${one.failed} failed`,
        );
      }
    } finally {
      await prober.stop();
      await clients?.end();
    }
    if (clients !== null)
      console.log(
        `  ${clients.acknowledged} records of ${clients.names.join(", ")} acknowledged, ${clients.givenUp} given up`,
      );
    const { median, lowest, highest } = spreadOf(measured.map(({ ms }) => ms / 1_000));
    const failed = measured.reduce((sum, each) => sum + each.failed, 0);
    return [
      way.title,
      `${way.runs}`,
      ...[median, lowest, highest].map((each) => each.toFixed(2)),
      `${failed + (clients?.givenUp ?? 0)}`,
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
const unavailable = namespacesUnavailable();
for (const way of ways.filter(({ name }) => values.only.split(",").includes(name))) {
  if (way.needsNetwork === true && unavailable !== null)
    console.log(`left out: ${way.title}: ${unavailable}`);
  else rows.push(await runWay(way));
}
console.log(
  markdownTable(["what ends", "runs", "median s", "best s", "worst s", "failed produces"], rows),
);
