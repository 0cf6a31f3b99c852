import { spawn } from "node:child_process";
import type { Line, Received } from "../driver.ts";

/** Runs a client program to its end; rejects with what it said if it fails or takes over 100 s. */
export function run(command: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    const timer = setTimeout(() => child.kill("SIGKILL"), 100_000);
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(Buffer.concat(out).toString());
      const said = Buffer.concat([...out, ...errors])
        .toString()
        .slice(-4000);
      reject(new Error(`${command} ${args.join(" ")} ended with ${code ?? signal}: ${said}`));
    });
    child.stdin.on("error", () => undefined); // The program ended first; its exit code says why.
    child.stdin.end(input);
  });
}

export function asInput(lines: readonly Line[]): string {
  return lines.map(({ key, value }) => `${key}\t${value}\n`).join("");
}

/** partition, offset, key and value, divided by tabs. */
export function parseReceived(output: string): Received[] {
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [partition, offset, key, ...value] = line.split("\t");
      return {
        partition: Number(partition),
        offset: Number(offset),
        key: key ?? "",
        value: value.join("\t"),
      };
    });
}
