import type { LogOutput } from "./log-output.ts";

/**
 * From a server process's start to its end, by a signal or by a failure that it must not outlive. Told to stop before it is up, it ends at once: nothing was
 * acknowledged by it yet. Without a handler the first process of a container would not hear of SIGTERM, and be waited for.
 */
export type ProcessLife = {
  /** What must not go on ends with exit code 1; what it says begins with `whatStops`. */
  readonly fail: (error: Error) => void;
  /** It is up. Resolves with the exit code: from here on the first SIGINT or SIGTERM stops in order, the second at once; neither loses what was acknowledged. */
  untilStopped(stopping: Stopping): Promise<number>;
  /** As the first signal does; nothing if it is stopping already. */
  stop(): void;
};

export type Stopping = {
  readonly close: () => Promise<void>;
  /** Past this a stop has hung, and what is on disk is recovered at the next start. */
  readonly limitMs: number;
  /** Before the process is ended at once. */
  readonly atOnce?: () => void;
};

/** Of a process with a broker in it. */
export const brokerStops =
  "Myelin stops: going on could lose acknowledged records. Start it again; what is on disk is recovered.";

export function createProcessLife(log: LogOutput, whatStops: string): ProcessLife {
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  let stopping: Stopping | null = null;
  let isStopping = false;

  function exitAtOnce(code: number): never {
    stopping?.atOnce?.();
    process.exit(code);
  }

  function stop(): void {
    if (isStopping || stopping === null) return;
    isStopping = true;
    const { close, limitMs } = stopping;
    setTimeout(() => {
      process.stderr.write(`Stopping took more than ${limitMs / 1000} s: ended at once.\n`);
      exitAtOnce(1);
    }, limitMs).unref();
    close().then(
      () => end(0),
      (error: unknown) => {
        process.stderr.write(`Stopping failed: ${String(error)}\n`);
        end(1);
      },
    );
  }

  function signalled(signal: NodeJS.Signals, number: number): void {
    if (stopping === null) {
      log.info("told to stop before it was up", { signal });
      exitAtOnce(128 + number);
    }
    if (isStopping) exitAtOnce(130);
    stop();
  }

  process.on("SIGINT", signalled);
  process.on("SIGTERM", signalled);
  return {
    fail(error) {
      log.error(whatStops, { error: error.message });
      end(1);
    },
    untilStopped(how) {
      stopping = how;
      return ended;
    },
    stop,
  };
}
