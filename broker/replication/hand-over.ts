import type { FailedLeadership } from "../../metadata/commands/resign-leaderships.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { Partition } from "./partition.ts";

export type HandOverOptions = {
  readonly brokerId: number;
  readonly image: () => Image;
  /** Partitions held here. */
  readonly partitions: () => Iterable<Partition>;
  /** Ends these leaderships, so that another in-sync replica has them. */
  readonly resign: (leaving: readonly FailedLeadership[]) => void;
};

/**
 * To be called every second or so. A leader whose log takes nothing, most likely because the disk is full, hands over where another replica in sync can go on:
 * no write has failed that would end its term, and its clients would be refused for as long as that lasts. Alone in sync it stays, for what it has can be read.
 */
export function createHandOver(options: HandOverOptions): () => void {
  let refusing = new Set<Partition>();
  return () => {
    const { brokerId, image, partitions, resign } = options;
    const { brokers } = image();
    const isOther = (id: number): boolean => id !== brokerId && brokers.get(id)?.state === "active";
    const still = new Set<Partition>();
    const leaving: FailedLeadership[] = [];
    for (const partition of partitions()) {
      if (!partition.isLeader || !partition.isRefusing) continue;
      const mayLeave = partition.leaderState?.assignment.isr.some(isOther) === true;
      // Once may have been a moment.
      if (!refusing.has(partition) || !mayLeave) {
        still.add(partition);
        continue;
      }
      const { topicId, index, leaderEpoch } = partition;
      leaving.push({ topicId, index, leaderEpoch, isDamaged: false });
    }
    refusing = still;
    if (leaving.length > 0) resign(leaving);
  };
}
