import type { Image } from "../image/image.ts";
import { isSleeping } from "../image/seals.ts";
import { brokersWithLoad } from "../placement/broker-load.ts";
import { createPlacement, placePartition } from "../placement/placement.ts";
import type { Placement } from "../placement/placement.ts";
import { noBrokers, noLeader, noRecoveries } from "../records/partition.ts";
import type { PartitionState } from "../records/partition.ts";
import { rejected } from "./command.ts";
import type { Rejection } from "./command.ts";
import type { TopicErrorCode } from "./topic-outcome.ts";

/** Replicas of one partition as an admin wrote them down. */
export type Assignment = { readonly index: number; readonly brokerIds: readonly number[] };

/** Brokers and their load while one request is decided, so that its topics spread like those of many requests. */
export function placementDraft(image: Image): Placement {
  return createPlacement(brokersWithLoad(image));
}

/** The same for partitions that are to be made: in a cell that sleeps they wait for whoever wakes it. */
export function newPartitionsDraft(image: Image): Placement {
  return isSleeping(image) ? createPlacement([]) : placementDraft(image);
}

/**
 * Replicas of new partitions by our own choice. Without an active broker nobody is chosen: the partitions wait, without replicas, for the first
 * that registers (a cell may be asleep, or not have started its brokers yet).
 */
export function chooseReplicas(
  draft: Placement,
  partitionCount: number,
  replicationFactor: number,
): number[][] {
  const isAnyActive = draft.candidates.some((broker) => broker.isActive);
  return Array.from({ length: partitionCount }, () =>
    isAnyActive ? placePartition(draft, replicationFactor) : [],
  );
}

/** An admin's assignment, checked: indexes follow `firstIndex`, each has the same number of different registered brokers. */
export function checkAssignments(
  image: Image,
  assignments: readonly Assignment[],
  firstIndex: number,
): { kind: "valid"; replicas: (readonly number[])[] } | Rejection<TopicErrorCode> {
  if (isSleeping(image)) {
    const message = "the cell sleeps, and its brokers may be others when it wakes: name none";
    return rejected("INVALID_REPLICA_ASSIGNMENT", message, "replicas_assignments");
  }
  const sorted = assignments.toSorted((a, b) => a.index - b.index);
  const factor = sorted[0]?.brokerIds.length ?? 0;
  for (const [position, { index, brokerIds }] of sorted.entries()) {
    const wrong =
      index === firstIndex + position
        ? assignmentProblem(image, brokerIds, factor)
        : `partitions should be a consecutive ${firstIndex}-based integer sequence; found ${index} at position ${position}`;
    if (wrong !== null)
      return rejected("INVALID_REPLICA_ASSIGNMENT", wrong, "replicas_assignments");
  }
  return { kind: "valid", replicas: sorted.map(({ brokerIds }) => [...brokerIds]) };
}

function assignmentProblem(
  image: Image,
  brokerIds: readonly number[],
  factor: number,
): string | null {
  if (brokerIds.length === 0) return "a replica list is empty";
  if (brokerIds.length !== factor) {
    return `inconsistent replication factor: a partition has ${brokerIds.length} replicas, another ${factor}`;
  }
  if (new Set(brokerIds).size !== brokerIds.length) {
    return `replicas ${brokerIds.join(",")} name a broker twice`;
  }
  const unknown = brokerIds.find((id) => !image.brokers.has(id));
  return unknown === undefined ? null : `broker ${unknown} is not registered`;
}

/** A new partition: empty everywhere, so every active replica is in sync, and if none is active they all are. */
export function newPartition(
  partition: { index: number; replicas: readonly number[]; leaderEpoch: number },
  isActive: (brokerId: number) => boolean,
): PartitionState {
  const { index, replicas, leaderEpoch } = partition;
  const active = replicas.filter(isActive);
  const isr = active.length === 0 || active.length === replicas.length ? replicas : active;
  return {
    index,
    replicas,
    adding: noBrokers,
    removing: noBrokers,
    isr,
    elr: noBrokers,
    lastIsr: isr,
    leader: active[0] ?? noLeader,
    leaderEpoch,
    partitionEpoch: 0,
    recoveries: noRecoveries,
    sealed: null,
  };
}

/** Above every epoch a deleted topic of the cluster ever had. */
export function firstLeaderEpoch(image: Image, clusterId: string): number {
  return (image.epochFloors.get(clusterId) ?? -1) + 1;
}
