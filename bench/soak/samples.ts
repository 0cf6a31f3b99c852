import { readdirSync } from "node:fs";
import { cpuOf, memoryOf } from "../harness/process-figures.ts";
import { median } from "../harness/statistics.ts";
import type { BrokerLife } from "../cell/broker-process.ts";

/** What one look at the broker's process found. */
export type Sample = {
  readonly life: number;
  /** Seconds since that life began. */
  readonly age: number;
  readonly rssMb: number;
  readonly heapMb: number;
  /** Of the heap, what was left by the last full collection. */
  readonly liveHeapMb: number;
  readonly handles: number;
  readonly cpuSeconds: number;
};

export function sample(life: BrokerLife, number: number): Sample | null {
  const { memory, pid, startedAtMs } = life;
  if (memory === null) return null;
  const { user, system } = cpuOf([pid]);
  return {
    life: number,
    age: (performance.now() - startedAtMs) / 1000,
    rssMb: memoryOf([pid]).totalMb,
    heapMb: memory.heapUsed / 1e6,
    liveHeapMb: memory.liveHeap / 1e6,
    handles: handlesOf(pid),
    cpuSeconds: user + system,
  };
}

function handlesOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0; // It has just ended.
  }
}

export type Measure = "rssMb" | "liveHeapMb" | "handles";

/** How one figure went over the settled part of a long life. */
export type Trend = {
  readonly measure: Measure;
  readonly settledMinutes: number;
  readonly first: number;
  readonly last: number;
  readonly highest: number;
  /** Least squares. */
  readonly perHour: number;
  readonly isFlat: boolean;
};

/** Of every so many seconds the lowest counts: what rises for a moment is no growth. */
const bucketSeconds = 15;
/** How long a life takes to fill what it fills once: its ring, its pools, the code that gets compiled. */
const settlingSeconds = 120;
const leastBuckets = 12;

/** More than this between the first and the last third of a settled life is growth: relative to the first, and at least so much. */
const allowance: Record<Measure, { share: number; least: number }> = {
  rssMb: { share: 0.1, least: 20 },
  liveHeapMb: { share: 0.15, least: 10 },
  handles: { share: 0.05, least: 8 },
};

/** Of the longest life; none where it was too short to tell. */
export function trendsOf(samples: readonly Sample[]): Trend[] {
  const lives = [...Map.groupBy(samples, ({ life }) => life).values()];
  const longest = lives.toSorted((a, b) => b.length - a.length)[0] ?? [];
  return (["rssMb", "liveHeapMb", "handles"] as const)
    .map((measure) => trend(longest, measure))
    .filter((each) => each !== null);
}

/** Null if the life was too short to tell. */
export function trend(samples: readonly Sample[], measure: Measure): Trend | null {
  const settled = samples.filter(({ age }) => age >= settlingSeconds);
  const buckets = [...Map.groupBy(settled, ({ age }) => Math.floor(age / bucketSeconds))].map(
    ([bucket, each]) => ({
      hours: (bucket * bucketSeconds) / 3600,
      value: Math.min(...each.map((one) => one[measure])),
    }),
  );
  if (buckets.length < leastBuckets) return null;
  const third = Math.floor(buckets.length / 3);
  const first = median(buckets.slice(0, third).map(({ value }) => value));
  const last = median(buckets.slice(-third).map(({ value }) => value));
  const { share, least } = allowance[measure];
  return {
    measure,
    settledMinutes: (buckets.length * bucketSeconds) / 60,
    first,
    last,
    highest: Math.max(...settled.map((one) => one[measure])),
    perHour: slope(buckets),
    isFlat: last - first <= Math.max(least, share * first),
  };
}

function slope(points: readonly { hours: number; value: number }[]): number {
  const mean = (of: (point: { hours: number; value: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(({ hours }) => hours), mean(({ value }) => value)];
  const covariance = mean(({ hours, value }) => (hours - x) * (value - y));
  return covariance / mean(({ hours }) => (hours - x) ** 2);
}
