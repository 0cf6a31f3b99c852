// npm run bench:floor: what this machine, and Node on it, can do at the least a broker must do. The broker's CPU per GB is a multiple of these.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile, workDirectory } from "../harness/load-client.ts";
import { busyCores, describeMachine, machineText, warmMemory } from "../harness/machine.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { spreadOf, spreadText } from "../harness/statistics.ts";
import { writeReport } from "../load/report.ts";

export type FloorRun = {
  readonly step: string;
  readonly by: "C" | "Node";
  readonly megabytesPerSecond: number;
  readonly cpuSecondsPerGb: number;
  readonly userSecondsPerGb: number;
  readonly systemSecondsPerGb: number;
};

type Line = { bytes: number; seconds: number; user: number; system: number };

/** What is added from line to line; `c` are the options of floor.c, `node` the steps of node-floor.ts (null where Node has no such thing). */
const steps: readonly { name: string; mode: string; c: string[]; node: string[] | null }[] = [
  { name: "receive", mode: "receive", c: [], node: [] },
  { name: "receive, CRC32C", mode: "receive", c: ["crc=1"], node: ["crc"] },
  { name: "receive, CRC32C, copy", mode: "receive", c: ["crc=1", "copy=1"], node: ["crc", "copy"] },
  {
    name: "receive, CRC32C, copy, write over files",
    mode: "receive",
    c: ["crc=1", "copy=1", "write=recycled"],
    node: ["crc", "copy", "recycled"],
  },
  {
    name: "receive, CRC32C, copy, write new files",
    mode: "receive",
    c: ["crc=1", "copy=1", "write=fresh"],
    node: ["crc", "copy", "fresh"],
  },
  { name: "send from memory", mode: "send", c: [], node: [] },
  { name: "send from page cache (sendfile)", mode: "sendfile", c: [], node: null },
];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    "total-mb": { type: "string", default: "3000" },
    "warm-gb": { type: "string", default: "3" },
    out: { type: "string", default: join(workDirectory, "floor") },
  },
});

const directory = join(workDirectory, "data/floor");
const nodeFloor = resolve(dirname(fileURLToPath(import.meta.url)), "node-floor.ts");

function run(command: string, args: string[]): Line {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout) as Line;
}

const figures = (step: string, by: FloorRun["by"], line: Line): FloorRun => ({
  step,
  by,
  megabytesPerSecond: line.bytes / 1e6 / line.seconds,
  cpuSecondsPerGb: ((line.user + line.system) * 1e9) / line.bytes,
  userSecondsPerGb: (line.user * 1e9) / line.bytes,
  systemSecondsPerGb: (line.system * 1e9) / line.bytes,
});

function runRound(program: string | null): FloorRun[] {
  const total = Number(values["total-mb"]);
  return steps.flatMap(({ name, mode, c, node }) => {
    const runs: FloorRun[] = [];
    if (program !== null)
      runs.push(
        figures(
          name,
          "C",
          run(program, [mode, `total_mb=${total}`, `directory=${directory}`, ...c]),
        ),
      );
    if (node !== null) {
      const options = { mode, totalBytes: total * 1e6, steps: node, directory };
      runs.push(figures(name, "Node", run(process.execPath, [nodeFloor, JSON.stringify(options)])));
    }
    return runs;
  });
}

async function main(): Promise<void> {
  const program = compile("floor/floor.c");
  if ("missing" in program) console.log(`the machine's floor is left out: ${program.missing}`);
  mkdirSync(directory, { recursive: true });
  const machine = describeMachine();
  const memory = warmMemory(workDirectory, Number(values["warm-gb"]) * 1e9);
  console.log(
    `${machineText(machine)}\n${memory}\n${(await busyCores()).toFixed(2)} cores busy with other work`,
  );
  const runs: FloorRun[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    console.log(`Round ${round} of ${values.rounds}`);
    runs.push(...runRound("missing" in program ? null : program.path));
  }
  rmSync(directory, { recursive: true, force: true });
  const rows = (["C", "Node"] as const).flatMap((by) =>
    steps.flatMap(({ name }) => {
      const own = runs.filter((each) => each.step === name && each.by === by);
      if (own.length === 0) return [];
      const over = (of: (each: FloorRun) => number): string => spreadText(spreadOf(own.map(of)));
      return [
        [
          name,
          by,
          over((each) => each.megabytesPerSecond),
          over((each) => each.cpuSecondsPerGb),
          over((each) => each.userSecondsPerGb),
          over((each) => each.systemSecondsPerGb),
        ],
      ];
    }),
  );
  const table = markdownTable(["floor", "in", "MB/s", "CPU s/GB", "user", "system"], rows);
  const date = new Date().toISOString();
  writeReport(values.out, {
    json: { date, machine, memory, runs },
    markdown: `${date}, ${machineText(machine)}\n\n${table}\n`,
    charts: {},
  });
  console.log(`\n${table}\n\n${values.out}`);
}

await main();
