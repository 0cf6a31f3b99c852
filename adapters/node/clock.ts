import type { Clock } from "../../ports/clock.ts";

// setTimeout takes a signed 32-bit delay and fires at once beyond it.
const maxDelayMs = 2 ** 31 - 1;

/** The machine's own time. Timers keep the process alive: whoever set one cancels it. */
export function createNodeClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(delayMs, run) {
      const dueMs = performance.now() + delayMs;
      let timer = setTimeout(expired, Math.min(Math.max(0, delayMs), maxDelayMs));
      function expired(): void {
        const leftMs = dueMs - performance.now();
        // Node may fire up to a millisecond early; only a timer that was cut has more than that to go.
        if (leftMs > 1) timer = setTimeout(expired, Math.min(leftMs, maxDelayMs));
        else run();
      }
      return () => clearTimeout(timer);
    },
  };
}
