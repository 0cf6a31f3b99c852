import type { Clock } from "../../ports/clock.ts";

/** What has failed, and is not tried before; each time after twice as long. */
export type PutOff = { notBeforeMs: number; pauseMs: number };

export const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** With as many in a row it is the store, and not a partition of which it has something that it should not have. */
export const failuresAtMost = 3;

export function putOff(what: PutOff, clock: Clock): void {
  what.notBeforeMs = clock.monotonicMs() + what.pauseMs;
  what.pauseMs = Math.min(longestPauseMs, what.pauseMs * 2);
}
