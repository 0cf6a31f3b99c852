import type { Clock } from "../ports/clock.ts";

/**
 * Runs `round` every `intervalMs`, counted from the end of the one before. A round that fails is reported, and the next one comes all the same. The result
 * stops it, and resolves when no round is under way: a long one looks now and then whether it has been stopped.
 */
export function startPeriodic(options: {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly round: (isStopped: () => boolean) => Promise<void>;
  readonly failed: (error: unknown) => void;
}): () => Promise<void> {
  const { clock, intervalMs, round, failed } = options;
  let isStopped = false;
  let cancel = (): void => {};
  let running: Promise<void> = Promise.resolve();

  function schedule(): void {
    if (isStopped) return;
    cancel = clock.after(intervalMs, () => {
      running = round(() => isStopped)
        .catch((error: unknown) => {
          if (!isStopped) failed(error);
        })
        .finally(schedule);
    });
  }

  schedule();
  return () => {
    isStopped = true;
    cancel();
    return running;
  };
}
