import { parseArgs } from "node:util";
import { applyMutant, mutantOf } from "./mutants/apply-mutant.ts";
import type { SeedOptions, SeedResult } from "./scenario/run-seed.ts";
import { parseTopicLimits } from "./scenario/topic-limits.ts";
import { formatFaultRates, parseFaultRates } from "./world/fault-table.ts";

// npm run sim -- --seed N             one universe, again as it was
// npm run sim -- --seeds FROM..TO     many, one after the other, up to the first that fails
// npm run sim -- --for SECONDS        as many fresh ones as that takes

const usage = `npm run sim -- --seed N | --seeds FROM..TO | --for SECONDS
  --until MS          simulated time under load and faults
  --events N          events after which load and faults end
  --brokers N         so many brokers, instead of what the seed draws
  --faults NAME=RATE,...   these faults, instead of those the seed draws
  --topics rf=3,min=2,partitions=1,durability=fsync   so, instead of what the seed draws
  --packs-alone       records go into packs and into no segment, instead of what the seed draws
  --mutant NAME       with a rule of the product broken (test/simulation/mutants)
  --trace             say what happens
  --quiet             say nothing of seeds that hold
  --keep-going        go on after a seed that fails
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    for: { type: "string" },
    until: { type: "string" },
    events: { type: "string" },
    faults: { type: "string" },
    brokers: { type: "string" },
    topics: { type: "string" },
    "packs-alone": { type: "boolean", default: false },
    mutant: { type: "string" },
    trace: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
  },
});

type Sweep = { readonly from: number; readonly to: number; readonly limitMs: number };

function wholeNumber(text: string, what: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new Error(`${what} is a whole number, not ${text}`);
  }
  return value;
}

function sweepAsked(): Sweep | null {
  if (values.seed !== undefined) {
    const seed = wholeNumber(values.seed, "--seed");
    return { from: seed, to: seed, limitMs: Infinity };
  }
  if (values.for !== undefined) {
    const limitMs = wholeNumber(values.for, "--for") * 1_000;
    // Fresh ones each time, and said aloud: what fails can be run again.
    return { from: Math.floor(Date.now() / 100), to: Number.MAX_SAFE_INTEGER, limitMs };
  }
  const [from, to] = values.seeds?.split("..") ?? [];
  if (from === undefined || to === undefined) return null;
  return { from: wholeNumber(from, "--seeds"), to: wholeNumber(to, "--seeds"), limitMs: Infinity };
}

function optionsFor(seed: number): SeedOptions {
  const { until, events, faults, brokers, topics, trace } = values;
  return {
    seed,
    ...(brokers === undefined ? {} : { brokerCount: wholeNumber(brokers, "--brokers") }),
    ...(topics === undefined ? {} : { topics: parseTopicLimits(topics) }),
    ...(until === undefined ? {} : { untilMs: wholeNumber(until, "--until") }),
    ...(events === undefined ? {} : { maxEvents: wholeNumber(events, "--events") }),
    ...(faults === undefined ? {} : { faults: parseFaultRates(faults) }),
    ...(values["packs-alone"] ? { hasPacksAlone: true } : {}),
    ...(trace ? { trace: (line: string) => console.log(line) } : {}),
  };
}

/** The command that brings the same universe about. */
function replayOf({ seed }: SeedOptions): string {
  const given = (["until", "events", "brokers", "topics", "faults", "mutant"] as const)
    .filter((name) => values[name] !== undefined)
    .map((name) => ` --${name} ${values[name]}`);
  const packs = values["packs-alone"] ? " --packs-alone" : "";
  return `npm run sim -- --seed ${seed}${given.join("")}${packs}`;
}

function describe(result: SeedResult, tookMs: number): string {
  const { seed, plan, events, simulatedMs, hash, records, acknowledged, reads } = result;
  const { lives, segments, gets, packs, cleaned } = result;
  const { producers, consumers, members, topics } = plan.workload;
  const faults = values.faults ?? formatFaultRates(plan.faults);
  return [
    `seed ${seed}: holds; ${events} events, ${(simulatedMs / 1_000).toFixed(0)} simulated s in ${(tookMs / 1_000).toFixed(2)} s, ${hash}`,
    `  ${plan.brokerCount} brokers, ${topics.length} topics, ${producers.length} producers, ${consumers.length} consumers, ${members.length} members; ${records} records, ${acknowledged} acknowledged, ${reads} read; ${segments} segments, ${packs} packs, ${gets} objects read, ${cleaned} partitions compacted; ${lives} lives`,
    `  ${faults === "" ? "no faults" : faults}`,
  ].join("\n");
}

async function sweep({ from, to, limitMs }: Sweep): Promise<number> {
  const { runSeed } = await import("./scenario/run-seed.ts");
  const { drawSwarm } = await import("./scenario/swarm.ts");
  const startMs = performance.now();
  const total = { seeds: 0, events: 0, simulatedMs: 0 };
  const failed: number[] = [];
  if (values.for !== undefined) console.log(`from seed ${from}`);
  for (let seed = from; seed <= to && performance.now() - startMs < limitMs; seed++) {
    const options = optionsFor(seed);
    const seedMs = performance.now();
    try {
      const result = await runSeed(options);
      total.seeds++;
      total.events += result.events;
      total.simulatedMs += result.simulatedMs;
      if (!values.quiet) console.log(describe(result, performance.now() - seedMs));
    } catch (error) {
      console.log(error);
      console.log(`\nseed ${seed} fails. Again: ${replayOf(options)}`);
      console.log(`faults drawn: ${formatFaultRates(drawSwarm(seed).faults)}`);
      failed.push(seed);
      if (!values["keep-going"]) return 1;
    }
  }
  const tookS = (performance.now() - startMs) / 1_000;
  const hours = (total.simulatedMs / 3_600_000).toFixed(2);
  console.log(
    `${failed.length > 0 ? `${failed.length} seeds fail: ${failed.join(" ")}; ` : ""}${total.seeds} seeds hold: ${total.events} events, ${hours} simulated hours in ${tookS.toFixed(1)} s; ${Math.round(total.events / tookS)} events/s, ${Math.round((total.seeds / tookS) * 60)} seeds/min`,
  );
  return failed.length > 0 ? 1 : 0;
}

const asked = sweepAsked();
if (asked === null) {
  console.log(usage);
  process.exitCode = 2;
} else {
  if (values.mutant !== undefined) applyMutant(mutantOf(values.mutant));
  process.exitCode = await sweep(asked);
}
