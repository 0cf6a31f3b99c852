import { minIsr } from "../../../metadata/image/min-isr.ts";
import type { Partition } from "../../../metadata/image/image.ts";
import type { PartitionChange } from "../cell/cell-truth.ts";
import type { Invariant, Observed, ReplicaChange } from "./invariant.ts";
import { placeOf } from "./invariant.ts";

const leaderKnowsAll: Invariant = {
  name: "I2",
  about: "while |ISR| >= min ISR, the leader's maximal ISR has every ISR and ELR member of the log",
  watch(observed) {
    const check = ({ topicId, index }: { topicId: string; index: number }): string | null => {
      const state = observed.truth.partition(topicId, index);
      if (state === undefined || state.isr.length < minIsrOf(observed, topicId, state)) return null;
      const leader = observed.brokers.get(state.leader)?.view.replica(topicId, index);
      if (leader?.isLeader !== true || leader.leaderEpoch !== state.leaderEpoch) return null;
      const { maximalIsr } = leader;
      const unknown = [...state.isr, ...state.elr].filter((id) => !maximalIsr.includes(id));
      return unknown.length === 0
        ? null
        : `${placeOf({ topicId, index })}: the leader waits for ${maximalIsr.join()}, not for ${unknown.join()}`;
    };
    return {
      entry: ({ partitions }) => firstWrong(partitions, check),
      replica: ({ replica }) => (replica.isLeader ? check(replica) : null),
    };
  },
};

const membersHoldCommitted: Invariant = {
  name: "I3",
  about: "every running ISR and ELR member holds everything below the committed high watermark",
  watch(observed) {
    const { truth, brokers, committed } = observed;
    const check = ({ topicId, index }: { topicId: string; index: number }): string | null => {
      const state = truth.partition(topicId, index);
      if (state === undefined) return null;
      const { end } = committed(topicId, index);
      for (const id of [...state.isr, ...state.elr]) {
        const member = brokers.get(id)?.view.replica(topicId, index);
        if (member === undefined || member.failure !== null || member.logEndOffset >= end) continue;
        // Elected by a recovery it takes from the object store what it does not have, before it leads.
        const isRestoring = (state.recoveries.at(-1)?.epoch ?? -1) > member.lastEpoch;
        if (isRestoring && observed.coldEnd({ topicId, index }) >= end) continue;
        // The same where it has slept: T7 says that all of it is there.
        if (state.sealed !== null && state.sealed.end >= end) continue;
        return `${placeOf({ topicId, index })}: member ${id} ends at ${member.logEndOffset}; ${end} is committed`;
      }
      return null;
    };
    return {
      entry: ({ partitions }) => firstWrong(partitions, check),
      replica: ({ replica, before }) =>
        before?.highWatermark === replica.highWatermark &&
        before.logEndOffset === replica.logEndOffset
          ? null
          : check(replica),
    };
  },
};

const enoughHoldIt: Invariant = {
  name: "I7",
  about:
    "the high watermark advances only while |ISR| >= min(min.insync.replicas, |replicas - adding|), and only over what every member has written",
  watch(observed) {
    return {
      replica: (change) => (hasAdvanced(change) ? enoughHold(observed, change) : null),
    };
  },
};

/** Within a term: what a new leader takes over was advanced by another. */
function hasAdvanced({ replica, before }: ReplicaChange): boolean {
  return (
    replica.isLeader &&
    before?.isLeader === true &&
    before.leaderEpoch === replica.leaderEpoch &&
    replica.highWatermark > before.highWatermark
  );
}

function enoughHold(observed: Observed, { broker, replica }: ReplicaChange): string | null {
  const { topicId, index, highWatermark, isr, maximalIsr } = replica;
  const state = observed.truth.partition(topicId, index);
  if (state === undefined) return null;
  const least = minIsrOf(observed, topicId, state);
  // Truth may be ahead of the leader: it is what the leader goes by that must suffice.
  if (isr.length < least)
    return `advances to ${highWatermark} with ${isr.length} of ${least} in sync`;
  for (const id of maximalIsr) {
    const view = observed.brokers.get(id)?.view;
    // A life that the leader has not heard of yet: what the former one had written counted when it said so.
    if (view?.brokerEpoch !== broker.view.image.brokers.get(id)?.epoch) continue;
    const member = view?.replica(topicId, index);
    if (member === undefined || member.failure !== null) continue;
    if (member.logEndOffset < highWatermark) {
      return `advances to ${highWatermark}; member ${id} has written up to ${member.logEndOffset}`;
    }
  }
  return null;
}

const eligibleOnlyBelowMin: Invariant = {
  name: "I8",
  about:
    "ELR is non-empty only while |ISR| < min ISR; ISR and ELR are disjoint, and of the replicas",
  watch: (observed) => ({
    entry: ({ partitions }) =>
      firstWrong(partitions, ({ topicId, index, after }) => {
        const wrong = after === null ? null : wrongSets(observed, topicId, after);
        return wrong === null ? null : `${placeOf({ topicId, index })}: ${wrong}`;
      }),
  }),
};

function wrongSets(observed: Observed, topicId: string, state: Partition): string | null {
  const { replicas, isr, elr, leader } = state;
  const least = minIsrOf(observed, topicId, state);
  if (elr.length > 0 && isr.length >= least) {
    return `${isr.length} of ${least} are in sync, and ${elr.join()} eligible besides`;
  }
  const twice = isr.filter((id) => elr.includes(id));
  if (twice.length > 0) return `${twice.join()} is in sync and eligible besides`;
  const strange = [...isr, ...elr].filter((id) => !replicas.includes(id));
  if (strange.length > 0) return `${strange.join()} is in sync and no replica`;
  return leader === -1 || isr.includes(leader) ? null : `leader ${leader} is not in sync`;
}

function minIsrOf({ truth }: Observed, topicId: string, state: Partition): number {
  const topic = truth.image.topics.get(topicId);
  return topic === undefined ? 1 : minIsr(truth.image, topic, state);
}

function firstWrong<Each extends PartitionChange>(
  partitions: readonly Each[],
  check: (change: Each) => string | null,
): string | null {
  for (const change of partitions) {
    const wrong = check(change);
    if (wrong !== null) return wrong;
  }
  return null;
}

export const inSyncInvariants: readonly Invariant[] = [
  leaderKnowsAll,
  membersHoldCommitted,
  enoughHoldIt,
  eligibleOnlyBelowMin,
];
