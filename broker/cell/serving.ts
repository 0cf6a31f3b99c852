import type { CellState, Step } from "./cell-state.ts";
import { isInOffice } from "./cell-state.ts";
import { isLogUnreadable, newestRevision } from "./office.ts";

/**
 * The stale-leader rule (replication.md 4): a broker that knows neither the metadata log nor a controller that has itself read it within the session may
 * have been replaced, and others may have written on. So it answers neither consumers nor acks=1. While nobody can read the log nobody is replaced: what
 * whoever knows all that was read before has is true, only old.
 */
export function judgeServing(state: CellState, step: Step): void {
  const { config, serving } = state;
  const isFresh = step.nowMs - knownAsOf(state) <= config.sessionMs;
  const isForAll = !isFresh && isNobodyReading(state, step);
  const mayServe = isFresh || isForAll || !config.rules.stopsWhenStale;
  const next = {
    reads: mayServe,
    acks1: mayServe && (isFresh || config.servesAcks1WithoutLog),
  };
  if (next.reads === serving.reads && next.acks1 === serving.acks1) return;
  state.serving = next;
  step.effects.push({ type: "serve", ...next });
}

/** The moment up to which this broker is sure to know all that the log says, by its own reading or by hearsay. */
function knownAsOf({ link, logReadMs }: CellState): number {
  return Math.max(logReadMs, link.knownAsOfMs);
}

function isNobodyReading(state: CellState, step: Step): boolean {
  if (isInOffice(state, step.image)) {
    // Its own command, whose outcome it never heard, may have made others leaders.
    const isCaughtUp = step.image.revision >= newestRevision(state, step);
    return isCaughtUp && isLogUnreadable(state, step);
  }
  const { answer } = state.link;
  const isRecent = answer !== null && step.nowMs - answer.sentMs <= state.config.sessionMs;
  if (!isRecent || answer.said.error !== null) return false;
  // What the controller had read before, and this broker has not, may be that it was replaced.
  return answer.said.isLogUnreadable && answer.said.isCaughtUp;
}
