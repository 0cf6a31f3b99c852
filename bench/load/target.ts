import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { endsWithUs } from "../harness/children.ts";
import { benchDirectory, workDirectory } from "../harness/load-client.ts";
import type { Workload } from "./workloads.ts";

/** A broker that runs and can be loaded. */
export type Target = {
  readonly name: string;
  readonly bootstrap: string;
  readonly pids: readonly number[];
  /** Of the topics it is loaded with. */
  readonly replicationFactor: number;
  /** Where its files are, so that they can be put out of the page cache; null if unknown. */
  readonly dataDirectory: string | null;
  /** How a topic is told when an acknowledgement may leave; "default" says nothing. */
  readonly topicConfig: (durability: Durability) => Readonly<Record<string, string>>;
  readonly startSeconds: number | null;
  /** Workloads it is measured with; all where absent. */
  readonly serves?: (workload: Workload) => boolean;
  stop(): Promise<void>;
};

export type Durability = "replicated" | "fsync" | "default";

export const myelinTopicConfig = (durability: Durability): Record<string, string> =>
  durability === "default" ? {} : { durability };

/** The same broker once more, its topics left at their default durability: beside the rows that compare like with like. */
export const atItsDefault = (target: Target): Target => ({
  ...target,
  name: `${target.name} by default`,
  topicConfig: () => target.topicConfig("default"),
  serves: ({ kind, durability }) => kind !== "fetch" && durability === "replicated",
  stop: () => Promise.resolve(),
});

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((up, failed) =>
    server.once("error", failed).listen(0, "127.0.0.1", () => up()),
  );
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The first of so many free ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const areFree = await Promise.all(
      Array.from({ length: count - 1 }, (_, index) => isFree(first + 1 + index)),
    );
    if (areFree.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((done) => {
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

export const bootstrapOf = (firstPort: number, brokers: number): string =>
  Array.from({ length: brokers }, (_, index) => `127.0.0.1:${firstPort + index}`).join(",");

/** Ends a process that this one started, the hard way after ten seconds. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("close", done));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(timer);
}

export type StartMyelinOptions = {
  /** Further flags of Node itself, such as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
  readonly dataDirectory?: string;
  readonly keepsData?: boolean;
  /** Where --cpu-prof writes. */
  readonly cwd?: string;
  /** Several brokers, each a process; topics have as many replicas, three at the most. */
  readonly brokers?: number;
};

/** `myelin dev` as a user starts it, in a process of its own, on free ports and an empty data directory. */
export async function startMyelin(options: StartMyelinOptions = {}): Promise<Target> {
  const dataDirectory = options.dataDirectory ?? join(workDirectory, "data/myelin");
  if (options.keepsData !== true) rmSync(dataDirectory, { recursive: true, force: true });
  mkdirSync(dataDirectory, { recursive: true });
  const { brokers = 1 } = options;
  const [port, httpPort] = [await freePorts(brokers), await freePorts(brokers + 1)];
  const command = resolve(benchDirectory, "../sdk/bin/myelin.js");
  const flags = ["dev", "--data", dataDirectory, "--port", `${port}`, "--http-port", `${httpPort}`];
  if (brokers > 1) flags.push("--brokers", `${brokers}`);
  const startedAt = performance.now();
  // As `npm start` and the command itself have it.
  const nodeFlags = ["--max-semi-space-size=16", ...(options.nodeFlags ?? [])];
  const child = spawn(process.execPath, [...nodeFlags, command, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  endsWithUs(child);
  await saysItIsUp(child, "Myelin is up");
  return {
    name: "Myelin",
    bootstrap: bootstrapOf(port, brokers),
    pids: [child.pid ?? 0],
    replicationFactor: Math.min(3, brokers),
    dataDirectory,
    topicConfig: myelinTopicConfig,
    startSeconds: (performance.now() - startedAt) / 1000,
    async stop() {
      await endProcess(child);
      if (options.keepsData !== true && existsSync(dataDirectory))
        rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** Resolves once the process has printed `words`; rejects with what it printed if it ends first. */
export async function saysItIsUp(child: ChildProcess, words: string): Promise<void> {
  let output = "";
  let isUp = false;
  await new Promise<void>((up, failed) => {
    const look = (chunk: Buffer): void => {
      // Keep reading afterwards: a process whose pipe is full stops.
      if (isUp) return;
      output += chunk.toString();
      isUp = output.includes(words);
      if (isUp) up();
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.on("error", failed);
    child.on("close", (code) =>
      failed(new Error(`it ended with ${code} before it was up: ${output.slice(-2000)}`)),
    );
  });
}
