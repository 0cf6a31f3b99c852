// Time in the caller's hand. One heap of timers serves two clocks: one that moves only when told (simulation), and one that runs with the machine's
// clock and can also be told to jump (the test broker). After each timer the loop lets everything settle that the timer set off (`settle`), so that
// what falls due in a jump happens in the order it would have happened in.
import type { Clock } from "../../ports/clock.ts";
import { createTimerHeap } from "./timer-heap.ts";

export type ControlledClock = Clock & {
  /** Moves time on by `ms`, firing what falls due on the way, each timer at its own time and in order. Jumps queue up. */
  advance(ms: number): Promise<void>;
  /** When the next timer falls due on the monotonic scale, or null. */
  nextDueMs(): number | null;
  /** Drops every timer, and stops following the machine's clock. */
  close(): void;
};

export type ControlledClockOptions = {
  /** Wall time at the start; 2026-01-01 by default. */
  startMs?: number;
  /** Lets promises and I/O that a timer set off come to rest; by default one turn of the event loop. */
  settle?: () => Promise<void>;
};

/** Stands still except in `advance`. */
export function createManualClock(options: ControlledClockOptions = {}): ControlledClock {
  return createControlledClock({ ...options, real: null });
}

/** Runs with the machine's clock from now on, and jumps ahead of it in `advance`. */
export function createJumpingClock(
  options: { startMs?: number; settle?: () => Promise<void> } = {},
): ControlledClock {
  return createControlledClock({
    startMs: options.startMs ?? Date.now(),
    ...options,
    real: { elapsedMs: elapsedSinceNow(), wake: wakeByTimeout },
  });
}

type RealTime = {
  elapsedMs(): number;
  wake(delayMs: number, run: () => void): () => void;
};

function createControlledClock(
  options: ControlledClockOptions & { real: RealTime | null },
): ControlledClock {
  const startMs = options.startMs ?? Date.UTC(2026, 0, 1);
  const settle = options.settle ?? oneTurn;
  const timers = createTimerHeap();
  const { real } = options;
  let jumpedMs = 0;
  /** While a jump is under way, time is what the jump has reached; machine time that passes meanwhile counts after it. */
  let jumpAtMs: number | null = null;
  let cancelWake: () => void = () => undefined;
  let jumps = Promise.resolve();
  let isClosed = false;

  const monotonicMs = (): number => jumpAtMs ?? jumpedMs + (real?.elapsedMs() ?? 0);

  function rearm(): void {
    cancelWake();
    cancelWake = () => undefined;
    const dueMs = timers.nextDueMs();
    if (real === null || isClosed || jumpAtMs !== null || dueMs === null) return;
    cancelWake = real.wake(Math.max(0, dueMs - monotonicMs()), () => {
      const nowMs = monotonicMs();
      // One at a time, so that a jump or a cancellation in one is seen by the next.
      if (jumpAtMs === null) timers.takeDue(nowMs)?.run();
      rearm();
    });
  }

  async function jump(ms: number): Promise<void> {
    if (isClosed) return;
    const fromMs = monotonicMs();
    const untilMs = fromMs + ms;
    jumpAtMs = fromMs;
    cancelWake();
    await settle();
    for (let timer = timers.takeDue(untilMs); timer !== null; timer = timers.takeDue(untilMs)) {
      jumpAtMs = Math.max(jumpAtMs, timer.dueMs);
      timer.run();
      await settle();
    }
    jumpedMs = untilMs - (real?.elapsedMs() ?? 0);
    jumpAtMs = null;
    rearm();
  }

  return {
    nowMs: () => Math.floor(startMs + monotonicMs()),
    monotonicMs,
    after(delayMs, run) {
      const dueMs = monotonicMs() + Math.max(0, delayMs);
      const isEarliest = dueMs < (timers.nextDueMs() ?? Infinity);
      const cancel = timers.add(dueMs, run);
      if (isEarliest) rearm();
      return cancel;
    },
    advance(ms) {
      const done = jumps.then(() => jump(ms));
      jumps = done.catch(() => undefined);
      return done;
    },
    nextDueMs: () => timers.nextDueMs(),
    close() {
      isClosed = true;
      timers.clear();
      cancelWake();
    },
  };
}

function elapsedSinceNow(): () => number {
  const origin = performance.now();
  return () => performance.now() - origin;
}

function wakeByTimeout(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.min(Math.ceil(delayMs), 2 ** 31 - 1));
  return () => clearTimeout(timer);
}

function oneTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
