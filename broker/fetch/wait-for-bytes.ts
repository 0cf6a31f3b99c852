import type { Clock } from "../../ports/clock.ts";
import type { FetchRead } from "./read-partitions.ts";
import { releaseReads } from "./read-partitions.ts";

export type Wait = {
  readonly clock: Clock;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Calls back when something of what is asked for has changed. The result takes the listener back. */
  readonly onNews: (listener: () => void) => () => void;
  /** Nothing is asked for that could ever change. */
  readonly isVain: boolean;
  /** Reads everything asked for anew; at once, if it is all in memory. */
  readonly read: () => FetchRead | Promise<FetchRead>;
  /** Calls back if there is no point in waiting any longer: the client has gone, the broker stops. The result takes the listener back. */
  readonly onEnd: (listener: () => void) => () => void;
};

/**
 * The long poll: resolves with what there is once it amounts to `minBytes`, is urgent, or `maxWaitMs` are over. Partitions wake it when what a
 * consumer can see has changed; nothing polls.
 */
export async function waitForBytes(wait: Wait): Promise<FetchRead> {
  const reading = wait.read();
  const first = reading instanceof Promise ? await reading : reading;
  if (isEnough(first, wait) || wait.maxWaitMs <= 0 || wait.isVain) return first;
  // Nothing is held while parked: what was found would keep its WAL files from being reclaimed.
  releaseReads(first);
  const signal = watch(wait);
  try {
    // What arrived while it was read is seen by a second look: nobody watched yet.
    if (!(reading instanceof Promise)) await signal.next();
    for (;;) {
      signal.rearm();
      const latest = await wait.read();
      if (isEnough(latest, wait) || signal.isOver) return latest;
      releaseReads(latest);
      await signal.next();
    }
  } finally {
    signal.stop();
  }
}

function isEnough(read: FetchRead, { minBytes }: Wait): boolean {
  return read.isUrgent || read.totalBytes >= minBytes;
}

type Signal = { readonly isOver: boolean; next(): Promise<void>; rearm(): void; stop(): void };

function watch({ clock, maxWaitMs, onNews, onEnd }: Wait): Signal {
  let isOver = false;
  let hasNews = false;
  let tell: (() => void) | null = null;
  const wake = (): void => {
    hasNews = true;
    tell?.();
    tell = null;
  };
  const end = (): void => {
    isOver = true;
    wake();
  };
  const forgetNews = onNews(wake);
  const cancelTimeout = clock.after(maxWaitMs, end);
  const forgetEnd = onEnd(end);
  return {
    get isOver() {
      return isOver;
    },
    next: () =>
      new Promise<void>((resolve) => {
        if (hasNews) resolve();
        else tell = resolve;
      }),
    rearm() {
      hasNews = false;
    },
    stop() {
      forgetNews();
      cancelTimeout();
      forgetEnd();
    },
  };
}
