import { spawn } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "./free-ports.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** `npm start` as a user has it: the real command in a process of its own. */
export type MyelinProcess = {
  readonly bootstrap: string;
  readonly url: string;
  readonly pid: number;
  /** Everything it has printed so far. */
  output(): string;
  /** Sends the signal and waits for the end; resolves with the exit code, null if the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

export type MyelinProcessOptions = {
  data: string;
  port?: number;
  httpPort?: number;
  args?: string[];
  env?: Record<string, string>;
};

/** Starts it and waits until it says that it is up; rejects with its output if it ends before. */
export async function startMyelin(options: MyelinProcessOptions): Promise<MyelinProcess> {
  const [freePort, freeHttpPort] = await freePorts(2);
  const port = options.port ?? freePort ?? 0;
  const httpPort = options.httpPort ?? freeHttpPort ?? 0;
  const flags = ["--data", options.data, "--port", String(port), "--http-port", String(httpPort)];
  const command = [resolve(root, "sdk/bin/myelin.js"), "dev", ...flags, ...(options.args ?? [])];
  const child = spawn(process.execPath, command, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...options.env },
  });
  let output = "";
  const ended = new Promise<number | null>((done) => child.on("close", (code) => done(code)));
  await new Promise<void>((up, failed) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes("Myelin is up")) up();
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    void ended.then((code) =>
      failed(new Error(`myelin dev ended with ${code} before it was up: ${output}`)),
    );
  });
  return {
    bootstrap: `127.0.0.1:${port}`,
    url: `http://127.0.0.1:${httpPort}`,
    pid: child.pid ?? 0,
    output: () => output,
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
