import type { WantedPartition } from "./session-cache.ts";

// A follower asks for every partition it has, twice a second, and of most there is nothing to say. Its session looks only at those that are named in the
// request or have something new; the others are at rest until their partition stirs them.

/** What a partition calls, once, when something that a follower could be told has changed. */
export type Restable = { readonly stirs: Set<() => void> };

/** When the session's follower last fetched: of what is at rest it had everything then. */
export type FetchClock = { lastFetchMs: number };

export type DirtyPartitions = {
  /** To be looked at, in the order in which they are served. */
  readonly dirty: Set<WantedPartition>;
  /** All others, each with what ends its rest. */
  readonly atRest: Map<WantedPartition, () => void>;
  readonly clock: FetchClock;
  /** Tells the long poll under way that there is something to look at. */
  onDirty: (() => void) | null;
  readonly untold: UntoldWatermarks;
};

/** What their follower has yet to hear (untold-watermarks.ts). */
export type UntoldWatermarks = {
  /** At rest, but for a high watermark. */
  readonly waiting: Set<WantedPartition>;
  /** They have waited for long enough. */
  readonly due: Set<WantedPartition>;
  cancel: (() => void) | null;
};

export function createDirtyPartitions(
  partitions: Iterable<WantedPartition>,
  nowMs: number,
): DirtyPartitions {
  return {
    dirty: new Set(partitions),
    atRest: new Map(),
    clock: { lastFetchMs: nowMs },
    onDirty: null,
    untold: { waiting: new Set(), due: new Set(), cancel: null },
  };
}

/** Named by a request, or given records: to be looked at, after the others. */
export function makeDirty(session: DirtyPartitions, wanted: WantedPartition): void {
  session.atRest.get(wanted)?.();
  session.dirty.delete(wanted);
  session.dirty.add(wanted);
}

/** All there is to say of it has been said. `onStirred` is called when that ends, before it is looked at again. */
export function rest(
  session: DirtyPartitions,
  wanted: WantedPartition,
  { stirs }: Restable,
  onStirred: () => void,
): void {
  if (!session.dirty.delete(wanted)) return;
  const stir = (): void => {
    stirs.delete(stir);
    session.atRest.delete(wanted);
    session.dirty.add(wanted);
    onStirred();
    session.onDirty?.();
  };
  stirs.add(stir);
  session.atRest.set(wanted, stir);
}

/** No longer asked for. */
export function forgetPartition(session: DirtyPartitions, wanted: WantedPartition): void {
  session.atRest.get(wanted)?.();
  session.dirty.delete(wanted);
  nothingUntold(session, wanted);
}

/** Its follower knows the high watermark, or is not to hear of it any more. */
export function nothingUntold({ untold }: DirtyPartitions, wanted: WantedPartition): void {
  untold.due.delete(wanted);
  if (!untold.waiting.delete(wanted) || untold.waiting.size > 0) return;
  untold.cancel?.();
  untold.cancel = null;
}

/** The session has ended: no partition knows of it any more. */
export function forgetAll(session: DirtyPartitions): void {
  session.onDirty = null;
  for (const stir of session.atRest.values()) stir();
  session.dirty.clear();
  for (const wanted of session.untold.waiting) nothingUntold(session, wanted);
  session.untold.due.clear();
}
