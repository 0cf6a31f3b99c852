// npm run soak -- --minutes 20: a broker under every client there is, killed at random moments; what it promised is held against what it kept.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { workDirectory } from "../harness/load-client.ts";
import { freePort } from "../load/target.ts";
import { createDice } from "./dice.ts";
import { fullPlan, shortPlan } from "./plan.ts";
import { reportText } from "./report.ts";
import { isClean, type LifeEnd, soak } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    seed: { type: "string" },
    rate: { type: "string", default: "1" },
    plan: { type: "string", default: "full" },
    data: { type: "string", default: join(workDirectory, "data/soak") },
    out: { type: "string", default: join(workDirectory, "soak") },
    help: { type: "boolean", default: false },
  },
});

const help = `npm run soak -- [options]
  --minutes 20    of load; the first 60 % of them in lives that end at random, the rest in one
  --seed N        for when the broker is killed and what is sent; printed, drawn if absent
  --rate 1        times some 2,000 records and 2 MB a second
  --plan full     or short: the clients that come with npm
  --data DIR      the broker's, emptied first (default .bench/data/soak)
  --out DIR       results.json, results.md (default .bench/soak)`;

/** Most lives last seconds, a sixth not even until they are up. */
function drawLives(seed: number, seconds: number): LifeEnd[] {
  const dice = createDice(seed);
  const lives: LifeEnd[] = [];
  const [shortest, spread] = [Math.min(5, seconds / 10), Math.min(55, seconds / 4)];
  let left = seconds * 0.6;
  while (left > 0) {
    const drawn = dice(6) === 0 ? dice(1_000) / 1000 : shortest + (dice(1_000) / 1000) * spread;
    lives.push({ after: "seconds", seconds: Math.min(left, drawn) });
    left -= drawn;
  }
  return [...lives, { after: "seconds", seconds: seconds * 0.4 }];
}

async function main(): Promise<void> {
  if (values.help) return console.log(help);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}`);
  rmSync(values.data, { recursive: true, force: true });
  mkdirSync(values.data, { recursive: true });
  const report = await soak({
    plan: values.plan === "short" ? shortPlan : fullPlan,
    data: values.data,
    port: await freePort(),
    httpPort: await freePort(),
    seed,
    rate: Number(values.rate),
    lives: drawLives(seed, Number(values.minutes) * 60),
    say: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  });
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, "results.json"), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(values.out, "results.md"), reportText(report));
  console.log(`\n${reportText(report)}\n${values.out}`);
  // What was found stays to be looked at.
  if (isClean(report)) rmSync(values.data, { recursive: true, force: true });
  process.exit(isClean(report) ? 0 : 1);
}

await main();
