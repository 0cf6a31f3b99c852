/** What the load clients print: pairs of a bucket's upper bound and how many values fell into it, in rising order. */
export type Buckets = readonly (readonly [upperBound: number, count: number])[];

export const countOf = (buckets: Buckets): number =>
  buckets.reduce((sum, [, count]) => sum + count, 0);

/** The upper bound of the bucket that holds the value at `quantile` (0..1) of all values; NaN of nothing. */
export function quantile(buckets: Buckets, at: number): number {
  const rank = Math.max(1, Math.ceil(countOf(buckets) * at));
  let seen = 0;
  for (const [upperBound, count] of buckets) {
    seen += count;
    if (seen >= rank) return upperBound;
  }
  return Number.NaN;
}

/** One histogram of the values of all of them. */
export function merge(histograms: readonly Buckets[]): Buckets {
  const counts = new Map<number, number>();
  for (const [upperBound, count] of histograms.flat())
    counts.set(upperBound, (counts.get(upperBound) ?? 0) + count);
  return [...counts].sort((a, b) => a[0] - b[0]);
}

export type LatencyMs = {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly count: number;
};

/** Of a histogram of microseconds. */
export const latencyMs = (buckets: Buckets): LatencyMs => ({
  p50: quantile(buckets, 0.5) / 1000,
  p99: quantile(buckets, 0.99) / 1000,
  p999: quantile(buckets, 0.999) / 1000,
  max: quantile(buckets, 1) / 1000,
  count: countOf(buckets),
});
