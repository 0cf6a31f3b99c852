import { releaseProducers } from "./producer-state.ts";
import type { StoredLog } from "./stored-log.ts";

const rebuildRetryMs = 1_000;

/** Asks until it is known; a later question, or a log begun anew, makes this one void. */
export function readProducersAnew(log: StoredLog): void {
  const { wal, rebuildProducers } = log.context;
  const round = (log.rebuildRound += 1);
  rebuildProducers(log).then(
    (state) => {
      if (round !== log.rebuildRound || log.isDropped) return releaseProducers(state);
      log.producers = state;
      log.isRebuilding = false;
    },
    (error: unknown) => {
      if (round !== log.rebuildRound) return;
      if (log.failure !== null || wal.isDead || wal.isClosed || log.isDropped) return;
      wal.log.warn("cannot read a log to its end, trying again", { error: String(error) });
      wal.clock.after(rebuildRetryMs, () => {
        // Cut or begun anew since, it knows its producers, or is finding out.
        if (round === log.rebuildRound) readProducersAnew(log);
      });
    },
  );
}
