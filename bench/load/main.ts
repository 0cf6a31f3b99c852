// npm run bench:load -- [options]: loads one broker and says what it did. --help tells the options, bench/README.md what is measured.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { kafkaClasspath } from "../compare/kafka.ts";
import { workDirectory } from "../harness/load-client.ts";
import { describeMachine, machineText, warmMemory } from "../harness/machine.ts";
import { group, latencyTable, loadCharts, loadTable, writeReport } from "./report.ts";
import { prepareClients, runSession } from "./session.ts";
import { myelinTopicConfig, startMyelin, type Target } from "./target.ts";
import { chooseWorkloads, workloads } from "./workloads.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "*" },
    brokers: { type: "string", default: "1" },
    bootstrap: { type: "string" },
    pid: { type: "string", default: "" },
    data: { type: "string" },
    name: { type: "string", default: "broker" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    warmup: { type: "string", default: "2" },
    "quiet-wait": { type: "string", default: "20" },
    "warm-gb": { type: "string", default: "4" },
    "warm-run-gb": { type: "string", default: "0" },
    out: { type: "string", default: join(workDirectory, "load") },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const help = `npm run bench:load -- [options]
  --only a,b*       workloads by name, comma-separated; --list names them
  --brokers 3       a cell of three: topics with three replicas, acks=all
  --bootstrap H:P   load a broker that runs already (else \`myelin dev\` is started), with --pid N[,N] its processes
  --data DIR        its data directory, for the cold fetch; --name what to call it
  --rounds 3 --seconds 8 --warmup 2
  --quiet-wait 20   seconds to wait for a quiet machine before each run
  --warm-gb 4       memory to touch beforehand; 0 for none
  --warm-run-gb 0   and again before each run
  --out DIR         results.json, results.md and charts (default .bench/load)`;

function givenTarget(bootstrap: string): Target {
  const pids = values.pid.split(",").filter(Boolean).map(Number);
  if (pids.length === 0)
    throw new Error("--bootstrap needs --pid: CPU and memory are the broker's");
  return {
    name: values.name,
    bootstrap,
    pids,
    replicationFactor: 1,
    dataDirectory: values.data ?? null,
    topicConfig: values.name === "Myelin" ? myelinTopicConfig : () => ({}),
    startSeconds: null,
    stop: () => Promise.resolve(),
  };
}

async function main(): Promise<void> {
  if (values.help) return console.log(help);
  if (values.list) {
    for (const { name, title } of workloads) console.log(`${name.padEnd(28)}${title}`);
    return;
  }
  const chosen = chooseWorkloads(values.only.split(","));
  const clients = prepareClients(
    chosen.some(({ client }) => client === "java") ? kafkaClasspath(console.log) : null,
  );
  if ("missing" in clients) {
    console.log(`bench: skipped, ${clients.missing}`);
    return;
  }
  const machine = describeMachine();
  console.log(machineText(machine));
  const memory =
    Number(values["warm-gb"]) > 0
      ? warmMemory(workDirectory, Number(values["warm-gb"]) * 1e9)
      : "memory not warmed";
  console.log(memory);
  const target =
    values.bootstrap === undefined
      ? await startMyelin({ brokers: Number(values.brokers) })
      : givenTarget(values.bootstrap);
  try {
    const runs = await runSession({
      targets: [target],
      workloads: chosen,
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      warmupSeconds: Number(values.warmup),
      quietWaitSeconds: Number(values["quiet-wait"]),
      warmBytes: Number(values["warm-run-gb"]) * 1e9,
      clients,
      hasUncountedRound: false,
      say: console.log,
    });
    const grouped = group(chosen, runs);
    const tables = [loadTable(grouped), latencyTable(grouped)].filter(Boolean).join("\n\n");
    const date = new Date().toISOString();
    writeReport(values.out, {
      json: { date, machine, memory, startSeconds: target.startSeconds, runs },
      markdown: `${date}, ${machineText(machine)}\n\n${tables}\n`,
      charts: loadCharts(grouped),
    });
    console.log(`\n${tables}\n\n${values.out}`);
  } finally {
    await target.stop();
  }
}

await main();
