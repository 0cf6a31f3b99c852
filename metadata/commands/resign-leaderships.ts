import type { Image, Partition } from "../image/image.ts";
import { rejected } from "./command.ts";
import type { Decision } from "./command.ts";
import { activeIn } from "./new-partitions.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { countFittingEntry, recordsOf } from "./partition-changes.ts";

/** A leadership that its broker cannot go on with, in the epoch it failed in. */
export type FailedLeadership = {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  /** The replica's log is damaged: it leaves the in-sync set, and does not lead again. */
  readonly isDamaged: boolean;
};

export type ResignLeadershipsRequest = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly failed: readonly FailedLeadership[];
};

/**
 * A leader whose log could not be written resigns (replication.md L2): the term ends, and the next begins at once with another in-sync replica, or
 * with the same one where there is no other. What has been decided meanwhile stands.
 */
export function resignLeaderships(
  image: Image,
  { brokerId, brokerEpoch, failed }: ResignLeadershipsRequest,
): Decision<null, "STALE_BROKER_EPOCH"> {
  if (image.brokers.get(brokerId)?.epoch !== brokerEpoch)
    return rejected("STALE_BROKER_EPOCH", `broker ${brokerId} has registered again since`);
  const changes: PartitionChange[] = [];
  for (const { topicId, index, leaderEpoch, isDamaged } of failed) {
    const partition = image.topics.get(topicId)?.partitions[index];
    if (partition?.leader !== brokerId || partition.leaderEpoch !== leaderEpoch) continue;
    const after = nextTerm(partition, { brokerId, isDamaged, isLive: activeIn(image) });
    changes.push({ topicId, after });
  }
  // Those of one entry are resigned from when the rest is decided.
  const count = countFittingEntry(changes);
  const records = recordsOf(changes.slice(0, count));
  return { kind: "accepted", records, result: null, isIncomplete: count < changes.length };
}

/** In a healthy cell one array in memory serves the sets that are equal. */
function membersOf(isr: readonly number[], elr: readonly number[]): readonly number[] {
  return elr.length === 0 ? isr : [...isr, ...elr];
}

type Resigning = { brokerId: number; isDamaged: boolean; isLive: (brokerId: number) => boolean };

function nextTerm(partition: Partition, { brokerId, isDamaged, isLive }: Resigning): Partition {
  const isr = isDamaged ? partition.isr.filter((id) => id !== brokerId) : partition.isr;
  const mayLead = partition.replicas.filter((id) => isr.includes(id) && isLive(id));
  const leader = mayLead.find((id) => id !== brokerId) ?? mayLead[0] ?? -1;
  return {
    ...partition,
    isr,
    // What an election has to choose from: the members before it (replication.md 1).
    lastIsr: leader === -1 ? partition.lastIsr : membersOf(isr, partition.elr),
    leader,
    leaderEpoch: partition.leaderEpoch + 1,
    partitionEpoch: partition.partitionEpoch + 1,
  };
}
