import { noLeader } from "../records/partition.ts";
import type { Image, Partition } from "./image.ts";

// While a partition is sealed nothing is appended to it: everything it has is in the object store, below the seal's end, and any replica that begins
// exactly there may lead (storage.md, "Sleep, wake, drain to nothing"). Only its leader breaks the seal, once its log begins there and enough are in sync.

/** It takes no records, and nobody's replicas are made anew: it is asleep, or about to be. */
export function isSleeping({ sleep }: Image): boolean {
  return sleep.state !== "awake";
}

/** Nobody has ever led it, so nobody has a record of it. */
export function isNeverLed({ leader, partitionEpoch }: Partition): boolean {
  return leader === noLeader && partitionEpoch === 0;
}

/** It needs no broker to keep what it has. */
export function isAtRest(partition: Partition): boolean {
  return partition.sealed !== null || partition.replicas.length === 0 || isNeverLed(partition);
}

/** Whether its leader should bring it to the object store and seal it: the cell falls asleep, or the leader stops and is the last in sync (C5). */
export function isToBeSealed(image: Image, { leader, isr, sealed }: Partition): boolean {
  if (leader === noLeader || sealed !== null) return false;
  if (image.sleep.state === "fallingAsleep") return true;
  return isr.length === 1 && image.brokers.get(leader)?.state === "draining";
}

/** Whether it leads anything, not sealed, that nobody else is in sync with: it stops, or is about to. */
export function holdsLastCopies(image: Image, brokerId: number): boolean {
  for (const { partitions } of image.topics.values()) {
    for (const { leader, isr, sealed } of partitions)
      if (leader === brokerId && isr.length === 1 && sealed === null) return true;
  }
  return false;
}

/** Partitions that a broker leads and should seal: what it takes no records for from now on, and gives to sealPartitions when the object store has it. */
export function sealsDue(image: Image, brokerId: number): { topicId: string; index: number }[] {
  const isAnyDue =
    image.sleep.state === "fallingAsleep" || image.brokers.get(brokerId)?.state === "draining";
  if (!isAnyDue) return [];
  return [...image.topics.values()].flatMap(({ topicId, partitions }) =>
    partitions
      .filter((each) => each.leader === brokerId && isToBeSealed(image, each))
      .map(({ index }) => ({ topicId, index })),
  );
}

/** Whether a leader must refuse records: retriable, for this ends with the cell's sleep, with the leader's own word (breakSeals), or with another leader. */
export function refusesRecords(image: Image, partition: Partition | undefined): boolean {
  if (isSleeping(image)) return true;
  if (partition === undefined) return false;
  // What came behind the seal's end would be gone with the leader's disk.
  const isLast = image.brokers.get(partition.leader)?.ephemeral === true;
  return partition.sealed !== null || (isLast && isToBeSealed(image, partition));
}

/** Where a replica's log stands. */
export type LogPosition = {
  readonly logEndOffset: number;
  /** Of its last record, or of the last term that began in it; -1 if there is none. */
  readonly lastEpoch: number;
};

/**
 * Where the elected leader's log must begin before it leads, whatever it holds now; null if it may lead with what it has. The object store has the leader
 * epochs and the producers below that offset.
 */
export function bootstrapAt({ sealed }: Partition, log: LogPosition): number | null {
  if (sealed === null) return null;
  const { end, epoch } = sealed;
  // A log that ends there in an older term may have left the one that was sealed.
  const isWhole = log.logEndOffset === end && (end === 0 || log.lastEpoch >= epoch);
  return isWhole ? null : end;
}
