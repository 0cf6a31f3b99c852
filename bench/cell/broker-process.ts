import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { endsWithUs } from "../harness/children.ts";
import { benchDirectory } from "../harness/load-client.ts";

export type Memory = {
  rss: number;
  heapUsed: number;
  /** After the last full collection; 0 before the first. */
  liveHeap: number;
  external: number;
  arrayBuffers: number;
};

/** One life of a process with a broker in it. */
export type BrokerLife = {
  readonly pid: number;
  readonly startedAtMs: number;
  /** Milliseconds until it said that it was up; null until then. */
  readonly readyMs: number | null;
  readonly memory: Memory | null;
  /** Resolves when it is up; rejects if it ends before. */
  readonly up: Promise<void>;
  readonly ended: Promise<number | null>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
};

export type BrokerProcessOptions = {
  /** Of the myelin command: `dev` or `broker` and its flags. */
  readonly args: readonly string[];
  /** What runs the command, as in `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  /** A line of its log: warnings and errors. */
  readonly onLog: (level: "warn" | "error", message: string) => void;
};

export function startBroker(options: BrokerProcessOptions): BrokerLife {
  const startedAtMs = performance.now();
  const child = launch(options);
  let readyMs: number | null = null;
  let memory: Memory | null = null;
  let said = "";
  const ended = new Promise<number | null>((done) => child.once("close", (code) => done(code)));
  const up = new Promise<void>((isUp, failed) => {
    createInterface({ input: child.stdout as Readable }).on("line", (line) => {
      if (readyMs !== null || !/^(Myelin|Broker \d+) is up/.test(line)) return;
      readyMs = performance.now() - startedAtMs;
      isUp();
    });
    void ended.then((code) => failed(new Error(`it ended with ${code}: ${said.slice(-2000)}`)));
  });
  // Who kills it while it starts does not wait for it.
  up.catch(() => undefined);
  createInterface({ input: child.stderr as Readable }).on("line", (line) => {
    if (said.length < 20_000) said += `${line}\n`;
    report(line, options.onLog);
  });
  createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
    memory = JSON.parse(line) as Memory;
  });
  return {
    pid: child.pid ?? 0,
    startedAtMs,
    get readyMs() {
      return readyMs;
    },
    get memory() {
      return memory;
    },
    up,
    ended,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
    signal: (signal) => void child.kill(signal),
  };
}

const nodeFlags = [
  "--max-semi-space-size=16",
  "--import",
  join(benchDirectory, "cell/report-memory.ts"),
];
const myelin = resolve(benchDirectory, "../sdk/bin/myelin.js");
const logFlags = ["--log-level", "warn", "--log-format", "json"];

function launch({ args, prefix = [] }: BrokerProcessOptions): ChildProcess {
  const command = [...prefix, process.execPath, ...nodeFlags, myelin, ...args, ...logFlags];
  const [program = "", ...rest] = command;
  const child = spawn(program, rest, {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  endsWithUs(child);
  return child;
}

const errorLevel = 50;

/** pino's JSON, or words of Node itself, which are worth an error. */
function report(line: string, onLog: BrokerProcessOptions["onLog"]): void {
  try {
    const { level, msg, error } = JSON.parse(line) as {
      level: number;
      msg: string;
      error?: unknown;
    };
    const detail = typeof error === "object" && error !== null ? error : { message: error ?? "" };
    const { message = "" } = detail as { message?: unknown };
    const text = `${msg} ${typeof message === "string" ? message : JSON.stringify(message)}`.trim();
    onLog(level >= errorLevel ? "error" : "warn", text.replaceAll(/\d+/g, "N"));
  } catch {
    onLog("error", line.slice(0, 200));
  }
}
