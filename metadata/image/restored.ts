import { limits } from "../limits.ts";
import type { MetadataRecord } from "../records/table.ts";
import { noBrokers, noLeader, noRecoveries } from "../records/partition.ts";
import type { PartitionState } from "../records/partition.ts";
import { applyEntry } from "./apply.ts";
import { createImage } from "./image.ts";
import type { Image } from "./image.ts";
import { isNeverLed } from "./seals.ts";
import { snapshotRecords } from "./snapshot.ts";

// What is read from an object store is old: the cell may have gone on behind it, and handed out revisions, ids and epochs that this image has never seen.
// Each jump is past what a cell hands out between its last archived entry and its end, by far, and small beside the safe integers.

/** Entries are archived every few seconds, a hundred at a time. Broker epochs are revisions, so these jump too. */
export const revisionJump = 2 ** 20;

type Jumps = {
  readonly brokerId: number;
  /** Handed out in blocks of a thousand; a new producer must not meet the sequences of an old one. */
  readonly producerId: number;
  /** Of leaders, of partitions and of controllers: some for each start and each failure. */
  readonly epoch: number;
};

/** What the cell may have gone on for behind the newest that was archived: seconds. */
const jumps: Jumps = { brokerId: 2 ** 10, producerId: 2 ** 20, epoch: 2 ** 10 };
/** Behind an older image: years, with a task for each broker's life and a producer for each function's. */
const jumpsFromPast: Jumps = { brokerId: 2 ** 20, producerId: 2 ** 40, epoch: 2 ** 20 };

export type Restoring = {
  readonly cellId: string;
  readonly createdAtMs: number;
  /** Of the image that comes out of it; the new log's first entry follows it. */
  readonly revision: number;
  /** What that entry names as its predecessor: 32 hexadecimal digits that no other log has. */
  readonly hash: string;
  /** The cell has gone on behind this image: what it has not seen led may have records all the same. */
  readonly isPast: boolean;
  /** What the object store has of partitions, where somebody has looked. */
  readonly stored?: StoredTerms;
};

export type StoredTerms = {
  /** The highest leader epoch that is there of a partition; -1 if nothing is. */
  readonly epochOf: (topicId: string, index: number) => number;
  /** One more than the last partition of a topic that something is there of. */
  readonly partitionCountOf: (topicId: string) => number;
};

/**
 * The image with which a restored cell begins: its clusters, topics and settings, and none of its brokers. Partitions have no leader, their last in-sync
 * sets are lost with those brokers, and so they are recovered from the object store (replication.md C3).
 */
export function restoredImage(image: Image, restoring: Restoring): Image {
  const restored = createImage();
  const { revision, hash } = restoring;
  const records = snapshotRecords(image).flatMap((record) => continued(image, record, restoring));
  applyEntry(restored, { revision, hash, records });
  return restored;
}

function continued(
  image: Image,
  record: MetadataRecord,
  restoring: Restoring,
): readonly MetadataRecord[] {
  const jump = restoring.isPast ? jumpsFromPast : jumps;
  switch (record.kind) {
    case "genesis": {
      const { cellId, createdAtMs } = restoring;
      return [{ ...record, cellId, createdAtMs }];
    }
    case "controller":
      return [{ ...record, brokerId: null, epoch: record.epoch + jump.epoch }];
    case "epochFloor":
      return [{ ...record, epoch: record.epoch + jump.epoch }];
    case "topic": {
      const { topicId } = record;
      const partitions = grown(image, record.partitions, topicId, restoring).map((each) => {
        const floor = restoring.stored?.epochOf(topicId, each.index) ?? -1;
        return leaderless(image, each, { floor, jump, isPast: restoring.isPast });
      });
      return [{ ...record, partitions }];
    }
    case "counters":
      return [
        {
          ...record,
          nextBrokerId: record.nextBrokerId + jump.brokerId,
          nextProducerId: record.nextProducerId + jump.producerId,
          // Ports are where clients look for their clusters: these stay.
        },
      ];
    case "broker":
    case "question":
    // Brokers that had data of a deleted topic are gone, and so is it.
    case "topicPurging":
    // A cell that is restored is to be used; its seals may be older than what was written behind them.
    case "cellSleep":
      return [];
    default:
      return [record];
  }
}

/**
 * With those that the topic has grown by behind this image: the object store has records of them. Made anew some day, in terms below theirs, they could
 * neither claim these nor keep apart from them.
 */
function grown(
  image: Image,
  partitions: readonly PartitionState[],
  topicId: string,
  { stored }: Restoring,
): readonly PartitionState[] {
  const count = stored?.partitionCountOf(topicId) ?? 0;
  // No topic has more than the limit: what has such a name is no partition's.
  if (count <= partitions.length || count > limits.partitionsPerTopic) return partitions;
  const replicas = unseenBroker(image);
  const added = Array.from({ length: count - partitions.length }, (_, position) => ({
    index: partitions.length + position,
    replicas,
    lastIsr: replicas,
    adding: noBrokers,
    removing: noBrokers,
    isr: noBrokers,
    elr: noBrokers,
    leader: noLeader,
    leaderEpoch: 0,
    // Led before, somewhere: the object store is asked.
    partitionEpoch: 1,
    recoveries: noRecoveries,
    sealed: null,
  }));
  return [...partitions, ...added];
}

/** An id of those that are passed over: it stands for a broker that nobody has seen, so that the object store is asked. */
const unseenBroker = ({ nextBrokerId }: Image): readonly number[] => [nextBrokerId];

function leaderless(
  image: Image,
  partition: PartitionState,
  { floor, jump, isPast }: { floor: number; jump: Jumps; isPast: boolean },
): PartitionState {
  const isUnused = partition.replicas.length === 0 || isNeverLed(partition);
  const unseen = unseenBroker(image);
  const placed = !isUnused
    ? partition
    : { ...partition, ...(isPast || floor >= 0 ? { replicas: unseen, lastIsr: unseen } : waiting) };
  return {
    ...placed,
    isr: noBrokers,
    elr: noBrokers,
    leader: noLeader,
    leaderEpoch: Math.max(partition.leaderEpoch, floor) + jump.epoch,
    partitionEpoch: partition.partitionEpoch + jump.epoch,
    sealed: null,
  };
}

/** For the first broker that registers. */
const waiting = { replicas: noBrokers, adding: noBrokers, removing: noBrokers, lastIsr: noBrokers };
