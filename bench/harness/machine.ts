import { spawnSync } from "node:child_process";
import {
  closeSync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { machineCpu } from "./process-figures.ts";

export type Machine = {
  readonly processor: string;
  readonly coreCount: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
};

export const describeMachine = (): Machine => ({
  processor: cpus()[0]?.model ?? "unknown",
  coreCount: cpus().length,
  memoryGb: Math.round(totalmem() / 1e9),
  kernel: release(),
  node: process.version,
});

export const machineText = (machine: Machine): string =>
  `${machine.coreCount} cores (${machine.processor}), ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}`;

const availableBytes = (): number =>
  Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) *
  1024;

/**
 * Virtual machines get their memory from the host at first touch, which can cost ten times a later write; whoever touches first pays for all that come
 * after. So: touch what the runs may use, as a process's memory and as page cache. Says how fast both went; the second touch shows what is warm.
 */
export function warmMemory(directory: string, bytesWanted: number): string {
  const bytes = Math.min(bytesWanted, availableBytes() * 0.6);
  const blockBytes = 64 * 1024 * 1024;
  const blocks: Buffer[] = [];
  const touch = (): number => {
    const startedAt = performance.now();
    for (let index = 0; index * blockBytes < bytes; index++) {
      const block = (blocks[index] ??= Buffer.allocUnsafeSlow(blockBytes));
      block.fill(index & 0xff);
    }
    return bytes / 1e6 / (performance.now() - startedAt);
  };
  const first = touch();
  const second = touch();
  const block = blocks[0] ?? Buffer.alloc(blockBytes, 1);
  blocks.length = 0;
  const caches = [writeFile(directory, block, bytes / 2), writeFile(directory, block, bytes / 2)];
  const [firstCache = 0, secondCache = 0] = caches;
  return `memory: first touch ${first.toFixed(2)} GB/s, second ${second.toFixed(2)} GB/s (${(bytes / 1e9).toFixed(1)} GB); page cache ${firstCache.toFixed(2)}, again ${secondCache.toFixed(2)} GB/s`;
}

/** Touches that much free memory in a process of its own and leaves it to whoever comes next. */
export function touchMemory(bytesWanted: number): void {
  const blockBytes = 64 * 1024 * 1024;
  const blocks = Math.floor(Math.min(bytesWanted, availableBytes() * 0.6) / blockBytes);
  if (blocks === 0) return;
  const script = `const kept = []; for (let i = 0; i < ${blocks}; i++) kept.push(Buffer.allocUnsafeSlow(${blockBytes}).fill(1));`;
  spawnSync(process.execPath, ["-e", script], { stdio: "ignore" });
}

/** Writes a new file of that size and removes it; GB/s of the writes alone, the flush is not counted. */
function writeFile(directory: string, block: Buffer, bytes: number): number {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "warm-up");
  const file = openSync(path, "w");
  const startedAt = performance.now();
  for (let written = 0; written < bytes; written += block.length) writeSync(file, block);
  const speed = bytes / 1e6 / (performance.now() - startedAt);
  fdatasyncSync(file);
  closeSync(file);
  rmSync(path);
  return speed;
}

/** How many cores' worth of work this machine does now; counted over a second, the load average forgets too slowly. */
export async function busyCores(): Promise<number> {
  const before = machineCpu();
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return ((machineCpu().busy - before.busy) * 1000) / (performance.now() - startedAt);
}

/** Waits until others leave the machine alone; gives up after a while and says so, since the figures then do not count. */
export async function awaitQuiet(say: (line: string) => void, limitSeconds = 60): Promise<boolean> {
  const startedAt = performance.now();
  for (;;) {
    const busy = await busyCores();
    if (busy < 0.25) return true;
    if (performance.now() - startedAt > limitSeconds * 1000) {
      say(
        `  the machine is not quiet (${busy.toFixed(2)} cores busy, load ${loadavg()[0]?.toFixed(2)}): what follows is marked`,
      );
      return false;
    }
  }
}
