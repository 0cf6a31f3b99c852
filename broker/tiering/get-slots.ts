export type GetSlots = {
  readonly maxGets: number;
  readonly runningCount: number;
  readonly queuedCount: number;
  /** Runs `get` once fewer than `maxGets` run, in turn; null, at once, if too many wait already. */
  run<Result>(get: () => Promise<Result>): Promise<Result> | null;
};

/** How many requests of tiered readers are under way, and how many may wait: sockets and memory are bounded, whatever clients ask for. */
export function createGetSlots(limits: {
  readonly maxGets: number;
  readonly maxQueued: number;
}): GetSlots {
  const queue: (() => void)[] = [];
  let runningCount = 0;
  const inTurn = async <Result>(get: () => Promise<Result>): Promise<Result> => {
    // Whoever ends hands its slot on, so that nobody new steps in between.
    if (runningCount < limits.maxGets) runningCount += 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await get();
    } finally {
      const next = queue.shift();
      if (next === undefined) runningCount -= 1;
      else next();
    }
  };
  return {
    maxGets: limits.maxGets,
    get runningCount() {
      return runningCount;
    },
    get queuedCount() {
      return queue.length;
    },
    run: (get) =>
      runningCount >= limits.maxGets && queue.length >= limits.maxQueued ? null : inTurn(get),
  };
}
