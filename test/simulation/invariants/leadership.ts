import type { PartitionChange } from "../cell/cell-truth.ts";
import type { Checks, Invariant, Observed } from "./invariant.ts";
import { placeOf } from "./invariant.ts";

const oneLeaderPerEpoch: Invariant = {
  name: "I1",
  about: "one leader per leader epoch; epochs only grow, also across a topic's deletion",
  watch: watchLeaders,
};

function watchLeaders({ truth }: Observed): Checks {
  /** Who the metadata log has named, and who has acted, as leader: by partition and epoch. */
  const named = new Map<string, number>();
  const acting = new Map<string, string>();
  /** The highest epoch of a name, over all topics that had it. */
  const epochs = new Map<string, number>();

  function epochsGrow({ topicId, index, before, after }: PartitionChange): string | null {
    const topic = truth.image.topics.get(topicId);
    if (after === null || topic === undefined) return null;
    const name = `${topic.clusterId}/${topic.name}/${index}`;
    const former = epochs.get(name) ?? -1;
    epochs.set(name, Math.max(former, after.leaderEpoch));
    if (before === null) {
      return after.leaderEpoch > former
        ? null
        : `${topic.name} is made again in epoch ${after.leaderEpoch}, had been in ${former}`;
    }
    if (after.partitionEpoch !== before.partitionEpoch + 1) {
      return `partition epoch ${after.partitionEpoch} follows ${before.partitionEpoch}`;
    }
    const isTermOver = before.leader !== after.leader;
    return after.leaderEpoch >= before.leaderEpoch + (isTermOver ? 1 : 0)
      ? null
      : `leader ${after.leader} follows ${before.leader} in epoch ${after.leaderEpoch}`;
  }

  function oneIsNamed({ topicId, index, after }: PartitionChange): string | null {
    if (after === null || after.leader === -1) return null;
    const key = `${topicId}/${index} in ${after.leaderEpoch}`;
    const other = named.get(key);
    named.set(key, after.leader);
    return other === undefined || other === after.leader
      ? null
      : `${other} and ${after.leader} lead ${key}`;
  }

  return {
    entry({ partitions }) {
      for (const change of partitions) {
        const wrong = epochsGrow(change) ?? oneIsNamed(change);
        if (wrong !== null) return `${placeOf(change)}: ${wrong}`;
      }
      return null;
    },
    replica({ broker, replica, before }) {
      if (before !== null && replica.leaderEpoch < before.leaderEpoch) {
        return `its epoch went from ${before.leaderEpoch} to ${replica.leaderEpoch}`;
      }
      if (!replica.isLeader) return null;
      const key = `${replica.topicId}/${replica.index} in ${replica.leaderEpoch}`;
      const self = `broker ${broker.view.brokerId} in epoch ${broker.view.brokerEpoch}`;
      const other = acting.get(key) ?? self;
      acting.set(key, self);
      return other === self ? null : `${other} and ${self} act as leaders of ${key}`;
    },
  };
}

const leaderHoldsCommitted: Invariant = {
  name: "I4",
  about: "an elected leader holds every committed record",
  watch: ({ truth, committed }) => ({
    replica({ replica, before }) {
      const isElected = replica.isLeader && before?.isLeader !== true;
      // Heard of late: others have been elected since, and have gone on.
      const now = truth.partition(replica.topicId, replica.index);
      if (now !== undefined && now.leaderEpoch > replica.leaderEpoch) return null;
      const { end } = committed(replica.topicId, replica.index);
      if (!isElected || replica.logEndOffset >= end) return null;
      return `elected with a log that ends at ${replica.logEndOffset}; ${end} is committed`;
    },
  }),
};

export const leadershipInvariants: readonly Invariant[] = [oneLeaderPerEpoch, leaderHoldsCommitted];
