import type { ChildProcess } from "node:child_process";

// Brokers and clients end with the benchmark, however it ends: one left behind would disturb every later figure.
const children = new Set<ChildProcess>();
let isWatching = false;

export function endsWithUs(child: ChildProcess): void {
  children.add(child);
  child.once("close", () => children.delete(child));
  if (isWatching) return;
  isWatching = true;
  process.on("exit", () => {
    for (const each of children) each.kill("SIGKILL");
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => process.exit(signal === "SIGINT" ? 130 : 143));
}

/** Kills the child if it has not ended by itself after so long; `onKill` is told. */
export function limitTime(child: ChildProcess, seconds: number, onKill: () => void): void {
  const timer = setTimeout(() => {
    onKill();
    child.kill("SIGKILL");
  }, seconds * 1000);
  child.once("close", () => clearTimeout(timer));
}
