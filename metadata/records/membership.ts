import { array, int, MetadataDecodeError, string, struct } from "./field-types.ts";
import type { InferFields } from "./field-types.ts";
import { noBrokers, noLeader } from "./partition.ts";
import type { PartitionState } from "./partition.ts";
import { recordKind } from "./record-kind.ts";

const membershipFields = {
  index: int,
  /** -1: nobody leads. */
  leader: int,
  leaderEpochIncrement: int,
  partitionEpochIncrement: int,
  isr: int,
  elr: int,
  lastIsr: int,
} as const;

/**
 * Who is in sync and who leads, of a partition that keeps its replicas: the leader by its position among them, each set as bits by position, epochs by how
 * much they grow. Elections are nearly all alike in these words, so that a zone's 100,000 are 40 KB where their broker ids are 1.2 MB.
 */
type Membership = InferFields<typeof membershipFields>;

export const membershipChangedRecord = recordKind(
  "membershipChanged",
  28,
  { topicId: string, partitions: array(struct(membershipFields)) },
  { since: 4 },
);

/** Bits of an integer that stay one. Partitions of more replicas, moves counted twice, are written out. */
const maxPositions = 30;

/** Null where the change is more than that, or a set has another order than the replicas. */
export function membershipOf(before: PartitionState, after: PartitionState): Membership | null {
  const { replicas } = before;
  if (replicas.length > maxPositions || !keepsReplicas(before, after)) return null;
  const leader = after.leader === noLeader ? noLeader : replicas.indexOf(after.leader);
  const isr = bitsOf(replicas, after.isr);
  const elr = bitsOf(replicas, after.elr);
  const lastIsr = after.lastIsr === after.isr ? isr : bitsOf(replicas, after.lastIsr);
  const isMisplaced = leader === -1 && after.leader !== noLeader;
  if (isMisplaced || isr === null || elr === null || lastIsr === null) return null;
  return {
    index: after.index,
    leader,
    leaderEpochIncrement: after.leaderEpoch - before.leaderEpoch,
    partitionEpochIncrement: after.partitionEpoch - before.partitionEpoch,
    isr,
    elr,
    lastIsr,
  };
}

function keepsReplicas(before: PartitionState, after: PartitionState): boolean {
  return (
    areEqual(before.replicas, after.replicas) &&
    areEqual(before.adding, after.adding) &&
    areEqual(before.removing, after.removing) &&
    before.recoveries === after.recoveries &&
    before.sealed === after.sealed
  );
}

/** The partition as it is after the change. Sets that are equal are one array. */
export function withMembership(before: PartitionState, membership: Membership): PartitionState {
  const { replicas } = before;
  const { leader } = membership;
  const isr = membersAt(replicas, membership.isr);
  return {
    ...before,
    isr,
    elr: membersAt(replicas, membership.elr),
    lastIsr: membership.lastIsr === membership.isr ? isr : membersAt(replicas, membership.lastIsr),
    leader: leader === noLeader ? noLeader : memberAt(replicas, leader),
    leaderEpoch: before.leaderEpoch + membership.leaderEpochIncrement,
    partitionEpoch: before.partitionEpoch + membership.partitionEpochIncrement,
  };
}

/** Null unless they are among the replicas, in their order. */
function bitsOf(replicas: readonly number[], ids: readonly number[]): number | null {
  if (ids === replicas) return 2 ** replicas.length - 1;
  let bits = 0;
  let position = 0;
  for (const id of ids) {
    while (position < replicas.length && replicas[position] !== id) position++;
    if (position === replicas.length) return null;
    bits |= 1 << position;
    position += 1;
  }
  return bits;
}

function membersAt(replicas: readonly number[], bits: number): readonly number[] {
  if (bits === 0) return noBrokers;
  const all = 2 ** Math.min(replicas.length, maxPositions) - 1;
  if (bits === all) return replicas;
  if (bits < 0 || bits > all) throw misplaced();
  return replicas.filter((_, position) => (bits & (1 << position)) !== 0);
}

function memberAt(replicas: readonly number[], position: number): number {
  const id = replicas[position];
  if (id === undefined) throw misplaced();
  return id;
}

function misplaced(): MetadataDecodeError {
  return new MetadataDecodeError("corrupt", "a record names a replica that the partition lacks");
}

function areEqual(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((id, position) => id === right[position]);
}
