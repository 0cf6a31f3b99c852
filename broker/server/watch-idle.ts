import type { ConnectionScope, KafkaConnection } from "./connection.ts";

/**
 * Looks at all connections now and then instead of keeping a timer for each: an idle one is closed somewhat late, and never early, because the
 * time it was last active is known only to the look before. The returned function stops it.
 */
export function watchIdle<Services>(
  scope: ConnectionScope<Services>,
  connections: ReadonlySet<KafkaConnection<Services>>,
): () => void {
  const { clock, limits } = scope;
  const periodMs = Math.max(1, Math.min(limits.maxIdleMs, limits.maxFrameStallMs) / 8);
  let cancel = clock.after(periodMs, look);

  function look(): void {
    const nowMs = clock.monotonicMs();
    const sinceLastLookMs = nowMs - scope.coarseNowMs;
    for (const connection of connections) connection.closeIfIdle(nowMs, sinceLastLookMs);
    scope.coarseNowMs = nowMs;
    cancel = clock.after(periodMs, look);
  }

  return () => cancel();
}
