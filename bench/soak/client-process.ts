import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endsWithUs } from "../harness/children.ts";

/** A client that runs until it is told to end. One that ends by itself is started again, and counted. */
export type ClientProcess = {
  /** False while its pipe is full or it is down: then wait. */
  readonly takesLines: boolean;
  send(line: string): void;
  /** Closes its input; resolves when it has ended, or was ended after `limitMs`. */
  end(limitMs: number): Promise<void>;
};

export type ClientProcessOptions = {
  readonly name: string;
  readonly command: readonly string[];
  /** A directory for what it says on its standard error: one that stands still says there where. */
  readonly logs?: string;
  /** It was started again: what it had been given is forgotten. */
  readonly onRestart?: () => void;
  readonly onLine: (fields: readonly string[]) => void;
  /** Something went wrong, in few words. */
  readonly onTrouble: (what: string) => void;
};

const restartMs = 1_000;
const pipeBytes = 1024 * 1024;
const saidBytes = 2_000;

export function startClient(options: ClientProcessOptions): ClientProcess {
  const { name, onTrouble } = options;
  let isEnding = false;
  let { child, ended } = launch(options);
  void watch();

  async function watch(): Promise<void> {
    while (!isEnding) {
      const how = await ended;
      if (isEnding) return;
      onTrouble(`${name} ended by itself with ${how}`);
      await new Promise((resolve) => setTimeout(resolve, restartMs));
      if (isEnding) return;
      ({ child, ended } = launch(options));
      options.onRestart?.();
    }
  }

  return {
    get takesLines() {
      const { stdin } = child;
      return stdin !== null && stdin.writable && stdin.writableLength < pipeBytes;
    },
    send(line) {
      child.stdin?.write(line);
    },
    async end(limitMs) {
      isEnding = true;
      child.stdin?.end();
      const timer = setTimeout(() => {
        onTrouble(`${name} did not end in ${limitMs / 1000} s`);
        child.kill("SIGKILL");
      }, limitMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

function launch({ name, command, logs, onLine }: ClientProcessOptions): {
  child: ChildProcess;
  ended: Promise<string>;
} {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  endsWithUs(child);
  // It has ended: its watcher hears of that.
  child.stdin.on("error", () => undefined);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-saidBytes);
    if (logs !== undefined) appendFileSync(join(logs, `${name.replaceAll(" ", "-")}.log`), chunk);
  });
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => onLine(line.split("\t")));
  const linesRead = new Promise((resolve) => lines.once("close", resolve));
  const closed = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(`${signal ?? code} ${lastWords(said)}`.trim()));
  });
  return { child, ended: closed.then((how) => linesRead.then(() => how)) };
}

const lastWords = (said: string): string =>
  said.trim().split("\n").at(-1)?.replaceAll(/\d+/g, "N").slice(0, 160) ?? "";
