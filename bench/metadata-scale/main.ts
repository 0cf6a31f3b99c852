// npm run bench:metadata -- [options]: what the metadata of a large cell cost, in simulated time. --help tells the options, docs/metadata-at-scale.md the method.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { workDirectory } from "../harness/load-client.ts";
import { describeMachine, machineText } from "../harness/machine.ts";
import { buildCell } from "./building.ts";
import { headOf, pass } from "./cell.ts";
import { partitionCountOf, usualSize } from "./cell-size.ts";
import type { CellSize } from "./cell-size.ts";
import type { Episode } from "./episode.ts";
import type { Findings } from "./report.ts";
import { tablesOf } from "./report.ts";
import { everythingLoss, singleLosses, zoneLoss, zoneReplaced } from "./scenes.ts";
import { duties, idle, imageMemory, replay, snapshot } from "./standing.ts";

const { values } = parseArgs({
  options: {
    brokers: { type: "string", default: String(usualSize.brokers) },
    topics: { type: "string", default: String(usualSize.topics) },
    partitions: { type: "string", default: String(usualSize.partitionsPerTopic) },
    level: { type: "string" },
    "idle-minutes": { type: "string", default: "60" },
    out: { type: "string", default: join(workDirectory, "metadata-scale") },
    docs: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const help = `npm run bench:metadata -- [options]
  --brokers N --topics N --partitions N   of the cell, partitions per topic (100, 1,000, 100)
  --level N                               metadata level of the cell (the newest)
  --idle-minutes N                        how long nothing happens (60)
  --out DIR                               results.json and results.md (default .bench/metadata-scale)
  --docs                                  the tables into docs/metadata-at-scale.md as well`;

const size: CellSize = {
  brokers: Number(values.brokers),
  topics: Number(values.topics),
  partitionsPerTopic: Number(values.partitions),
};

async function measure(say: (line: string) => void): Promise<Findings> {
  const level = values.level === undefined ? {} : { level: Number(values.level) };
  const cell = await buildCell(size, { chargesCpu: true, ...level });
  say(`${size.brokers} brokers, ${partitionCountOf(size).toLocaleString("en-US")} partitions`);
  await pass(cell, 30_000);
  const fresh = { snapshot: snapshot(headOf(cell)), memory: imageMemory(headOf(cell)) };
  const looks = duties(cell);
  const idleCosts = await idle(cell, Number(values["idle-minutes"]));
  say("an idle hour");
  const episodes: Episode[] = [];
  const watch = (episode: Episode): void => {
    episodes.push(episode);
    say(`${episode.title}: ${(episode.inLogMs / 1_000).toFixed(2)} s`);
  };
  await singleLosses(cell, watch);
  await zoneLoss(cell, watch);
  const replayCosts = await replay(cell);
  await zoneReplaced(cell, watch);
  await everythingLoss(cell, watch);
  const worn = { snapshot: snapshot(headOf(cell)), memory: imageMemory(headOf(cell)) };
  return {
    episodes,
    idle: idleCosts,
    duties: looks,
    snapshots: { fresh: fresh.snapshot, worn: worn.snapshot },
    memory: { fresh: fresh.memory, worn: worn.memory },
    replay: replayCosts,
  };
}

/** Between two marks of the page, which is written by hand around them. */
function writeIntoPage(text: string): void {
  const path = fileURLToPath(new URL("../../docs/metadata-at-scale.md", import.meta.url));
  const page = readFileSync(path, "utf8");
  const begin = "<!-- measured -->";
  const end = "<!-- /measured -->";
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${path} has no place for the tables`);
  writeFileSync(path, `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`);
}

if (values.help) console.log(help);
else {
  const findings = await measure(console.log);
  const date = new Date().toISOString().slice(0, 10);
  const text = `${date}, ${machineText(describeMachine())}\n\n${tablesOf(findings)}`;
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, "results.md"), `${text}\n`);
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Map ? Object.fromEntries(value) : value;
  writeFileSync(join(values.out, "results.json"), `${JSON.stringify(findings, plain, 2)}\n`);
  if (values.docs) writeIntoPage(text);
  console.log(`\n${text}\n\n${values.out}`);
}
