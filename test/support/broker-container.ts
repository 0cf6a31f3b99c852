import { spawn } from "node:child_process";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** A broker as a container runs it: the entry in a process of its own, told everything by its environment. */
export type BrokerContainer = {
  readonly pid: number;
  /** The lines of its log. */
  lines(): readonly LogLine[];
  /** Resolves with the first line that says it; rejects when the process ends before. */
  whenSaid(msg: string): Promise<LogLine>;
  /** Resolves with the exit code, null if a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<number | null>;
};

export type LogLine = Record<string, unknown> & { level?: string; msg?: string };

export function startBrokerContainer(
  environment: Record<string, string>,
  command: readonly string[] = [process.execPath, resolve(root, "broker/main.ts")],
): BrokerContainer {
  const [file = "", ...args] = command;
  const child = spawn(file, args, {
    // Nothing of the machine's own configuration: neither its region nor its credentials.
    env: { PATH: process.env["PATH"], AWS_EC2_METADATA_DISABLED: "true", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: LogLine[] = [];
  const listeners = new Set<() => void>();
  let rest = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) lines.push(JSON.parse(part) as LogLine);
    for (const listener of listeners) listener();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4_000);
  });
  const ended = new Promise<number | null>((done) => {
    child.on("error", (error) => {
      errors += error.message;
      done(1);
    });
    child.on("close", (code) => done(code));
  });
  return {
    pid: child.pid ?? 0,
    lines: () => lines,
    whenSaid(msg) {
      return new Promise((found, reject) => {
        const look = (): void => {
          const line = lines.find((each) => each.msg === msg);
          if (line === undefined) return;
          listeners.delete(look);
          found(line);
        };
        listeners.add(look);
        look();
        void ended.then((code) =>
          reject(new Error(`it ended with ${code}: ${JSON.stringify(lines.slice(-5))} ${errors}`)),
        );
      });
    },
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
    ended,
  };
}
