import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { NewTopic } from "../../metadata/commands/create-topics.ts";
import { endsWithUs } from "../harness/children.ts";
import { benchDirectory, workDirectory } from "../harness/load-client.ts";
import { endProcess } from "../load/target.ts";
import type { StoreFigures } from "./metered-store.ts";

export type Question =
  | { readonly kind: "figures" }
  | { readonly kind: "create"; readonly topic: NewTopic }
  | { readonly kind: "state"; readonly topic: string }
  | { readonly kind: "served" };

export type TopicState = {
  readonly highWatermark: number;
  readonly localStartOffset: number;
  readonly tieredEnd: number;
  readonly cleanedTo: number;
};

/** One compaction of a partition. */
export type Run = {
  readonly seconds: number;
  readonly bytesRead: number;
  readonly bytesKept: number;
};

export type Answer = {
  readonly port: number;
  readonly figures: StoreFigures;
  readonly runs: readonly Run[];
  /** Of the topic that was asked for, a partition each. */
  readonly states: readonly TopicState[];
  /** If it was asked for: partitions that have records, and are led. */
  readonly served: number;
};

export type ColdBroker = {
  readonly pid: number;
  readonly port: number;
  /** Where its objects lie. */
  readonly objectsDirectory: string;
  figures(): Promise<Answer>;
  create(topic: NewTopic): Promise<void>;
  /** Waits until all of the topic's partitions are so; throws after a minute. */
  until(topic: string, isSo: (state: TopicState) => boolean): Promise<void>;
  /** Partitions that have records, and are led. */
  served(): Promise<number>;
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
};

export type ColdBrokerOptions = {
  readonly isTiered: boolean;
  /** The store answers as from far away. */
  readonly isFar: boolean;
  /** What the log may take of the disk, in bytes. */
  readonly budgetBytes: number;
  /** How long records may be in the log alone, in milliseconds. */
  readonly maxAgeMs?: number;
  /** Its directory dies with it. */
  readonly isEphemeral?: boolean;
  /** Milliseconds from one pack to the next. */
  readonly packEveryMs?: number;
};

const patienceMs = 60_000;

const data = join(workDirectory, "data/cold");

/** A new cell, on an empty directory. */
export function startColdBroker(options: ColdBrokerOptions): Promise<ColdBroker> {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { recursive: true });
  return launch(options);
}

/** In the cell of the one before, of which the object store and the metadata log are left, and no disk. */
export function startOnEmptyDisk(options: ColdBrokerOptions): Promise<ColdBroker> {
  rmSync(join(data, "broker-1"), { recursive: true, force: true });
  return launch(options);
}

async function launch(options: ColdBrokerOptions): Promise<ColdBroker> {
  const { isTiered, isFar, budgetBytes, maxAgeMs = 3_600_000 } = options;
  const { isEphemeral = false, packEveryMs } = options;
  const program = resolve(benchDirectory, "cold/broker-child.ts");
  const flags = ["--data", data, "--budget", `${budgetBytes}`, "--age", `${maxAgeMs}`];
  if (isTiered) flags.push("--tiered");
  if (isFar) flags.push("--far");
  if (isEphemeral) flags.push("--ephemeral");
  if (packEveryMs !== undefined) flags.push("--pack-every", `${packEveryMs}`);
  // As `npm start` starts one.
  const child = spawn(process.execPath, ["--max-semi-space-size=16", program, ...flags], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  endsWithUs(child);
  const { port } = await nextAnswer(child);
  const ask = (question: Question): Promise<Answer> => {
    const answer = nextAnswer(child);
    child.send(question);
    return answer;
  };
  return {
    pid: child.pid ?? 0,
    port,
    objectsDirectory: join(data, "objects"),
    figures: () => ask({ kind: "figures" }),
    create: async (topic) => void (await ask({ kind: "create", topic })),
    async until(topic, isSo) {
      const deadline = performance.now() + patienceMs;
      for (;;) {
        const { states } = await ask({ kind: "state", topic });
        if (states.length > 0 && states.every(isSo)) return;
        if (performance.now() > deadline)
          throw new Error(`${topic} stays as it is: ${JSON.stringify(states)}`);
        await setTimeout(200);
      }
    },
    served: async () => (await ask({ kind: "served" })).served,
    stop: () => endProcess(child),
    async kill() {
      const ended = once(child, "close");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

const nextAnswer = (child: ChildProcess): Promise<Answer> =>
  new Promise((done, failed) => {
    const closed = (): void => failed(new Error("the broker ended"));
    child.once("close", closed);
    child.once("message", (answer) => {
      child.off("close", closed);
      done(answer as Answer);
    });
  });
