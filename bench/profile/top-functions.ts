type CallFrame = { functionName: string; url: string; lineNumber: number };

/** As Profiler.stop gives it, and --cpu-prof writes it. */
export type CpuProfile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
};

/** As HeapProfiler.stopSampling gives it. */
export type HeapNode = {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
};

export type TopFunction = {
  readonly name: string;
  readonly place: string;
  readonly amount: number;
  /** Of all but idle time. */
  readonly share: number;
};

const idle = "(idle)";

function rank(
  amounts: ReadonlyMap<string, { frame: CallFrame; amount: number }>,
  root: string,
): TopFunction[] {
  const busy = [...amounts.values()].filter(({ frame }) => frame.functionName !== idle);
  const total = busy.reduce((sum, { amount }) => sum + amount, 0);
  return busy
    .map(({ frame, amount }) => ({
      name: frame.functionName === "" ? "(anonymous)" : frame.functionName,
      place: placeOf(frame, root),
      amount,
      share: total === 0 ? 0 : amount / total,
    }))
    .toSorted((a, b) => b.amount - a.amount);
}

function add(
  amounts: Map<string, { frame: CallFrame; amount: number }>,
  frame: CallFrame,
  amount: number,
): void {
  const key = `${frame.functionName} ${frame.url} ${frame.lineNumber}`;
  const known = amounts.get(key);
  if (known === undefined) amounts.set(key, { frame, amount });
  else known.amount += amount;
}

/** Functions by the milliseconds spent in themselves, not in what they call. Places are relative to `root`. */
export function topByTime(profile: CpuProfile, root: string): TopFunction[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const amounts = new Map<string, { frame: CallFrame; amount: number }>();
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    // A delta is the time that led to its sample; the first may be negative, V8 counts from the start of the profile.
    if (frame !== undefined)
      add(amounts, frame, Math.max(0, profile.timeDeltas[index] ?? 0) / 1000);
  }
  return rank(amounts, root);
}

/** How much of the time the thread did nothing, 0..1. */
export function idleShare(profile: CpuProfile): number {
  const idleIds = new Set(
    profile.nodes.filter(({ callFrame }) => callFrame.functionName === idle).map(({ id }) => id),
  );
  let total = 0;
  let spent = 0;
  for (const [index, id] of profile.samples.entries()) {
    const delta = Math.max(0, profile.timeDeltas[index] ?? 0);
    total += delta;
    if (idleIds.has(id)) spent += delta;
  }
  return total === 0 ? 0 : spent / total;
}

/** Functions by the bytes they allocated themselves, whether or not these are garbage by now. */
export function topByAllocation(head: HeapNode, root: string): TopFunction[] {
  const amounts = new Map<string, { frame: CallFrame; amount: number }>();
  const open = [head];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.selfSize > 0) add(amounts, node.callFrame, node.selfSize);
    open.push(...node.children);
  }
  return rank(amounts, root);
}

function placeOf({ url, lineNumber }: CallFrame, root: string): string {
  if (url === "") return "";
  const path = url.replace(/^file:\/\//, "");
  const shown = path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
  return `${shown}:${lineNumber + 1}`;
}
