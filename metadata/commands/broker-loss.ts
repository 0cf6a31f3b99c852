import type { Image, Partition, Topic } from "../image/image.ts";
import { noBrokers, noLeader } from "../records/partition.ts";

/** A partition without a leader that waits for a broker, as a member of its in-sync sets or as one who may know most. */
export type AwaitedPartition = {
  readonly topic: Topic;
  readonly partition: Partition;
  /** Other members, whose disks are not lost: one of them may have all that was promised. None: nobody else has. */
  readonly otherMembers: readonly number[];
};

/** What declaring a broker lost gives up: partitions that have a leader lose a copy and nothing else. */
export function awaitedPartitions(image: Image, brokerId: number): AwaitedPartition[] {
  if (image.leaderlessCount === 0) return [];
  const isLost = (id: number) => image.brokers.get(id)?.isLost ?? true;
  const found: AwaitedPartition[] = [];
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const members = awaitedMembers(partition);
      if (!members.includes(brokerId)) continue;
      const otherMembers = members.filter((id) => id !== brokerId && !isLost(id));
      found.push({ topic, partition, otherMembers });
    }
  }
  return found;
}

/** Whose return could give the partition a leader: those in sync and eligible, and where there are none those that were last (replication.md C2b). */
export function awaitedMembers({
  leader,
  isr,
  elr,
  lastIsr,
  sealed,
}: Partition): readonly number[] {
  // A sealed one waits for any broker.
  if (leader !== noLeader || sealed !== null) return noBrokers;
  return [...new Set([...isr, ...elr, ...lastIsr])];
}
