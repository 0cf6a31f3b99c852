import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const launcher = resolve(fileURLToPath(import.meta.url), "../../../sdk/bin/myelin.js");

export type CommandResult = { code: number | null; stdout: string; stderr: string };

export type CommandOptions = {
  /** What it reads from stdin. */
  input?: string | Buffer;
  env?: Record<string, string>;
  cwd?: string;
  /** Called with everything printed so far, each time there is more; may send a signal: the first, what follows is not. Told twice, the command ends at once. */
  onOutput?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void;
};

/** Runs the `myelin` command to its end, as a user's shell does. */
export function runMyelin(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
  });
  let stdout = "";
  let stderr = "";
  let isTold = false;
  const kill = (signal: NodeJS.Signals): void => {
    if (!isTold) child.kill(signal);
    isTold = true;
  };
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    options.onOutput?.(stdout, kill);
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(options.input ?? "");
  return new Promise((done) => child.on("close", (code) => done({ code, stdout, stderr })));
}
