import { targetReplicas } from "../../metadata/commands/replica-moves.ts";
import { partitionsHealth } from "../../metadata/health/partition-health.ts";
import type { Image } from "../../metadata/image/image.ts";

/** What the cell's partitions ask of the number of brokers. */
export type Needs = {
  /** Replicas of the partition that has most: each on a broker of its own. */
  readonly replicaCount: number;
  /** Partitions without a leader, under their minimum or short of a copy: while there are any, nothing is taken away. */
  readonly unhealthyCount: number;
  readonly movingCount: number;
  readonly partitionCount: number;
};

export function needsOf(image: Image): Needs {
  const { counts, movingCount } = partitionsHealth(image);
  let replicaCount = 0;
  for (const { partitions } of image.topics.values()) {
    for (const partition of partitions)
      replicaCount = Math.max(replicaCount, targetReplicas(partition).length);
  }
  return {
    replicaCount,
    unhealthyCount: Math.max(counts.offline, counts.under_min_isr, counts.under_replicated),
    movingCount,
    partitionCount: image.partitionCount,
  };
}
