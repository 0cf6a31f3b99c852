import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import { apiVersionsRequest, apiVersionsResponse } from "../../protocol/messages/api-versions.ts";
import { connectRawClient, type RawClient } from "../../test/support/raw-client.ts";
import { endsWithUs } from "../harness/children.ts";
import { benchDirectory, workDirectory } from "../harness/load-client.ts";
import { endProcess, freePort, saysItIsUp } from "../load/target.ts";
import type { ProbeQuestion, ProbeReport } from "./probe.ts";

/** A whole Myelin in a process of its own. */
export type BrokerProcess = {
  readonly pid: number;
  readonly httpUrl: string;
  /** From the start of the process to the first answered ApiVersions, and to where the HTTP API answers too. */
  readonly answeredMs: number;
  readonly upMs: number;
  connect(): Promise<RawClient>;
  /** Begins to watch for pauses of the event loop. */
  watch(): Promise<void>;
  /** What the process says of itself; "collect" collects garbage first. Ends the watching. */
  ask(question: Exclude<ProbeQuestion, "watch">): Promise<ProbeReport>;
  /** In order. The data stays. */
  stop(): Promise<void>;
  kill(): Promise<void>;
};

export type StartOptions = {
  /** A new one, empty, if absent. */
  readonly dataDirectory?: string;
  /** What to start instead of `myelin dev`; takes its options. */
  readonly program?: string;
  readonly nodeFlags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Exactly as a user starts it: without the probe, so `ask` and `watch` fail. */
  readonly isBare?: boolean;
};

export const scaleData = join(workDirectory, "data/scale");

export function emptyDataDirectory(): string {
  rmSync(scaleData, { recursive: true, force: true });
  mkdirSync(scaleData, { recursive: true });
  return scaleData;
}

const host = "127.0.0.1";
const command = resolve(benchDirectory, "../sdk/bin/myelin.js");
const probe = resolve(benchDirectory, "scale/probe.ts");
const network = createNodeNetwork();

export async function startBroker(options: StartOptions = {}): Promise<BrokerProcess> {
  const directory = options.dataDirectory ?? emptyDataDirectory();
  const [port, httpPort] = [await freePort(), await freePort()];
  const startedAt = performance.now();
  const flags = ["--data", directory, "--port", `${port}`, "--http-port", `${httpPort}`];
  const child = launch(options, ["dev", ...flags]);
  const since = (): number => performance.now() - startedAt;
  const [answeredMs, upMs] = await Promise.all([
    firstAnswer(port).then(since),
    saysItIsUp(child, "Myelin is up").then(since),
  ]);
  const ask = (question: ProbeQuestion): Promise<ProbeReport> => {
    const reply = new Promise<ProbeReport>((done, failed) => {
      const closed = (): void => failed(new Error("the broker ended"));
      child.once("close", closed);
      child.once("message", (message) => {
        child.off("close", closed);
        done(message as ProbeReport);
      });
    });
    child.send(question);
    return reply;
  };
  return {
    pid: child.pid ?? 0,
    httpUrl: `http://${host}:${httpPort}`,
    answeredMs,
    upMs,
    connect: () => connectRawClient(network, { host, port }),
    async watch() {
      await ask("watch");
      // The monitor counts from its second tick on: a pause before that would not be seen.
      await new Promise((ticked) => setTimeout(ticked, 50));
    },
    ask,
    stop: () => endProcess(child),
    kill: () => killed(child),
  };
}

function launch(options: StartOptions, words: readonly string[]): ChildProcess {
  const { program = command, nodeFlags = [], environment = {}, isBare = false } = options;
  // What compiles TypeScript takes 35 MB itself, which would count as the broker's: from the second start on it is not needed.
  const compiled = isBare ? {} : { NODE_COMPILE_CACHE: join(workDirectory, "compiled") };
  const probing = isBare ? [] : ["--expose-gc", "--import", probe];
  const child = spawn(process.execPath, [...probing, ...nodeFlags, program, ...words], {
    stdio: ["ignore", "pipe", "pipe", ...(isBare ? [] : (["ipc"] as const))],
    env: { ...process.env, NO_COLOR: "1", ...compiled, ...environment },
  });
  endsWithUs(child);
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((done) => child.once("close", done));
  child.kill("SIGKILL");
  await ended;
}

/** Asks until somebody answers; gives up after a minute. */
async function firstAnswer(port: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      const client = await connectRawClient(network, { host, port });
      const software = { clientSoftwareName: "bench", clientSoftwareVersion: "1" };
      await client.call(apiVersionsRequest, apiVersionsResponse, 3, software);
      await client.close();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((later) => setTimeout(later, 2));
    }
  }
}
