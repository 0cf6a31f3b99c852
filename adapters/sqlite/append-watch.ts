import type { FSWatcher } from "node:fs";
import { watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../../ports/clock.ts";

/** Tells of appends to a SQLite file, whoever makes them. */
export type AppendWatch = {
  add(listener: () => void): () => void;
  /** An append through this handle: SQLite's data version tells only of others'. */
  announce(): void;
  close(): void;
};

export type AppendWatchOptions = {
  readonly path: string;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly dataVersion: () => number;
};

/** After a write of the file: it is visible to others only when it is flushed, which may take a while. */
const quickMs = 2_000;
/** Where the operating system says when the file is written: should it ever forget to. */
const slowPollMs = 1_000;

/**
 * Nobody but the data version knows whether there was an append, and looking twenty times a second would be all that an idle broker does. So it is looked
 * at that often only while the file is being written; where that cannot be told, always.
 */
export function createAppendWatch(options: AppendWatchOptions): AppendWatch {
  const { path, clock, pollMs, dataVersion } = options;
  const listeners = new Set<() => void>();
  let watcher: FSWatcher | null = null;
  let cancelPoll: (() => void) | null = null;
  let quickUntilMs = 0;
  let seenVersion = 0;

  function announce(): void {
    for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener());
  }

  const isQuick = (): boolean => watcher === null || clock.monotonicMs() < quickUntilMs;

  function poll(): void {
    cancelPoll = clock.after(isQuick() ? pollMs : Math.max(pollMs, slowPollMs), poll);
    const version = readVersion();
    if (version === seenVersion) return;
    seenVersion = version;
    announce();
  }

  function readVersion(): number {
    try {
      return dataVersion();
    } catch {
      // Busy or worse: say nothing now, look again at the next poll.
      return seenVersion;
    }
  }

  function lookQuickly(): void {
    const wasQuick = isQuick();
    quickUntilMs = clock.monotonicMs() + quickMs;
    if (wasQuick || cancelPoll === null) return;
    cancelPoll();
    cancelPoll = clock.after(pollMs, poll);
  }

  function start(): void {
    seenVersion = readVersion();
    watcher = watchFile(path, {
      onWrite: lookQuickly,
      onEnd() {
        lookQuickly();
        watcher = null;
      },
    });
    quickUntilMs = clock.monotonicMs() + quickMs;
    cancelPoll = clock.after(pollMs, poll);
  }

  function stop(): void {
    cancelPoll?.();
    cancelPoll = null;
    watcher?.close();
    watcher = null;
  }

  return {
    add(listener) {
      // Wrapped, so that the same function given twice is called twice.
      const wrapped = (): void => listener();
      listeners.add(wrapped);
      if (cancelPoll === null) start();
      return () => {
        listeners.delete(wrapped);
        if (listeners.size === 0) stop();
      };
    },
    announce,
    close() {
      listeners.clear();
      stop();
    },
  };
}

/** Null where the system cannot watch (too many watches, a file system without). */
function watchFile(
  path: string,
  { onWrite, onEnd }: { onWrite: () => void; onEnd: () => void },
): FSWatcher | null {
  const name = basename(path);
  try {
    // The directory, for SQLite writes to a file beside its own, which comes and goes.
    const watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
      if (file === null || file.startsWith(name)) onWrite();
    });
    watcher.once("error", () => {
      watcher.close();
      onEnd();
    });
    return watcher;
  } catch {
    return null;
  }
}
