import type { Image, Partition, Topic } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import { rejected } from "./command.ts";
import type { Decision } from "./command.ts";
import { elected, numbered, surroundings, withIsr, withoutMembers } from "./membership.ts";
import type { Surroundings } from "./membership.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { fitting, inEntries } from "./partition-changes.ts";

/** A leadership that its broker cannot go on with, in the epoch it failed in. */
export type FailedLeadership = {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  /** The replica's log is damaged: it leaves ISR and ELR, and does not lead again. */
  readonly isDamaged: boolean;
};

export type ResignLeadershipsRequest = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly failed: readonly FailedLeadership[];
};

/**
 * A leader whose log could not be written resigns (replication.md L2): the term ends, and the next begins at once with another in-sync replica, or
 * with the same one where there is no other. It leaves the in-sync set as well where that has enough without it. What has been decided meanwhile stands.
 */
export function resignLeaderships(
  image: Image,
  { brokerId, brokerEpoch, failed }: ResignLeadershipsRequest,
): Decision<null, "STALE_BROKER_EPOCH"> {
  if (image.brokers.get(brokerId)?.epoch !== brokerEpoch)
    return rejected("STALE_BROKER_EPOCH", `broker ${brokerId} has registered again since`);
  const changes: PartitionChange[] = [];
  const seen = new Set<Partition>();
  for (const { topicId, index, leaderEpoch, isDamaged } of failed) {
    const topic = image.topics.get(topicId);
    const partition = topic?.partitions[index];
    if (topic === undefined || partition === undefined || seen.has(partition)) continue;
    if (partition.leader !== brokerId || partition.leaderEpoch !== leaderEpoch) continue;
    seen.add(partition);
    const after = nextTerm(image, partition, { topic, brokerId, isDamaged });
    const numberedAfter = numbered(partition, after, { isTermEnded: true });
    changes.push({ topicId, before: partition, after: numberedAfter });
  }
  // Those of one entry are resigned from when the rest is decided.
  return inEntries(image, fitting(image, changes), { result: null });
}

/** Who could not write may not be able to for a while (a full disk): where enough are in sync without it they need not wait, and it is back once it has caught up. */
function steppedAside(partition: Partition, brokerId: number, around: Surroundings): Partition {
  const rest = partition.isr.filter((id) => id !== brokerId);
  const isEnough = rest.length >= around.minIsr(partition) && rest.some((id) => around.mayLead(id));
  return isEnough ? withIsr(partition, rest, { around }) : partition;
}

type Resigning = { topic: Topic; brokerId: number; isDamaged: boolean };

function nextTerm(
  image: Image,
  partition: Partition,
  { topic, brokerId, isDamaged }: Resigning,
): Partition {
  const around = surroundings(image, topic);
  const isLeaving = (id: number) => id === brokerId;
  const left = isDamaged
    ? withoutMembers(partition, isLeaving, { around, isUnclean: isLeaving })
    : { ...steppedAside(partition, brokerId, around), leader: noLeader };
  const others = { ...around, mayLead: (id: number) => id !== brokerId && around.mayLead(id) };
  // An eligible replica outside the set would take over without what the set has: rather the same broker again.
  const isOtherInSync = left.isr.some((id) => others.mayLead(id));
  return elected(left, isOtherInSync ? others : around);
}
