import type { Image, Partition } from "../image/image.ts";
import { noBrokers, noLeader } from "../records/partition.ts";
import type { Rules } from "./rules.ts";

/** Where a replica's log ends: heartbeats and registrations say it of partitions without a leader (replication.md C2b). */
export type ReplicaEnd = {
  readonly topicId: string;
  readonly index: number;
  /** -1 for an empty log. */
  readonly lastEpoch: number;
  readonly logEndOffset: number;
  /** What of it is known to be what everybody else was shown. */
  readonly highWatermark: number;
  /** Its records cannot be read: it is heard, and not elected. */
  readonly isDamaged?: boolean;
};

/** How far the object store reaches, manifest and packs together, found while the partition had no leader. */
export type TierEnd = {
  readonly end: number;
  /** The highest leader epoch of anything there; -1 if there is nothing. */
  readonly lastEpoch: number;
  /**
   * Of the partition when the store was asked. What was led since may reach further; and who was cut off while it led goes on putting there what it has, until
   * it is lost.
   */
  readonly partitionEpoch: number;
};

/** Null where the store has not been asked yet. A cell without an object store for its records gives no such function. */
export type TierLookup = (topicId: string, index: number) => TierEnd | null;

/**
 * Whether a recovered leader must drop its log and begin where the object store ends (replication.md L1, F5): that reaches further, or into a later term,
 * which may have given this log's last offsets to other records.
 */
export function isBehindTier(
  log: { readonly logEndOffset: number; readonly lastEpoch: number },
  tier: { readonly end: number; readonly lastEpoch: number },
): boolean {
  return tier.end > log.logEndOffset || tier.lastEpoch > log.lastEpoch;
}

/** Metadata level that can write recoveries, moves and lost brokers. */
export const levelOfMoves = 2;

/** Further than any partition's records reach between two recoveries, and 8,000 recoveries below the largest exact number. */
const gap = 2 ** 40;

/** A log's end, or any offset up to it, as the partition's earlier recoveries leave it: what an older leader epoch wrote above a recovery's `end` counts no more. */
export function countedEnd(partition: Partition, lastEpoch: number, offset: number): number {
  let end = offset;
  for (const recovery of partition.recoveries) {
    if (lastEpoch < recovery.epoch) end = Math.min(end, recovery.end);
  }
  return end;
}

/**
 * `leader` leads, alone in sync, from an offset above every one that was ever handed out (C2b, C3). Null where the offsets are used up: no number above
 * would be exact.
 */
export function recovered(
  partition: Partition,
  { leader, end, rules }: { leader: number; end: number; rules: Rules },
): Partition | null {
  const highest = partition.recoveries.reduce((most, { start }) => Math.max(most, start), end);
  const start = rules.leavesGap ? highest + gap : end;
  if (start + gap > Number.MAX_SAFE_INTEGER) return null;
  const self = partition.replicas.length === 1 ? partition.replicas : [leader];
  return {
    ...partition,
    leader,
    isr: self,
    elr: noBrokers,
    lastIsr: self,
    // `numbered` gives this change the next epoch, for it ends a time without a leader.
    recoveries: [...partition.recoveries, { epoch: partition.leaderEpoch + 1, end, start }],
    sealed: null,
  };
}

/** Partitions without a leader of which the broker holds a replica: what its heartbeats tell the ends of. */
export function leaderlessReplicas(
  image: Image,
  brokerId: number,
  limit: number,
): { topicId: string; index: number }[] {
  if (image.leaderlessCount === 0) return [];
  const found: { topicId: string; index: number }[] = [];
  for (const { topicId, partitions } of image.topics.values()) {
    for (const { index, leader, replicas } of partitions) {
      if (leader !== noLeader || !replicas.includes(brokerId)) continue;
      found.push({ topicId, index });
      if (found.length >= limit) return found;
    }
  }
  return found;
}
