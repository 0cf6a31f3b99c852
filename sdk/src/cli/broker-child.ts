import { spawn } from "node:child_process";

/** What a broker tells whoever started it, once clients can connect. */
export type BrokerUp = {
  readonly brokerId: number;
  readonly kafka: string;
  /** Where it serves its metrics. */
  readonly url: string;
};

export type BrokerEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** One life of a `myelin broker` process that this one started. */
export type BrokerChild = {
  readonly pid: number;
  /** Rejects with BrokerEnded if it ends before. */
  readonly up: Promise<BrokerUp>;
  readonly ended: Promise<BrokerEnd>;
  signal(signal: NodeJS.Signals): void;
};

/** It ended before it was up; it has said why on stderr itself. */
export class BrokerEnded extends Error {
  constructor(end: BrokerEnd) {
    super(`it ${describeEnd(end)} before it was up`);
    this.name = "BrokerEnded";
  }
}

/** As bin/myelin.js has it. */
const nodeFlags = ["--max-semi-space-size=16"];
/** glibc gives each thread an arena of its own, and of what was freed in one the others have nothing: 20 MB a broker under load, for threads that rarely allocate. */
const mallocSettings = { MALLOC_ARENA_MAX: "1" };

/**
 * Starts this very program as a broker. In a session of its own, so that a terminal's Ctrl-C reaches this process alone, which then stops all brokers. The
 * channel tells the broker when this process is gone, however it went.
 */
export function startBrokerChild(flags: readonly string[]): BrokerChild {
  const program = process.argv[1] ?? "";
  const child = spawn(process.execPath, [...nodeFlags, program, "broker", ...flags], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    detached: true,
    env: { ...mallocSettings, ...process.env },
  });
  const ended = new Promise<BrokerEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const up = new Promise<BrokerUp>((resolve, reject) => {
    child.once("message", (message) => resolve(message as BrokerUp));
    ended.then((end) => reject(new BrokerEnded(end)), reject);
  });
  // Whoever waits for neither need not hear that it could not be started.
  up.catch(() => undefined);
  ended.catch(() => undefined);
  return { pid: child.pid ?? 0, up, ended, signal: (signal) => void child.kill(signal) };
}

export function describeEnd({ code, signal }: BrokerEnd): string {
  if (signal !== null) return `was killed by ${signal}`;
  return code === 0 ? "stopped in good order" : `ended with exit code ${code}`;
}
