/** Offsets from `end` on, below `start`, that no record ever had or will have: a recovery skipped them (replication.md C3, F8). */
export type Gap = { readonly end: number; readonly start: number };

/** `offset`, or behind the gap it lies in, and behind the next where that begins there: a recovery may have lost all that came after the one before it. */
export function skipGap(gaps: readonly Gap[], offset: number): number {
  let at = offset;
  for (const { end, start } of gaps) if (at >= end && at < start) at = start;
  return at;
}

/** `offset`, or where the gap it lies in, or ends, begins: the same place, said as a log without that gap says it. */
export function beforeGap(gaps: readonly Gap[], offset: number): number {
  let at = offset;
  for (const { end, start } of gaps.toReversed()) if (at > end && at <= start) at = end;
  return at;
}

/** The gaps that are left when the log ends at `offset`. */
export const gapsBelow = (gaps: readonly Gap[], offset: number): Gap[] =>
  gaps.filter(({ start }) => start <= offset);
