import { array, int, mapped, nullable, since, string, struct } from "./field-types.ts";
import type { FieldType, InferFields } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

const recoveryType = struct({ epoch: int, end: int, start: int });

/**
 * An election that may have lost records (replication.md C2b, C3): nothing of an older leader epoch counts at or above `end`, and the records of
 * `epoch` begin at `start`, so far above that no offset ever means two records.
 */
export type Recovery = InferFields<{ epoch: typeof int; end: typeof int; start: typeof int }>;

const sealType = struct({ end: int, epoch: int });

/** Everything below `end` is in the object store: any replica that starts exactly there may lead (storage.md, "Sleep"). */
export type Seal = InferFields<{ end: typeof int; epoch: typeof int }>;

/** The state of one partition (replication.md 1). `leader` -1: none. */
export type PartitionState = {
  readonly index: number;
  /** While replicas move: the target in its order, then those that are to go. The first is the preferred leader. */
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
  readonly isr: readonly number[];
  readonly elr: readonly number[];
  readonly lastIsr: readonly number[];
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** In the order of their epochs. */
  readonly recoveries: readonly Recovery[];
  readonly sealed: Seal | null;
};

/** Shared by every partition without eligible leaders: 100,000 empty arrays are 1.6 MB. */
export const noBrokers: readonly number[] = Object.freeze([]);
export const noRecoveries: readonly Recovery[] = Object.freeze([]);
export const noLeader = -1;

const brokerIds = array(int);

const stored = struct({
  index: int,
  leader: int,
  leaderEpoch: int,
  partitionEpoch: int,
  replicas: brokerIds,
  /** null: the same as replicas. */
  isr: nullable(brokerIds),
  /** null: empty. */
  elr: nullable(brokerIds),
  /** null: the same as isr. */
  lastIsr: nullable(brokerIds),
  /** What few partitions have; null: none of it. */
  rare: since(
    2,
    nullable(
      struct({
        adding: brokerIds,
        removing: brokerIds,
        recoveries: array(recoveryType),
        sealed: nullable(sealType),
      }),
    ),
    null,
  ),
});

/** In a healthy cell the sets are equal, and one array in memory serves all three. */
export const partitionType: FieldType<PartitionState> = mapped(stored, {
  toWire(partition: PartitionState) {
    const { replicas, isr, elr, lastIsr, adding, removing, recoveries, sealed } = partition;
    const isRare =
      adding.length > 0 || removing.length > 0 || recoveries.length > 0 || sealed !== null;
    return {
      ...partition,
      isr: sameBrokers(isr, replicas) ? null : isr,
      elr: elr.length === 0 ? null : elr,
      lastIsr: sameBrokers(lastIsr, isr) ? null : lastIsr,
      rare: isRare ? { adding, removing, recoveries, sealed } : null,
    };
  },
  fromWire(wire) {
    const isr = wire.isr ?? wire.replicas;
    const { rare } = wire;
    return {
      index: wire.index,
      replicas: wire.replicas,
      adding: kept(rare?.adding),
      removing: kept(rare?.removing),
      isr,
      elr: wire.elr ?? noBrokers,
      lastIsr: wire.lastIsr ?? isr,
      leader: wire.leader,
      leaderEpoch: wire.leaderEpoch,
      partitionEpoch: wire.partitionEpoch,
      recoveries: rare === null || rare.recoveries.length === 0 ? noRecoveries : rare.recoveries,
      sealed: rare?.sealed ?? null,
    };
  },
});

function kept(ids: readonly number[] | undefined): readonly number[] {
  return ids === undefined || ids.length === 0 ? noBrokers : ids;
}

function sameBrokers(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((id, position) => id === right[position]);
}

/** New partitions of an existing topic; their indexes follow the highest one. */
export const partitionsAddedRecord = recordKind("partitionsAdded", 21, {
  topicId: string,
  partitions: array(partitionType),
});

/** The states of some partitions of one topic after the change, explicitly: replay applies, it never decides. */
export const partitionsChangedRecord = recordKind("partitionsChanged", 22, {
  topicId: string,
  partitions: array(partitionType),
});
