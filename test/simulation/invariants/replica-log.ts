import type { ReplicaView } from "../cell/replica-view.ts";
import type { Checks, Invariant, Observed, ReplicaNumbers, WatchedBroker } from "./invariant.ts";

const sameBytes: Invariant = {
  name: "I5",
  about: "below the smaller of two replicas' high watermarks their logs are byte-identical",
  watch: ({ committed }) => ({
    replica({ replica, before }) {
      const from = before?.highWatermark ?? replica.logStartOffset;
      const to = replica.highWatermark;
      if (to <= from) return null;
      return committed(replica.topicId, replica.index).advance(replica, from, to);
    },
  }),
};

const watermarkGrows: Invariant = {
  name: "I6",
  about:
    "a high watermark never moves back in a life, except in a recovery, and is never above the log end",
  watch: ({ truth }) => ({
    replica({ replica, before }) {
      const { logStartOffset, highWatermark, logEndOffset, nextOffset } = replica;
      if (highWatermark > logEndOffset) return `${highWatermark} is above the end, ${logEndOffset}`;
      if (logEndOffset > nextOffset) return `${logEndOffset} is above ${nextOffset}, the next`;
      if (before === null) return null;
      const isBack = highWatermark < before.highWatermark;
      if (isBack && !isGivenUp(truth, { replica, before })) {
        return `the high watermark went from ${before.highWatermark} to ${highWatermark}`;
      }
      return logStartOffset < before.logStartOffset
        ? `the log start went from ${before.logStartOffset} to ${logStartOffset}`
        : null;
    },
  }),
};

/** Of what it held, some may have been given up: it has yet to follow a recovery, or has just done so. */
function isGivenUp(
  truth: Observed["truth"],
  { replica, before }: { replica: ReplicaView; before: ReplicaNumbers },
): boolean {
  const recoveries = truth.partition(replica.topicId, replica.index)?.recoveries ?? [];
  return recoveries.some(({ epoch }) => epoch > before.lastEpoch);
}

const nothingCommittedIsCut: Invariant = {
  name: "I9",
  about: "nothing below a replica's own high watermark is truncated, except in a recovery",
  watch: ({ truth }) => ({
    replica({ replica, before }) {
      if (before === null || replica.nextOffset >= before.highWatermark) return null;
      if (isGivenUp(truth, { replica, before })) return null;
      return `cut to ${replica.nextOffset}, its high watermark was ${before.highWatermark}`;
    },
  }),
};

const whatWasWrittenIsThere: Invariant = {
  name: "I10",
  about:
    "what a replica had written is there in its next life: all of it if the host lived, what was flushed if not; where others went on without it, what is committed",
  watch: watchLives,
};

type Left = ReplicaNumbers & {
  readonly bootNumber: number;
  /** Its topic was one that flushes all through that life. */
  readonly isFlushed: boolean;
};

function watchLives({ truth, committed }: Observed): Checks {
  /** By broker and partition: a directory that starts anew does so under another id. */
  const left = new Map<string, Left>();
  /** Replicas that were seen not to be flushed in the life they are in. */
  const unflushed = new Set<string>();
  const keyOf = ({ view }: WatchedBroker, { topicId, index }: ReplicaView): string =>
    `${view.brokerId}: ${topicId}/${index}`;
  return {
    entry({ partitions }) {
      // A replica that was moved away begins anew should it come back.
      for (const { topicId, index, before, after } of partitions) {
        for (const id of before?.replicas ?? []) {
          if (after?.replicas.includes(id) !== true) left.delete(`${id}: ${topicId}/${index}`);
        }
      }
      return null;
    },
    ended(broker, replicas) {
      for (const [replica, numbers] of replicas) {
        const key = keyOf(broker, replica);
        const isFlushed = !unflushed.delete(key);
        // What it held was being given up, and what takes its place has not been written.
        if (replica.failure !== null || replica.isChanging) continue;
        left.set(key, { ...numbers, bootNumber: broker.bootNumber, isFlushed });
      }
    },
    replica({ broker, replica, before }) {
      const key = keyOf(broker, replica);
      if (replica.durability !== "fsync") unflushed.add(key);
      if (before !== null) return null;
      const last = left.get(key);
      left.delete(key);
      if (last === undefined) return null;
      const { topicId, index } = replica;
      if (last.bootNumber !== broker.bootNumber && !last.isFlushed) return null;
      const state = truth.partition(topicId, index);
      // It follows before it serves: what its leader never had is cut by then.
      const mayBeCut = (state?.replicas.length ?? 1) > 1;
      const expected = mayBeCut
        ? Math.min(last.logEndOffset, committed(topicId, index).end)
        : last.logEndOffset;
      if (replica.logEndOffset >= expected) return null;
      if (state?.recoveries.some(({ epoch }) => epoch > last.lastEpoch) === true) return null;
      return `ends at ${replica.logEndOffset} after a restart; ${expected} of what was written before counts`;
    },
  };
}

export const replicaLogInvariants: readonly Invariant[] = [
  sameBytes,
  watermarkGrows,
  nothingCommittedIsCut,
  whatWasWrittenIsThere,
];
