import { markdownTable } from "../harness/markdown-table.ts";
import { threeDigits } from "../harness/statistics.ts";
import type { Episode } from "./episode.ts";
import { dollarsOf } from "./metered-dynamo.ts";
import type { Bill } from "./metered-dynamo.ts";
import type { Idle, ReplayCost, Snapshot } from "./standing.ts";

/** All that one run of the measurement found. */
export type Findings = {
  readonly episodes: readonly Episode[];
  readonly idle: Idle;
  readonly duties: readonly { readonly name: string; readonly ms: number }[];
  readonly snapshots: Readonly<Record<"fresh" | "worn", Snapshot>>;
  readonly memory: Readonly<Record<"fresh" | "worn", { readonly heapBytes: number }>>;
  readonly replay: ReplayCost;
};

export function tablesOf(findings: Findings): string {
  return [
    "**What happens, and what it takes in the log**",
    episodeTable(findings.episodes),
    "**Where the time goes**, milliseconds of CPU: of whoever writes the entries, and of everybody who reads them",
    cpuTable(findings.episodes),
    "**What DynamoDB is asked for meanwhile**, polls of all brokers included",
    billTable(findings),
    "**What stands**",
    standingTable(findings),
  ].join("\n\n");
}

function episodeTable(episodes: readonly Episode[]): string {
  const rows = episodes.map((episode) => {
    const { title, entries, inLogMs, knownMs } = episode;
    const bytes = entries.map((entry) => entry.bytes);
    return [
      title,
      String(entries.length),
      kilobytes(bytes.reduce((sum, each) => sum + each, 0)),
      kilobytes(Math.max(0, ...bytes)),
      seconds(inLogMs),
      seconds(knownMs),
      commandsOf(episode),
    ];
  });
  const header = ["what", "entries", "KB", "largest", "in the log", "known to all", "commands"];
  return markdownTable(header, rows);
}

function commandsOf({ entries }: Episode): string {
  const counts = new Map<string, number>();
  for (const { name } of entries) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
}

function cpuTable(episodes: readonly Episode[]): string {
  const rows = episodes.map(({ title, cpu, work }) => [
    title,
    threeDigits(cpu.decideMs),
    threeDigits(cpu.encodeMs),
    threeDigits(cpu.decodeMs),
    threeDigits(cpu.applyMs),
    threeDigits(longestDecision(work)),
  ]);
  return markdownTable(["what", "decide", "encode", "decode", "apply", "longest decision"], rows);
}

function longestDecision(work: Episode["work"]): number {
  let longest = 0;
  for (const [what, { longestMs }] of work) {
    if (what.startsWith("decide ")) longest = Math.max(longest, longestMs);
  }
  return longest;
}

function billTable({ episodes, idle }: Findings): string {
  const hour = hourly(idle.bill, idle.minutes / 60);
  const rows = [
    ["an idle hour", ...billCells(hour), "0", "0"],
    ...episodes.map(({ title, bill, conflictCount }) => {
      return [title, ...billCells(bill), String(bill.throttledCount), String(conflictCount)];
    }),
    ["an hour with a zone lost and replaced", ...billCells(zoneHour(episodes, hour)), "", ""],
  ];
  const header = [
    "what",
    "queries",
    "transactions",
    "reads",
    "writes",
    "$",
    "refused",
    "conflicts",
  ];
  return markdownTable(header, rows);
}

function billCells(bill: Bill): string[] {
  const { calls, readUnits, writeUnits } = bill;
  return [
    count(calls.get("Query") ?? 0),
    count(calls.get("TransactWriteItems") ?? 0),
    count(readUnits),
    count(writeUnits),
    dollarsOf(bill).toFixed(4),
  ];
}

function hourly(bill: Bill, hours: number): Bill {
  const calls = new Map([...bill.calls].map(([name, calledCount]) => [name, calledCount / hours]));
  const { readUnits, writeUnits, throttledCount } = bill;
  return {
    calls,
    readUnits: readUnits / hours,
    writeUnits: writeUnits / hours,
    throttledCount: throttledCount / hours,
  };
}

/** The two last but one: the controller's zone goes and is replaced; the rest of the hour is idle. */
function zoneHour(episodes: readonly Episode[], hour: Bill): Bill {
  const parts = episodes.filter(({ title }) => /^(the controller's zone|its replicas)/.test(title));
  const tookMs = parts.reduce((sum, { knownMs }) => sum + knownMs, 0);
  const rest = hourly(hour, 1 / (1 - tookMs / 3_600_000));
  const all = [rest, ...parts.map(({ bill }) => bill)];
  const sum = (of: (bill: Bill) => number): number =>
    all.reduce((total, each) => total + of(each), 0);
  const names = new Set(all.flatMap(({ calls }) => [...calls.keys()]));
  return {
    calls: new Map([...names].map((name) => [name, sum(({ calls }) => calls.get(name) ?? 0)])),
    readUnits: sum(({ readUnits }) => readUnits),
    writeUnits: sum(({ writeUnits }) => writeUnits),
    throttledCount: sum(({ throttledCount }) => throttledCount),
  };
}

function standingTable({ idle, duties, snapshots, memory, replay }: Findings): string {
  const { fresh, worn } = snapshots;
  const rows = [
    [
      "image in memory, fresh / after all this",
      `${megabytes(memory.fresh.heapBytes)} / ${megabytes(memory.worn.heapBytes)} MB`,
    ],
    ["snapshot, fresh / after all this", `${kilobytes(fresh.bytes)} / ${kilobytes(worn.bytes)} KB`],
    ["snapshot: encode, CPU", `${threeDigits(fresh.encodeMs)} / ${threeDigits(worn.encodeMs)} ms`],
    [
      "snapshot: longest part of it, CPU",
      `${threeDigits(fresh.longestPartMs)} / ${threeDigits(worn.longestPartMs)} ms of ${fresh.partCount} / ${worn.partCount}`,
    ],
    ["snapshot: load, CPU", `${threeDigits(fresh.loadMs)} / ${threeDigits(worn.loadMs)} ms`],
    [
      "the whole log from nothing",
      `${count(replay.entryCount)} entries, ${kilobytes(replay.bytes)} KB: ${threeDigits(replay.cpuMs)} ms of CPU, ${count(replay.bill.readUnits)} reads`,
    ],
    [
      "idle: the controller's part in the cell",
      `${threeDigits(idle.controllerMsPerMinute)} ms of CPU a minute`,
    ],
    ["idle: every other broker's", `${threeDigits(idle.brokerMsPerMinute)} ms of CPU a minute`],
    ...duties.map(({ name, ms }) => [
      `a look of ${name} with nothing to do`,
      `${threeDigits(ms)} ms of CPU`,
    ]),
  ];
  return markdownTable(["what", "measured"], rows);
}

const kilobytes = (bytes: number): string => threeDigits(bytes / 1_000);
const megabytes = (bytes: number): string => threeDigits(bytes / 1e6);
const seconds = (ms: number): string => `${threeDigits(Math.max(0, ms) / 1_000)} s`;
const count = (value: number): string => Math.round(value).toLocaleString("en-US");
