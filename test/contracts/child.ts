import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type Child = {
  readonly process: ChildProcess;
  /** The next line it prints, or null once there are no more. */
  line(): Promise<string | null>;
  /** Ends its input, which tells it to finish, and waits for its end. */
  finish(): Promise<void>;
  /** As a power cut would, for the process. */
  kill(): Promise<void>;
};

export type ChildOptions = { args: readonly string[]; shell?: string };

/** Runs processes/<name>.ts in a Node of its own; `shell` is a bash prefix that ends in "exec". */
export function startChild(name: string, { args, shell }: ChildOptions): Child {
  const script = new URL(`./processes/${name}.ts`, import.meta.url).pathname;
  const stdio: ["pipe", "pipe", "inherit"] = ["pipe", "pipe", "inherit"];
  const child =
    shell === undefined
      ? spawn(process.execPath, [script, ...args], { stdio })
      : spawn("bash", ["-c", `${shell} "$0" "$@"`, process.execPath, script, ...args], { stdio });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, "exit");
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next();
      return done === true ? null : String(value);
    },
    async finish() {
      child.stdin.end();
      await ended;
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
