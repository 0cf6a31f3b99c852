import { readdirSync, readFileSync } from "node:fs";

// What the kernel knows about a process: Linux only. A clock tick is 10 ms (USER_HZ is 100 wherever Node runs), so measure for seconds.
const ticksPerSecond = 100;

export type CpuSeconds = { readonly user: number; readonly system: number };

/** Of the text of /proc/<pid>/stat: the time of the whole process, all its threads, also those that have ended. */
export function cpuOfStat(stat: string): CpuSeconds {
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { user: Number(fields[11]) / ticksPerSecond, system: Number(fields[12]) / ticksPerSecond };
}

/** Kilobytes of a line of /proc/<pid>/status, e.g. VmRSS; 0 if it has none (kernel threads, zombies). */
export function kilobytesOfStatus(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status);
  return match === null ? 0 : Number(match[1]);
}

/** Seconds that all cores together were busy since boot, and were taken by other guests, from /proc/stat. */
export function machineCpuOfStat(stat: string): { busy: number; stolen: number } {
  const fields = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? "").split(" ").map(Number);
  // user nice system idle iowait irq softirq steal; guest time is part of user time.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
  return {
    busy: (user + nice + system + irq + softirq) / ticksPerSecond,
    stolen: steal / ticksPerSecond,
  };
}

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // The process or thread has ended since it was listed.
  }
};

/** The process and what it has started, and so on down. */
export function processTree(pid: number): number[] {
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const children = threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

export function cpuOf(pids: readonly number[]): CpuSeconds {
  const all = pids.flatMap(processTree).map((pid) => cpuOfStat(read(`/proc/${pid}/stat`)));
  return {
    user: all.reduce((sum, each) => sum + (each.user || 0), 0),
    system: all.reduce((sum, each) => sum + (each.system || 0), 0),
  };
}

/** Resident bytes of the processes, files they have mapped (an index, a program) apart. */
export function memoryOf(pids: readonly number[]): { totalMb: number; filesMb: number } {
  const statuses = pids.flatMap(processTree).map((pid) => read(`/proc/${pid}/status`));
  const sum = (name: string): number =>
    statuses.reduce((total, status) => total + kilobytesOfStatus(status, name), 0) / 1000;
  return { totalMb: sum("VmRSS"), filesMb: sum("RssFile") };
}

/** Of the text of /proc/<pid>/stat: a kernel thread is a child of kthreadd, process 2. */
export const isKernelThread = (stat: string): boolean =>
  stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] === "2";

/** CPU seconds of the kernel's own threads, which write out dirty pages and the like; those that have ended since are not counted. */
export function kernelThreadsCpu(): number {
  let sum = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    if (isKernelThread(stat)) sum += cpuOfStat(stat).system;
  }
  return sum;
}

export const machineCpu = (): { busy: number; stolen: number } =>
  machineCpuOfStat(read("/proc/stat"));

/** What the processes take of the machine together (PSS): a page that several of them have mapped, such as their program's, counts once. */
export function sharedMemoryOf(pids: readonly number[]): number {
  const rollups = pids.flatMap(processTree).map((pid) => read(`/proc/${pid}/smaps_rollup`));
  return rollups.reduce((sum, rollup) => sum + kilobytesOfStatus(rollup, "Pss"), 0) / 1000;
}

/** Samples resident memory until stopped; returns the highest seen, and `pssMb` at the end, which is too dear to sample. */
export function watchMemory(pids: readonly number[]): {
  stop(): { totalMb: number; filesMb: number; pssMb: number };
} {
  let peak = memoryOf(pids);
  const timer = setInterval(() => {
    const now = memoryOf(pids);
    if (now.totalMb > peak.totalMb) peak = now;
  }, 100);
  return {
    stop() {
      clearInterval(timer);
      return { ...peak, pssMb: sharedMemoryOf(pids) };
    },
  };
}
