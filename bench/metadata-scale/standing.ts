import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDynamoMetadataLog } from "../../adapters/dynamodb/metadata-log.ts";
import { createSeededRandom } from "../../adapters/memory/random.ts";
import { advanceMoves } from "../../metadata/commands/advance-moves.ts";
import { balanceLeaders } from "../../metadata/commands/balance-leaders.ts";
import { balanceReplicas } from "../../metadata/commands/balance-replicas.ts";
import type { Command } from "../../metadata/commands/command.ts";
import { growTopics } from "../../metadata/commands/replace-replicas.ts";
import { applyEntry } from "../../metadata/image/apply.ts";
import { createImage } from "../../metadata/image/image.ts";
import type { Image } from "../../metadata/image/image.ts";
import { decodeSnapshot, encodeSnapshot, encodingSnapshot } from "../../metadata/image/snapshot.ts";
import { decodeEntry, hashEntry } from "../../metadata/records/entry.ts";
import type { MetadataEntry, MetadataLog } from "../../ports/metadata-log.ts";
import { during, headOf, pass } from "./cell.ts";
import type { ScaleCell } from "./cell.ts";
import type { Bill } from "./metered-dynamo.ts";
import { threadCpuMs } from "./work-meter.ts";
import type { Work } from "./work-meter.ts";

/** What the cell costs while nothing happens. */
export type Idle = {
  readonly minutes: number;
  readonly bill: Bill;
  readonly controllerMsPerMinute: number;
  /** Of one of the others. */
  readonly brokerMsPerMinute: number;
};

export async function idle(cell: ScaleCell, minutes: number): Promise<Idle> {
  cell.dynamo.takeBill();
  cell.meter.take();
  await pass(cell, minutes * 60_000);
  const work = cell.meter.take();
  const others = cell.brokers.length - 1;
  return {
    minutes,
    bill: cell.dynamo.takeBill(),
    controllerMsPerMinute: sumOf(work, "controller: ") / minutes,
    brokerMsPerMinute: sumOf(work, "broker: ") / minutes / others,
  };
}

function sumOf(work: ReadonlyMap<string, Work>, prefix: string): number {
  let ms = 0;
  for (const [what, spent] of work) if (what.startsWith(prefix)) ms += spent.ms;
  return ms;
}

/** Each of the controller's looks at every partition, in a cell where there is nothing to do. */
export function duties(cell: ScaleCell): { readonly name: string; readonly ms: number }[] {
  const image = headOf(cell);
  const looks: Record<string, Command<unknown>> = {
    advanceMoves,
    growTopics: (now, context) => growTopics(now, { maxMoving: 500 }, context),
    balanceLeaders: (now, context) => balanceLeaders(now, { maxMoves: 1_000 }, context),
    balanceReplicas: (now, context) => balanceReplicas(now, { loads: [], maxMoves: 10 }, context),
  };
  const context = { nowMs: 0, revision: image.revision + 1, uuid: () => "" };
  return Object.entries(looks).map(([name, command]) => ({
    name,
    ms: meanOf(20, () => void command(image, context)),
  }));
}

/** After a first round that does not count: a controller's code has been run before. */
function meanOf(rounds: number, run: () => void): number {
  run();
  const startedMs = threadCpuMs();
  for (let round = 0; round < rounds; round++) run();
  return (threadCpuMs() - startedMs) / rounds;
}

export type Snapshot = {
  readonly bytes: number;
  readonly encodeMs: number;
  readonly longestPartMs: number;
  readonly partCount: number;
  readonly loadMs: number;
};

export function snapshot(image: Image): Snapshot {
  const parts: number[] = [];
  const encoding = encodingSnapshot(image);
  for (let isDone = false; !isDone;) {
    const startedMs = threadCpuMs();
    isDone = encoding.next().done === true;
    parts.push(threadCpuMs() - startedMs);
  }
  const bytes = encodeSnapshot(image);
  return {
    bytes: bytes.byteLength,
    encodeMs: meanOf(5, () => void encodeSnapshot(image)),
    longestPartMs: Math.max(...parts),
    partCount: parts.length,
    loadMs: meanOf(5, () => void decodeSnapshot(bytes)),
  };
}

export type ReplayCost = {
  readonly entryCount: number;
  readonly bytes: number;
  readonly cpuMs: number;
  readonly bill: Bill;
};

/** The whole log from nothing, as a start without any snapshot would. */
export async function replay(cell: ScaleCell): Promise<ReplayCost> {
  const { clock, dynamo } = cell;
  const random = createSeededRandom(cell.nextSeed());
  const client = dynamo.client();
  const log = createDynamoMetadataLog({ client, clock, random, tableName: "metadata", cell: "c" });
  dynamo.takeBill();
  const entries = await during(cell, readAll(log));
  const bill = dynamo.takeBill();
  const startedMs = threadCpuMs();
  const image = createImage();
  for (const { revision, entry } of entries) {
    const { records } = decodeEntry(entry);
    applyEntry(image, { revision, hash: hashEntry(entry), records });
  }
  const cpuMs = threadCpuMs() - startedMs;
  if (image.revision !== cell.images.headRevision) throw new Error("the log is not all there");
  const bytes = entries.reduce((sum, { entry }) => sum + entry.byteLength, 0);
  return { entryCount: entries.length, bytes, cpuMs, bill };
}

async function readAll(log: MetadataLog): Promise<MetadataEntry[]> {
  const all: MetadataEntry[] = [];
  for (;;) {
    const page = await log.read(all.length + 1, 256);
    if (page === "trimmed") throw new Error("the log was trimmed");
    all.push(...page);
    if (page.length < 256) return all;
  }
}

/** Of an image of its own, loaded from a snapshot in a process of its own, when the collector has been through. */
export function imageMemory(image: Image): {
  readonly heapBytes: number;
  readonly rssBytes: number;
} {
  const directory = mkdtempSync(join(tmpdir(), "myelin-metadata-scale-"));
  try {
    const path = join(directory, "snapshot");
    writeFileSync(path, encodeSnapshot(image));
    const child = fileURLToPath(new URL("image-memory.ts", import.meta.url));
    const { stdout, stderr, error } = spawnSync(process.execPath, ["--expose-gc", child, path], {
      encoding: "utf8",
    });
    if (error !== undefined || stdout === "") throw error ?? new Error(stderr);
    return JSON.parse(stdout) as { heapBytes: number; rssBytes: number };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
