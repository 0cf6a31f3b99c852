import { noLeader } from "../records/partition.ts";
import type { Partition } from "./image.ts";
import type { MutableImage } from "./mutable-image.ts";

// Derived from the partitions as they change, so that placing a topic need not look at every other.

export function countPartition(image: MutableImage, partition: Partition, sign: 1 | -1): void {
  for (const brokerId of partition.replicas) add(image, brokerId, { replicaCount: sign });
  if (partition.sealed !== null) image.sealedCount += sign;
  if (partition.leader === noLeader) image.leaderlessCount += sign;
  else add(image, partition.leader, { leaderCount: sign });
}

/** Most changes move a leader or an epoch and leave the replicas alone. */
export function recountPartition(image: MutableImage, before: Partition, after: Partition): void {
  const isSealedAlike = (before.sealed === null) === (after.sealed === null);
  const isPlacedAlike = before.leader === after.leader && before.replicas === after.replicas;
  if (isPlacedAlike && isSealedAlike) return;
  countPartition(image, before, -1);
  countPartition(image, after, 1);
}

function add(
  image: MutableImage,
  brokerId: number,
  { replicaCount = 0, leaderCount = 0 }: { replicaCount?: number; leaderCount?: number },
): void {
  let load = image.brokerLoads.get(brokerId);
  if (load === undefined) {
    load = { replicaCount: 0, leaderCount: 0 };
    image.brokerLoads.set(brokerId, load);
  }
  load.replicaCount += replicaCount;
  load.leaderCount += leaderCount;
  if (load.replicaCount === 0 && load.leaderCount === 0) image.brokerLoads.delete(brokerId);
}
