/** CPU time of this thread by what it was spent on: what a process of its own would be busy with. Other load on the machine does not count, the collector's threads neither. */
export type WorkMeter = {
  measure<Result>(what: string, work: () => Result): Result;
  add(what: string, ms: number): void;
  /** What was spent since the last call, by what it was spent on. */
  take(): Map<string, Work>;
};

export type Work = { readonly count: number; readonly ms: number; readonly longestMs: number };

export function createWorkMeter(): WorkMeter {
  let spent = new Map<string, Work>();
  function add(what: string, ms: number): void {
    const known = spent.get(what) ?? { count: 0, ms: 0, longestMs: 0 };
    const longestMs = Math.max(known.longestMs, ms);
    spent.set(what, { count: known.count + 1, ms: known.ms + ms, longestMs });
  }
  return {
    add,
    measure(what, work) {
      const startedMs = threadCpuMs();
      const result = work();
      add(what, threadCpuMs() - startedMs);
      return result;
    },
    take() {
      const taken = spent;
      spent = new Map();
      return taken;
    },
  };
}

export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
