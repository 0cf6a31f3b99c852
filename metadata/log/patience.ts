import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { MetadataLogOutput } from "./log-output.ts";

/** A paused process may hold the lock of the file, a table may be throttled: over before long, or never. */
const patienceMs = 60_000;
const pauseMs = 1_000;

/**
 * For a process that starts: one that gave up at once would be started again, and again, and lose what it has read of its disk each time. Does `work` again
 * while the metadata log does not answer, and throws its error after a minute. `work` must bear being done twice.
 */
export async function patiently<Result>(
  { clock, output }: { readonly clock: Clock; readonly output: MetadataLogOutput },
  work: () => Promise<Result>,
): Promise<Result> {
  const deadlineMs = clock.monotonicMs() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isAway = error instanceof MetadataLogError && error.code === "unavailable";
      if (!isAway || clock.monotonicMs() >= deadlineMs) throw error;
      output.warn("the metadata log does not answer; the start waits for it", {
        error: error.message,
      });
    }
    await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
  }
}
