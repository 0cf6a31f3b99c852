import type { Image, Partition } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";

/**
 * Partitions of which this broker may hold what nobody else does, though more brokers should: it alone is in sync, or nobody leads and it is one of those
 * waited for. A partition that is to have one replica was never promised more.
 */
export function onlyCopyCount(image: Image, brokerId: number): number {
  if ((image.brokerLoads.get(brokerId)?.replicaCount ?? 0) === 0) return 0;
  let count = 0;
  for (const { partitions } of image.topics.values()) {
    for (const partition of partitions) if (isOnlyCopy(partition, brokerId)) count += 1;
  }
  return count;
}

function isOnlyCopy({ replicas, isr, elr, lastIsr, leader }: Partition, brokerId: number): boolean {
  if (replicas.length < 2) return false;
  if (leader !== noLeader) return isr.length === 1 && isr[0] === brokerId;
  return isr.includes(brokerId) || elr.includes(brokerId) || lastIsr.includes(brokerId);
}
