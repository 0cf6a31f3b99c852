import { describe, expect, test } from "vitest";
import type { Clock } from "../../ports/clock.ts";

export type ClockUnderTest = {
  clock: Clock;
  /** Lets that much time pass on this clock. */
  pass: (ms: number) => Promise<void>;
  close: () => void;
};

/** What every Clock does. */
export function clockContract(name: string, open: () => ClockUnderTest): void {
  describe(`a clock: ${name}`, () => {
    function under(run: (opened: ClockUnderTest) => Promise<void>): () => Promise<void> {
      return async () => {
        const opened = open();
        try {
          await run(opened);
        } finally {
          opened.close();
        }
      };
    }

    test(
      "wall time is a whole number of milliseconds of this century",
      under(async ({ clock }) => {
        expect(Number.isInteger(clock.nowMs())).toBe(true);
        expect(clock.nowMs()).toBeGreaterThan(Date.UTC(2020, 0, 1));
        expect(clock.nowMs()).toBeLessThan(Date.UTC(2100, 0, 1));
      }),
    );

    test(
      "monotonic time never goes back, across waits too",
      under(async ({ clock, pass }) => {
        let last = clock.monotonicMs();
        for (let round = 0; round < 5; round++) {
          await pass(2);
          const now = clock.monotonicMs();
          expect(now).toBeGreaterThan(last);
          last = now;
        }
      }),
    );

    test(
      "a timer runs once, after the call that set it returned, whatever the delay",
      under(async ({ clock, pass }) => {
        const ran: number[] = [];
        clock.after(0, () => ran.push(0));
        clock.after(-5, () => ran.push(-5));
        clock.after(3, () => ran.push(3));
        expect(ran).toEqual([]);
        await pass(40);
        expect(ran.toSorted((a, b) => a - b)).toEqual([-5, 0, 3]);
        await pass(10);
        expect(ran).toHaveLength(3);
      }),
    );

    test(
      "timers run in the order they fall due, and not before",
      under(async ({ clock, pass }) => {
        const ran: { delayMs: number; elapsedMs: number }[] = [];
        const startMs = clock.monotonicMs();
        for (const delayMs of [45, 5, 25]) {
          clock.after(delayMs, () => {
            ran.push({ delayMs, elapsedMs: clock.monotonicMs() - startMs });
          });
        }
        await pass(80);
        expect(ran.map(({ delayMs }) => delayMs)).toEqual([5, 25, 45]);
        // Node's timers count whole milliseconds, and may be early by a part of one.
        for (const { delayMs, elapsedMs } of ran) {
          expect(elapsedMs).toBeGreaterThanOrEqual(delayMs - 1);
        }
      }),
    );

    test(
      "a cancelled timer does not run, and cancelling one that ran does nothing",
      under(async ({ clock, pass }) => {
        const ran: string[] = [];
        const cancelFirst = clock.after(5, () => ran.push("first"));
        const cancelSecond = clock.after(5, () => ran.push("second"));
        cancelFirst();
        cancelFirst();
        await pass(30);
        cancelSecond();
        await pass(10);
        expect(ran).toEqual(["second"]);
      }),
    );

    test(
      "a timer may cancel another that is due at the same time",
      under(async ({ clock, pass }) => {
        const ran: string[] = [];
        let cancelSecond = (): void => undefined;
        clock.after(5, () => {
          ran.push("first");
          cancelSecond();
        });
        cancelSecond = clock.after(5, () => ran.push("second"));
        await pass(30);
        expect(ran).toEqual(["first"]);
      }),
    );
  });
}
