import { setTimeout } from "node:timers/promises";
import { type Program, runClient } from "../harness/load-client.ts";
import { markdownTable } from "../harness/markdown-table.ts";
import { cpuOf, watchMemory } from "../harness/process-figures.ts";
import { pairedRatios, spreadOf, spreadText } from "../harness/statistics.ts";
import { startColdBroker } from "./cold-broker.ts";
import { type Kind, kinds, type StoreFigures } from "./metered-store.ts";

// What tiering costs at one load: PUTs and bytes for each gigabyte produced, and the broker's CPU and memory beside those of one that does not tier.

const partitionCount = 4;
const recordBytes = 1_000;
const recordsPerSecond = 20_000;
/** The log lets go of what is older. */
const budgetBytes = 512 * 1024 * 1024;

type Cost = {
  readonly gigabytes: number;
  readonly cpuPerGigabyte: number;
  readonly rssMb: number;
  readonly puts: StoreFigures["puts"];
};

export async function tieringCost(
  wire: Program,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<string> {
  const costs: Record<"on" | "off", Cost[]> = { on: [], off: [] };
  for (let round = 0; round < rounds; round += 1) {
    // Turned around from one round to the next, as what comes later finds another machine.
    for (const which of round % 2 === 0 ? (["off", "on"] as const) : (["on", "off"] as const)) {
      costs[which].push(await costOf(wire, which === "on", seconds));
    }
  }
  const of = (which: "on" | "off", name: "cpuPerGigabyte" | "rssMb") =>
    costs[which].map((cost) => cost[name]);
  const row = (title: string, name: "cpuPerGigabyte" | "rssMb"): string[] => [
    title,
    spreadText(spreadOf(of("off", name))),
    spreadText(spreadOf(of("on", name))),
    spreadText(pairedRatios(of("on", name), of("off", name))),
  ];
  const putRow = (kind: Kind): string[] => {
    const each = (what: "count" | "bytes", unit: number) =>
      costs.on.map((cost) => cost.puts[kind][what] / unit / cost.gigabytes);
    return [kind, spreadText(spreadOf(each("count", 1))), spreadText(spreadOf(each("bytes", 1e6)))];
  };
  return [
    `${partitionCount} partitions, 1 KB records at ${(recordsPerSecond * recordBytes) / 1e6} MB/s, ${seconds} s, ${rounds} rounds:`,
    markdownTable(
      ["", "off", "on", "on / off"],
      [row("CPU s/GB", "cpuPerGigabyte"), row("RSS MB, highest", "rssMb")],
    ),
    markdownTable(
      ["put for a GB produced", "PUTs", "MB"],
      kinds.filter((kind) => kind !== "metadata").map(putRow),
    ),
  ].join("\n\n");
}

async function costOf(wire: Program, isTiered: boolean, seconds: number): Promise<Cost> {
  const broker = await startColdBroker({ isTiered, isFar: false, budgetBytes });
  try {
    const configs = { durability: "replicated" };
    await broker.create({ name: "load", partitionCount, configs });
    await setTimeout(500);
    const memory = watchMemory([broker.pid]);
    const before = cpuOf([broker.pid]);
    const result = await runClient(wire, "produce", {
      limitSeconds: seconds + 60,
      options: {
        bootstrap: `127.0.0.1:${broker.port}`,
        topic: "load",
        partitions: partitionCount,
        connections: partitionCount,
        size: recordBytes,
        batch_records: 100,
        rate: recordsPerSecond,
        warmup: 0,
        seconds,
      },
    });
    if (result.failed > 0) throw new Error(result.error);
    // The pack of the last records comes a while later; who does not tier is given the same time.
    await setTimeout(11_000);
    const after = cpuOf([broker.pid]);
    const gigabytes = result.bytes / 1e9;
    const { figures } = await broker.figures();
    return {
      gigabytes,
      cpuPerGigabyte: (after.user + after.system - before.user - before.system) / gigabytes,
      rssMb: memory.stop().totalMb,
      puts: figures.puts,
    };
  } finally {
    await broker.stop();
  }
}
