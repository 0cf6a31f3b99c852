/** Offsets from `end` on, below `start`, that no record ever had or will have: a recovery skipped them (replication.md C3, F8). */
export type Gap = { readonly end: number; readonly start: number };

/** `offset`, or behind the gap it lies in. */
export function skipGap(gaps: readonly Gap[], offset: number): number {
  for (const { end, start } of gaps) if (offset >= end && offset < start) return start;
  return offset;
}

/** `offset`, or where the gap it lies in, or ends, begins: the same place, said as a log without that gap says it. */
export function beforeGap(gaps: readonly Gap[], offset: number): number {
  for (const { end, start } of gaps) if (offset > end && offset <= start) return end;
  return offset;
}

/** The gaps that are left when the log ends at `offset`. */
export const gapsBelow = (gaps: readonly Gap[], offset: number): Gap[] =>
  gaps.filter(({ start }) => start <= offset);
