import type { LogOutput } from "./log-output.ts";

/** From the moment a server process is up to its end, by a signal or by a failure that it must not outlive. */
export type ProcessLife = {
  /** What must not go on ends with exit code 1; what it says begins with `whatStops`. */
  readonly fail: (error: Error) => void;
  /** Resolves with the exit code. From here on the first SIGINT or SIGTERM stops in order, the second at once; neither loses what was acknowledged. */
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

  function signalled(): void {
    if (isStopping) exitAtOnce(130);
    stop();
  }

  return {
    fail(error) {
      log.error(whatStops, { error: error.message });
      end(1);
    },
    untilStopped(how) {
      stopping = how;
      process.on("SIGINT", signalled);
      process.on("SIGTERM", signalled);
      return ended;
    },
    stop,
  };
}
