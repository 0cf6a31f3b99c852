import { type DirtyPartitions, makeDirty, nothingUntold } from "./dirty-partitions.ts";
import type { WantedPartition } from "./session-cache.ts";

// The high watermark grows when the last follower has written a batch. Told at once, every batch would cost each follower a second round of question and
// answer; so the next batch brings it along, or it is told a little later. Kafka's followers hear of it after up to `replica.fetch.wait.max.ms`, half a second.

/** How much later consumers see a record on a follower (KIP-392) if nothing follows it. */
export const tellAfterMs = 20;

export const isDue = ({ untold }: DirtyPartitions, wanted: WantedPartition): boolean =>
  untold.due.has(wanted);

/** Calls back once `tellAfterMs` have passed; the result takes that back. */
export type TellLater = (tell: () => void) => () => void;

/** It is at rest, and is to be looked at for its high watermark before long. */
export function putOff(session: DirtyPartitions, wanted: WantedPartition, later: TellLater): void {
  const { untold } = session;
  untold.waiting.add(wanted);
  untold.cancel ??= later(() => {
    untold.cancel = null;
    for (const each of untold.waiting) untold.due.add(each);
    untold.waiting.clear();
    // Wakes the fetch that waits.
    for (const each of untold.due) makeDirty(session, each);
  });
}

/** What is being answered says it. */
export function noteTold(session: DirtyPartitions, answered: readonly WantedPartition[]): void {
  const { waiting, due } = session.untold;
  if (waiting.size === 0 && due.size === 0) return;
  for (const each of answered) nothingUntold(session, each);
}
