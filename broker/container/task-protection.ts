import { onlyCopyCount } from "../../metadata/health/only-copies.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";

export type TaskProtection = {
  readonly image: Image;
  readonly brokerId: number;
  readonly clock: Clock;
  readonly log: LogOutput;
  /** Asks ECS to spare this task for so many minutes; null: no longer. May throw: it is asked again. */
  readonly protect: (minutes: number | null) => Promise<void>;
};

/** A loss of a copy is noticed so soon; ECS takes longer to decide on a stop. */
const lookEveryMs = 5_000;
/** Should this process end without a word, ECS may stop the task after so long. */
const protectionMinutes = 60;
/** Well before it is over, and before the ten minutes are to which the reconcile function shortens it where it has a neighbour stopped. */
const renewAfterMs = 5 * 60_000;

/**
 * Keeps ECS from ending this task in deployments and when it scales in, for as long as the broker alone holds what others should hold too: with the task goes
 * its disk. A stop that has begun is not held up by it (replication.md C5 bounds that one). The result stops it, and gives the task free.
 */
export function startTaskProtection(protection: TaskProtection): () => Promise<void> {
  const { image, brokerId, clock, log, protect } = protection;
  let protectedAtMs: number | null = null;

  async function round(): Promise<void> {
    const count = onlyCopyCount(image, brokerId);
    const nowMs = clock.monotonicMs();
    if (count === 0) return release();
    if (protectedAtMs !== null && nowMs - protectedAtMs < renewAfterMs) return;
    await protect(protectionMinutes);
    if (protectedAtMs === null) {
      const message = "this task is protected from being stopped: what it holds nobody else does";
      log.warn(message, { partitions: count });
    }
    protectedAtMs = nowMs;
  }

  async function release(): Promise<void> {
    if (protectedAtMs === null) return;
    await protect(null);
    protectedAtMs = null;
    log.info("this task may be stopped again: others hold all that it does");
  }

  const stop = startPeriodic({
    clock,
    intervalMs: lookEveryMs,
    round,
    failed: (error) =>
      log.warn("ECS was not told whether it may stop this task; it is told again", {
        error: String(error),
      }),
  });
  return async () => {
    await stop();
    await release().catch((error: unknown) => {
      log.warn("the task's protection runs out by itself", { error: String(error) });
    });
  };
}
