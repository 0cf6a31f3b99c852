import { array, int, mapped, nullable, string, struct } from "./field-types.ts";
import type { FieldType } from "./field-types.ts";
import { recordKind } from "./record-kind.ts";

/** The state of one partition (replication.md 1). `leader` -1: none. */
export type PartitionState = {
  readonly index: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly elr: readonly number[];
  readonly lastIsr: readonly number[];
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
};

/** Shared by every partition without eligible leaders: 100,000 empty arrays are 1.6 MB. */
export const noBrokers: readonly number[] = Object.freeze([]);

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
});

/** In a healthy cell the sets are equal, and one array in memory serves all three. */
export const partitionType: FieldType<PartitionState> = mapped(stored, {
  toWire: (partition: PartitionState) => ({
    ...partition,
    isr: sameBrokers(partition.isr, partition.replicas) ? null : partition.isr,
    elr: partition.elr.length === 0 ? null : partition.elr,
    lastIsr: sameBrokers(partition.lastIsr, partition.isr) ? null : partition.lastIsr,
  }),
  fromWire(wire) {
    const isr = wire.isr ?? wire.replicas;
    return { ...wire, isr, elr: wire.elr ?? noBrokers, lastIsr: wire.lastIsr ?? isr };
  },
});

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
