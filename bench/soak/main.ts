// npm run soak -- --minutes 20: a broker under every client there is, killed at random moments; what it promised is held against what it kept.
// npm run soak -- --brokers 3: a cell of them, killed, paused, cut off, robbed of their disks.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePortRange } from "../../test/support/free-ports.ts";
import { createNamespaces, namespacesUnavailable } from "../cell/namespaces.ts";
import { workDirectory } from "../harness/load-client.ts";
import { soakCell } from "./cell-soak.ts";
import { createDice } from "./dice.ts";
import { fullPlan, shortPlan } from "./plan.ts";
import { reportText } from "./report.ts";
import { type LifeEnd, soak } from "./soak.ts";
import { isClean, type SoakReport } from "./soak-report.ts";

const { values } = parseArgs({
  options: {
    brokers: { type: "string", default: "1" },
    minutes: { type: "string", default: "20" },
    seed: { type: "string" },
    rate: { type: "string", default: "1" },
    plan: { type: "string", default: "full" },
    loopback: { type: "boolean", default: false },
    data: { type: "string", default: join(workDirectory, "data/soak") },
    out: { type: "string", default: join(workDirectory, "soak") },
    help: { type: "boolean", default: false },
  },
});

const help = `npm run soak -- [options]
  --brokers 1     or more: a cell of processes, each in a network namespace of its own where that can be had (root, iproute2)
  --minutes 20    of load. One broker: the first 60 % of them in lives that end at random, the rest in one. More: 70 % of deeds, then peace
  --seed N        for what is done when and what is sent; printed, drawn if absent
  --rate 1        times some 2,000 records and 2 MB a second
  --plan full     or short: the clients that come with npm
  --loopback      no namespaces: nothing is cut
  --data DIR      the brokers', emptied first (default .bench/data/soak)
  --out DIR       results.json, results.md, clients/ for what clients said (default .bench/soak)`;

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

async function run(seed: number): Promise<SoakReport> {
  const brokerCount = Number(values.brokers);
  const seconds = Number(values.minutes) * 60;
  const port = await freePortRange(2 * brokerCount);
  const shared = {
    plan: values.plan === "short" ? shortPlan : fullPlan,
    data: values.data,
    port,
    httpPort: port + brokerCount,
    seed,
    rate: Number(values.rate),
    clientLogs: join(values.out, "clients"),
    say: (line: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  };
  if (brokerCount === 1) return soak({ ...shared, lives: drawLives(seed, seconds) });
  const reason = values.loopback ? "not wanted" : namespacesUnavailable();
  if (reason !== null) console.log(`nothing is cut: ${reason}`);
  using network = reason === null ? createNamespaces(brokerCount) : null;
  return await soakCell({ ...shared, brokerCount, network, seconds });
}

async function main(): Promise<void> {
  if (values.help) return console.log(help);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}`);
  rmSync(values.data, { recursive: true, force: true });
  mkdirSync(values.data, { recursive: true });
  rmSync(join(values.out, "clients"), { recursive: true, force: true });
  mkdirSync(join(values.out, "clients"), { recursive: true });
  const report = await run(seed);
  writeFileSync(join(values.out, "results.json"), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(values.out, "results.md"), reportText(report));
  console.log(`\n${reportText(report)}\n${values.out}`);
  // What was found stays to be looked at.
  if (isClean(report)) rmSync(values.data, { recursive: true, force: true });
  process.exit(isClean(report) ? 0 : 1);
}

await main();
