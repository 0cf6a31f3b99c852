import { defaultCellConfig } from "../../../broker/cell/cell-config.ts";
import { SimCell } from "../cell/sim-cell.ts";
import { checkHistory } from "../history/check-history.ts";
import { invariants } from "../invariants/invariants.ts";
import { InvariantWatch } from "../invariants/watch-invariants.ts";
import type { FaultName, FaultRates } from "../world/fault-table.ts";
import type { World } from "../world/world.ts";
import { createWorld, Violation } from "../world/world.ts";
import { Nemesis } from "./nemesis.ts";
import { Promises } from "./promises.ts";
import type { SwarmPlan } from "./swarm.ts";
import { drawSwarm } from "./swarm.ts";
import type { TopicLimits } from "./topic-limits.ts";
import { Workload } from "./workload.ts";

export type SeedOptions = {
  readonly seed: number;
  /** Instead of what the seed draws. */
  readonly faults?: FaultRates;
  readonly brokerCount?: number;
  readonly topics?: TopicLimits;
  readonly hasPacksAlone?: boolean;
  /** Of simulated time under load and faults, instead of what the seed draws. */
  readonly untilMs?: number;
  readonly maxEvents?: number;
  readonly trace?: (line: string) => void;
};

export type SeedResult = {
  readonly seed: number;
  readonly plan: SwarmPlan;
  readonly events: number;
  readonly simulatedMs: number;
  readonly hash: string;
  readonly records: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly lives: number;
  /** Segments that were put, and requests for objects. */
  readonly segments: number;
  readonly gets: number;
  readonly packs: number;
  /** Partitions that compaction has been over. */
  readonly cleaned: number;
  readonly struck: ReadonlyMap<FaultName, number>;
};

/** How long a cell may take, all faults over, to serve everything again. */
const healingMs = 600_000;

/** One universe from beginning to end: a cell under load and faults, then peace, then everything read back and judged. Throws Violation. */
export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const { seed, trace } = options;
  const plan = drawSwarm(seed, options);
  const faults = options.faults ?? plan.faults;
  const world = createWorld({ seed, faults, ...(trace === undefined ? {} : { trace }) });
  const cell = new SimCell({ ...plan, world });
  const watch = new InvariantWatch(cell, invariants);
  let segments = 0;
  cell.objects.onChange(({ key, before }) => {
    if (before === null && key.endsWith(".segment")) segments++;
  });
  const promises = new Promises(cell);
  const workload = new Workload(cell, plan.workload, promises);
  const nemesis = new Nemesis(cell, promises);
  const clusterId = await within(world, healingMs, cell.start(), "the cell to start");
  await within(world, healingMs, workload.start(clusterId), "topics to be made");
  nemesis.start();
  await world.run({
    untilMs: world.nowMs + (options.untilMs ?? plan.durationMs),
    maxEvents: world.eventCount + (options.maxEvents ?? plan.maxEvents),
  });
  world.trace(() => "peace");
  world.faults.quieten();
  nemesis.stop();
  const serving = Promise.all(cell.brokers.map((node) => node.whenServing()));
  await within(world, healingMs, serving, "every broker to serve again");
  await within(world, healingMs, nemesis.whenHealed(), "what was lost to be given up");
  await within(world, healingMs, workload.stop(), "the load to end");
  await within(world, healingMs, workload.readBack(clusterId), "everything to be read back");
  watch.checkAll();
  judge(world, { workload, promises, plan });
  return resultOf({ seed, plan, world, cell, workload, nemesis, segments });
}

/** What must come to pass does so in time: nothing hangs for ever. */
async function within<T>(
  world: World,
  limitMs: number,
  work: Promise<T>,
  what: string,
): Promise<T> {
  let isDone = false;
  const note = (): void => void (isDone = true);
  work.then(note, note);
  await world.run({ untilMs: world.nowMs + limitMs, until: () => isDone });
  if (!isDone) {
    world.fail(`waited ${limitMs / 1_000} s for ${what}`);
    throw world.violation!;
  }
  return work;
}

/** A leader that was replaced stops answering within a session of hearing of nobody, as it notices by its own clock. */
const staleLimitMs = defaultCellConfig.sessionMs + 3_000;

type Judged = {
  readonly workload: Workload;
  readonly promises: Promises;
  readonly plan: SwarmPlan;
};

function judge(world: World, { workload, promises, plan }: Judged): void {
  const anomalies = checkHistory(workload.history, {
    isPromised: (batch) => promises.isPromised(batch),
    isGroupPromised: (group) => promises.isGroupPromised(group),
    // One that begins anew from the object store is a new leader, too.
    mayLeaderLag: plan.brokerCount > 1 || promises.hasLostEveryDisk,
    termEndMs: (partition, leaderEpoch) => promises.termEndMs(partition, leaderEpoch),
    staleLimitMs,
  });
  if (anomalies.length === 0 && world.violation === null) return;
  const [first] = anomalies;
  if (first !== undefined) {
    const more = anomalies.length === 1 ? "" : ` (and ${anomalies.length - 1} more)`;
    for (const { kind, message } of anomalies) world.trace(() => `${kind}: ${message}`);
    world.fail(`${first.kind}: ${first.message}${more}`);
  }
  throw world.violation ?? new Violation("unreachable");
}

function resultOf({
  seed,
  plan,
  world,
  cell,
  workload,
  nemesis,
  segments,
}: {
  seed: number;
  plan: SwarmPlan;
  world: World;
  cell: SimCell;
  workload: Workload;
  nemesis: Nemesis;
  segments: number;
}): SeedResult {
  const { sent, seen } = workload.history;
  const acknowledged = sent.filter(({ outcome }) => outcome === "acknowledged");
  const countOf = (batches: readonly { count: number }[]): number =>
    batches.reduce((sum, { count }) => sum + count, 0);
  return {
    seed,
    plan,
    events: world.eventCount,
    simulatedMs: world.nowMs,
    hash: world.hash.digest(),
    records: countOf(sent),
    acknowledged: countOf(acknowledged),
    reads: seen.reduce((sum, { records }) => sum + records.length, 0),
    lives: cell.brokers.reduce((sum, { lives }) => sum + lives, 0),
    segments,
    gets: cell.objects.counts.get,
    packs: cell.cold.packCount,
    cleaned: cell.cold.cleanedCount(),
    struck: nemesis.struck,
  };
}
