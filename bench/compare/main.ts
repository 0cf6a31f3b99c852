// npm run bench:compare -- [options]: the same work on Myelin and on Apache Kafka in one session, taking turns. bench/README.md says how.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { workDirectory } from "../harness/load-client.ts";
import { describeMachine, machineText, warmMemory } from "../harness/machine.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { spreadOf, spreadText, threeDigits } from "../harness/statistics.ts";
import type { Figures } from "../load/figures.ts";
import { group, latencyTable, loadCharts, loadTable, notes, writeReport } from "../load/report.ts";
import { prepareClients, runSession } from "../load/session.ts";
import { atItsDefault, startMyelin, type Target } from "../load/target.ts";
import { chooseWorkloads, type Workload } from "../load/workloads.ts";
import { kafkaClasspath, kafkaVersion, startKafka } from "./kafka.ts";
import { type Ratio, ratiosOf } from "./ratios.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "*" },
    brokers: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    warmup: { type: "string", default: "2" },
    "quiet-wait": { type: "string", default: "20" },
    "warm-gb": { type: "string", default: "6" },
    "warm-run-gb": { type: "string", default: "6" },
    "no-uncounted-round": { type: "boolean", default: false },
    out: { type: "string", default: join(workDirectory, "compare") },
    help: { type: "boolean", default: false },
  },
});

const help = `npm run bench:compare -- [options]      (needs Java and Maven; bench:load -- --list names the workloads)
  --only a,b*       workloads by name, comma-separated
  --brokers 3       cells of three: topics with three replicas, acks=all (workloads of librdkafka only)
  --rounds 3 --seconds 8 --warmup 2
  --quiet-wait 20   seconds to wait for a quiet machine before each run
  --warm-gb 6       memory to touch beforehand
  --warm-run-gb 6   and again before each run
  --no-uncounted-round   do not run everything once, briefly, before it counts
  --out DIR         results.json, results.md and charts (default .bench/compare)`;

function ratioTable(chosen: readonly Workload[], runs: readonly Figures[]): string {
  const rows = chosen.flatMap((workload) => {
    const own = runs.filter((run) => run.workload === workload.name);
    const byDefault = ratiosOf(workload, runs, ["Myelin by default", "Kafka"]);
    return ratiosOf(workload, runs, ["Myelin", "Kafka"]).map((each, index) => [
      index === 0 ? workload.title : "",
      each.figure,
      spreadText(spreadOf(each.ours)),
      spreadText(spreadOf(each.theirs)),
      `${spreadText(each.ratio)}x`,
      defaultText(byDefault.find(({ figure }) => figure === each.figure)),
      each.isBetterHigher ? "higher" : "lower",
      `${each.ratio.count}`,
      index === 0 ? notes(own) : "",
    ]);
  });
  return markdownTable(
    [
      "work",
      "figure",
      "Myelin",
      "Kafka",
      "Myelin / Kafka",
      "by default (fsync)",
      "better",
      "pairs",
      "note",
    ],
    rows,
  );
}

const defaultText = (ratio: Ratio | undefined): string =>
  ratio === undefined
    ? ""
    : `${spreadText(spreadOf(ratio.ours))}, ${threeDigits(ratio.ratio.median)}x`;

async function main(): Promise<void> {
  if (values.help) return console.log(help);
  const brokers = Number(values.brokers);
  // The wire client does not look for leaders.
  const chosen = chooseWorkloads(values.only.split(",")).filter(
    ({ client }) => brokers === 1 || client !== "wire",
  );
  const classpath = kafkaClasspath(console.log);
  const clients = prepareClients(classpath);
  if ("missing" in clients || classpath === null) {
    console.log(
      `bench: skipped, ${"missing" in clients ? clients.missing : "no Kafka to compare with"}`,
    );
    return;
  }
  const machine = describeMachine();
  const memory = warmMemory(workDirectory, Number(values["warm-gb"]) * 1e9);
  console.log(`${machineText(machine)}\n${memory}`);
  const targets: Target[] = [];
  try {
    targets.push(await startKafka(classpath, brokers), await startMyelin({ brokers }));
    const measured = targets.flatMap((target) =>
      // Of several replicas not each has to have flushed, by default; with one it is what an acknowledgement is worth.
      target.name === "Myelin" && brokers === 1 ? [target, atItsDefault(target)] : [target],
    );
    for (const { name, startSeconds } of targets)
      console.log(`${name} up after ${startSeconds?.toFixed(2)} s`);
    const runs = await runSession({
      targets: measured,
      workloads: chosen,
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      warmupSeconds: Number(values.warmup),
      quietWaitSeconds: Number(values["quiet-wait"]),
      warmBytes: Number(values["warm-run-gb"]) * 1e9,
      clients,
      hasUncountedRound: !values["no-uncounted-round"],
      say: console.log,
    });
    const grouped = group(chosen, runs);
    const tables = [ratioTable(chosen, runs), loadTable(grouped), latencyTable(grouped)].filter(
      Boolean,
    );
    const date = new Date().toISOString();
    const head = `${date}, ${machineText(machine)}; ${memory}. Apache Kafka ${kafkaVersion}. Medians (lowest..highest) of ${values.rounds} rounds of ${values.seconds} s; ratios of pairs.`;
    writeReport(values.out, {
      json: {
        date,
        machine,
        memory,
        kafkaVersion,
        start: targets.map(({ name, startSeconds }) => ({ name, startSeconds })),
        runs,
        ratios: chosen.flatMap((workload) => ratiosOf(workload, runs, ["Myelin", "Kafka"])),
      },
      markdown: `${[head, ...tables].join("\n\n")}\n`,
      charts: loadCharts(grouped),
    });
    console.log(`\n${tables.join("\n\n")}\n\n${values.out}`);
  } finally {
    for (const target of targets) await target.stop();
  }
}

await main();
