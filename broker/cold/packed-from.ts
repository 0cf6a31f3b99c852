import type { Partition } from "../replication/partition.ts";

/** From where on committed records of the partition are in no pack that counts, and in no segment. */
export const packedFrom = ({ packedEnd, tieredEnd, log }: Partition): number =>
  Math.max(packedEnd, tieredEnd, log.localStartOffset);
