import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { endsWithUs } from "../harness/children.ts";
import { type Buckets, type LatencyMs, latencyMs } from "../harness/histogram.ts";
import { compile } from "../harness/load-client.ts";

/** What was asked on each connection, in turn. */
export const asked = ["nothing", "ApiVersions", "and Metadata", "and a Fetch"] as const;

export type StormResult = {
  readonly seconds: number;
  readonly failed: number;
  readonly answered: LatencyMs;
};

/** Connections held open. */
export type Storm = {
  readonly result: StormResult;
  /** The last request once more on each, where that was asked for. */
  readonly again: StormResult | null;
  close(): Promise<void>;
};

export type StormOptions = {
  readonly bootstrap: string;
  readonly count: number;
  /** 0..3: as far in `asked` each connection goes. */
  readonly requests: number;
  readonly topic: string;
  readonly isRepeated?: boolean;
};

type Line = { event: "end" | "again"; seconds: number; failed: number; answeredUs: Buckets };

/** Opens them all at once with a client in C, which costs less than the broker; resolves when all are answered, or have failed. */
export async function storm(options: StormOptions): Promise<Storm> {
  const program = compile("scale/storm.c");
  if ("missing" in program) throw new Error(program.missing);
  const { isRepeated = false, ...rest } = options;
  const words = Object.entries({ ...rest, again: isRepeated ? 1 : 0 });
  const child = spawn(
    program.path,
    words.map(([name, value]) => `${name}=${value}`),
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  endsWithUs(child);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<StormResult> => {
    const line = await lines.next();
    if (line.done === true) throw new Error("the storm's client ended without a result");
    const { seconds, failed, answeredUs } = JSON.parse(line.value) as Line;
    return { seconds, failed, answered: latencyMs(answeredUs) };
  };
  const result = await next();
  const again = isRepeated ? await next() : null;
  return {
    result,
    again,
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
