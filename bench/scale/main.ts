// npm run bench:scale -- [options]: what one broker holds. --help tells the options, bench/README.md what is measured.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { workDirectory } from "../harness/load-client.ts";
import { describeMachine, machineText } from "../harness/machine.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { threeDigits } from "../harness/statistics.ts";
import type { Figure, Measurement } from "./measurement.ts";

/** Loaded one by one, when chosen: each brings what it loads the broker with. */
const measurements: Readonly<Record<string, () => Promise<Measurement>>> = {
  start: () => import("./start.ts"),
  partitions: () => import("./partitions.ts"),
  idle: () => import("./idle.ts"),
  replicated: () => import("./replicated.ts"),
  restart: () => import("./restart.ts"),
  connections: () => import("./connections.ts"),
  topics: () => import("./topics.ts"),
  groups: () => import("./groups.ts"),
  "slow-readers": () => import("./slow-readers.ts"),
  "hot-partition": () => import("./hot-partition.ts"),
};

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(measurements).join(",") },
    count: { type: "string", multiple: true, default: [] },
    out: { type: "string", default: join(workDirectory, "scale") },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const help = `npm run bench:scale -- [options]
  --only a,b           measurements by name, comma-separated; --list names them
  --count name=number  another size of one of them; repeatable
  --out DIR            results.json and results.md (default .bench/scale)`;

type Result = {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
};

const counts = new Map(
  values.count.map((each) => {
    const [name = "", count] = each.split("=");
    if (!(Number(count) > 0)) throw new Error(`--count ${each}: write name=number`);
    return [name, Number(count)];
  }),
);

async function load(name: string): Promise<Measurement> {
  const found = measurements[name];
  if (found === undefined)
    throw new Error(
      `no measurement is named ${name}; there are: ${Object.keys(measurements).join(", ")}`,
    );
  return found();
}

const tableOf = ({ title, figures }: Result): string =>
  `### ${title}\n\n${markdownTable(
    ["figure", "value", "unit"],
    figures.map(({ what, value, unit }) => [what, threeDigits(value), unit]),
  )}\n`;

async function main(): Promise<void> {
  if (values.help) return console.log(help);
  if (values.list) {
    for (const name of Object.keys(measurements))
      console.log(`${name.padEnd(16)}${(await load(name)).title}`);
    return;
  }
  const chosen = await Promise.all(values.only.split(",").map(load));
  const machine = describeMachine();
  const date = new Date().toISOString();
  const results: Result[] = [];
  for (const measurement of chosen) {
    const { name, title } = measurement;
    console.log(`${name}: ${title}`);
    const count = counts.get(name);
    const figures = await measurement.run({
      say: console.log,
      ...(count === undefined ? {} : { count }),
    });
    results.push({ name, title, figures });
    console.log(`\n${tableOf(results.at(-1)!)}`);
  }
  mkdirSync(values.out, { recursive: true });
  writeFileSync(
    join(values.out, "results.json"),
    `${JSON.stringify({ date, machine, results }, null, 2)}\n`,
  );
  writeFileSync(
    join(values.out, "results.md"),
    `${date}, ${machineText(machine)}\n\n${results.map(tableOf).join("\n")}`,
  );
  console.log(values.out);
}

await main();
