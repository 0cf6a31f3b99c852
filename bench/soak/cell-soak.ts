import { until, whenWell } from "../cell/wellness.ts";
import { type CellRun, type CellRunOptions, startCellRun } from "./cell-run.ts";
import { drawDeed } from "./deeds.ts";
import { createDice } from "./dice.ts";
import { type Sample, sample, trendsOf } from "./samples.ts";
import type { SoakReport } from "./soak-report.ts";

export type CellSoakOptions = CellRunOptions & { readonly seconds: number };

/** The rest is left in peace, so that memory can be watched. */
const shareOfDeeds = 0.7;
const ledLimitSeconds = 60;
const wellLimitSeconds = 240;

/** Loads a cell with every client of the plan, does things to its brokers and its network, and holds what is there at the end against what was promised. */
export async function soakCell(options: CellSoakOptions): Promise<SoakReport> {
  const startedAt = performance.now();
  await using run = await startCellRun(options);
  const watch = watchProcesses(run);
  const deeds = new Map<string, number>();
  try {
    await doDeeds(run, options, deeds);
    await new Promise((resolve) =>
      setTimeout(resolve, options.seconds * (1 - shareOfDeeds) * 1000),
    );
  } finally {
    watch.stop();
  }
  await run.conclude();
  return report(run, {
    options,
    deeds,
    samples: watch.samples,
    minutes: (performance.now() - startedAt) / 60_000,
  });
}

async function doDeeds(
  run: CellRun,
  { seed, seconds, network, say }: CellSoakOptions,
  done: Map<string, number>,
): Promise<void> {
  const { cell } = run;
  const dice = createDice(seed + 1);
  const at = { cell, dice, network };
  const deadline = performance.now() + seconds * shareOfDeeds * 1000;
  while (performance.now() < deadline) {
    const deed = drawDeed(at);
    if (deed.needsWell === true) await whenWell(cell, wellLimitSeconds);
    const { acknowledged } = run.ledger.totals;
    say(`${deed.name}; ${acknowledged} records acknowledged so far`);
    done.set(deed.name, (done.get(deed.name) ?? 0) + 1);
    await deed.run(at);
    try {
      await until(() => cell.image.leaderlessCount === 0, {
        limitSeconds: ledLimitSeconds,
        what: () => `${cell.image.leaderlessCount} partitions have no leader`,
      });
      await run.whenFlowing(ledLimitSeconds);
    } catch (error) {
      run.fault(`${(error as Error).message}: after ${deed.name}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000 + dice(8_000)));
  }
}

type Watch = { readonly samples: readonly Sample[]; stop(): void };

/** Looks at every broker's process once a second; each life has a number. */
function watchProcesses({ cell }: CellRun): Watch {
  const samples: Sample[] = [];
  const numbers = new Map<object, number>();
  const timer = setInterval(() => {
    for (const slot of cell.slots) {
      if (!cell.isRunning(slot)) continue;
      const life = cell.life(slot);
      const number = numbers.get(life) ?? numbers.size + 1;
      numbers.set(life, number);
      const taken = sample(life, number);
      if (taken !== null && taken.cpuSeconds > 0) samples.push(taken);
    }
  }, 1_000);
  return { samples, stop: () => clearInterval(timer) };
}

type Findings = {
  readonly options: CellSoakOptions;
  readonly deeds: ReadonlyMap<string, number>;
  readonly samples: readonly Sample[];
  readonly minutes: number;
};

function report(run: CellRun, { options, deeds, samples, minutes }: Findings): SoakReport {
  const { ledger, load, faults, troubles, silences } = run;
  const trends = trendsOf(samples);
  for (const { measure, first, last, isFlat } of trends)
    if (!isFlat) run.fault(`${measure} grew from ${first.toFixed(0)} to ${last.toFixed(0)}`);
  const lives = [...Map.groupBy(samples, ({ life }) => life).values()];
  const cpuSeconds = lives.reduce((sum, life) => sum + (life.at(-1)?.cpuSeconds ?? 0), 0);
  return {
    seed: options.seed,
    minutes,
    deeds: Object.fromEntries(deeds),
    clients: load.clients,
    leftOut: load.leftOut,
    totals: ledger.totals,
    violations: ledger.violations,
    faults: [...faults],
    troubles: Object.fromEntries([...troubles].sort((a, b) => b[1] - a[1])),
    silences: Object.fromEntries(silences),
    startMs: [],
    trends,
    cpuSecondsPerMinute: cpuSeconds / minutes,
    samples,
  };
}
