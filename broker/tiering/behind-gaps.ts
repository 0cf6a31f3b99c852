import { skipGap, type Gap } from "../log/gaps.ts";

/** `offset`, or behind the gaps it lies in: one begins where another ends if a recovery lost all that came after the one before it. */
export function behindGaps(gaps: readonly Gap[], offset: number): number {
  for (let at = offset; ;) {
    const behind = skipGap(gaps, at);
    if (behind === at) return at;
    at = behind;
  }
}
