/** The middle of the values, the mean of the two middle ones if their number is even; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type Spread = {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly count: number;
};

export const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  lowest: Math.min(...values),
  highest: Math.max(...values),
  count: values.length,
});

/**
 * How many times `ours` is `theirs`, round by round, so that what slows the whole machine for a while slows both sides of a pair. Values of one round stand
 * at the same place in both lists; what has no partner is left out.
 */
export function pairedRatios(ours: readonly number[], theirs: readonly number[]): Spread {
  const count = Math.min(ours.length, theirs.length);
  return spreadOf(Array.from({ length: count }, (_, index) => ours[index]! / theirs[index]!));
}

/** Three figures that count; "-" for what was not measured. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const spreadText = ({ median: middle, lowest, highest }: Spread): string =>
  lowest === highest
    ? threeDigits(middle)
    : `${threeDigits(middle)} (${threeDigits(lowest)}..${threeDigits(highest)})`;
