import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryOf } from "../harness/process-figures.ts";
import { spreadOf } from "../harness/statistics.ts";
import { emptyDataDirectory, startBroker } from "./broker-process.ts";
import type { Figure, ScaleOptions } from "./measurement.ts";

export const name = "start";
export const title = "Start on an empty directory: process to first answer, resident memory";

/** Memory is looked at so long after the start: what is done in the background then is done. */
const settleMs = 1_000;
const usualRounds = 7;

type Start = {
  readonly answeredMs: number;
  readonly upMs: number;
  readonly totalMb: number;
  readonly filesMb: number;
};

/** `count` is how often it is started each way. */
export async function run({ count = usualRounds, say }: ScaleOptions): Promise<Figure[]> {
  const cache = mkdtempSync(join(tmpdir(), "myelin-start-"));
  try {
    // The first fills the cache, and has the files of Node and Myelin read from disk.
    await startOnce({ XDG_CACHE_HOME: cache });
    const warm: Start[] = [];
    const cold: Start[] = [];
    for (let round = 1; round <= count; round++) {
      warm.push(await startOnce({ XDG_CACHE_HOME: cache }));
      cold.push(await startOnce({ NODE_DISABLE_COMPILE_CACHE: "1" }));
      say(
        `  start ${round}: ${warm.at(-1)?.answeredMs.toFixed(0)} ms, without compiled code ${cold.at(-1)?.answeredMs.toFixed(0)} ms`,
      );
    }
    return [...figuresOf("compiled before", warm), ...figuresOf("never compiled", cold)];
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

async function startOnce(environment: Record<string, string>): Promise<Start> {
  const broker = await startBroker({
    dataDirectory: emptyDataDirectory(),
    environment,
    isBare: true,
  });
  await new Promise((settled) => setTimeout(settled, settleMs));
  const { totalMb, filesMb } = memoryOf([broker.pid]);
  await broker.stop();
  return { answeredMs: broker.answeredMs, upMs: broker.upMs, totalMb, filesMb };
}

function figuresOf(how: string, starts: readonly Start[]): Figure[] {
  const answered = spreadOf(starts.map((each) => each.answeredMs));
  return [
    { what: `${how}: first answer, median`, value: answered.median, unit: "ms" },
    { what: `${how}: first answer, fastest`, value: answered.lowest, unit: "ms" },
    { what: `${how}: first answer, slowest`, value: answered.highest, unit: "ms" },
    {
      what: `${how}: HTTP too, median`,
      value: spreadOf(starts.map((each) => each.upMs)).median,
      unit: "ms",
    },
    {
      what: `${how}: RSS, median`,
      value: spreadOf(starts.map((each) => each.totalMb)).median,
      unit: "MB",
    },
    {
      what: `${how}: of it mapped files`,
      value: spreadOf(starts.map((each) => each.filesMb)).median,
      unit: "MB",
    },
  ];
}
