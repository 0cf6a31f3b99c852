import type { Clock } from "../../ports/clock.ts";

/** Somebody who waits for a commit, until `deadlineMs`. */
export type Waiting = {
  readonly deadlineMs: number;
  isGivenUp: boolean;
  giveUp(): void;
};

/**
 * Sees to it that nobody waits past their deadline. One timer for all: those who wait do so for equally long, so the first to come is the first to go,
 * and a timer that finds them answered costs nothing but its call.
 */
export type WaitLimit = {
  /** Somebody's wait is over, and nothing has been committed since. */
  readonly isOver: boolean;
  /** Somebody began to wait until `deadlineMs`. */
  watch(deadlineMs: number): void;
  /** Something was committed. */
  moved(): void;
  /** Nobody waits any more. */
  stop(): void;
};

export function createWaitLimit(
  clock: Clock,
  {
    waiting,
    onFirst,
  }: {
    /** In the order they came. */
    readonly waiting: () => readonly Waiting[];
    /** Called when `isOver` becomes true. */
    readonly onFirst: () => void;
  },
): WaitLimit {
  let isOver = false;
  let cancel: (() => void) | null = null;

  function watch(deadlineMs: number): void {
    cancel ??= clock.after(Math.max(0, deadlineMs - clock.monotonicMs()), look);
  }

  function look(): void {
    cancel = null;
    const nowMs = clock.monotonicMs();
    const still = waiting().filter(({ isGivenUp }) => !isGivenUp);
    const due = still.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    // First: whoever is given up may wait anew, and later than these.
    const next = still[due.length];
    if (next !== undefined) watch(next.deadlineMs);
    if (due.length > 0 && !isOver) {
      isOver = true;
      onFirst();
    }
    for (const each of due) {
      each.isGivenUp = true;
      each.giveUp();
    }
  }

  return {
    get isOver() {
      return isOver;
    },
    watch,
    moved: () => void (isOver = false),
    stop() {
      cancel?.();
      cancel = null;
      isOver = false;
    },
  };
}
