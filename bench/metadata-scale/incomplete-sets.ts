import { activeIn, partitionOf } from "../../metadata/image/image.ts";
import type { Image, Partition } from "../../metadata/image/image.ts";
import type { SharedRevision } from "./shared-images.ts";

export type PartitionRef = { readonly topicId: string; readonly index: number };

/**
 * What an entry gives leaders to look at: partitions with a replica in service that is not in sync. Found once for all of them; in a cell each leader
 * hears it from its followers.
 */
export type IncompleteSets = {
  after(revision: SharedRevision): ReadonlyMap<number, readonly PartitionRef[]>;
};

export function createIncompleteSets(): IncompleteSets {
  const found = new WeakMap<SharedRevision, Map<number, PartitionRef[]>>();
  return {
    after(revision) {
      const known = found.get(revision) ?? find(revision);
      found.set(revision, known);
      return known;
    },
  };
}

function find({ image, changes }: SharedRevision): Map<number, PartitionRef[]> {
  const byLeader = new Map<number, PartitionRef[]>();
  const look = (topicId: string, index: number): void => {
    const partition = partitionOf(image, topicId, index);
    if (partition === undefined || !isIncomplete(image, partition)) return;
    const refs = byLeader.get(partition.leader) ?? [];
    byLeader.set(partition.leader, refs);
    refs.push({ topicId, index });
  };
  const isWide = changes.some(
    ({ kind }) => kind === "brokerRegistered" || kind === "brokerStateChanged",
  );
  if (isWide) {
    for (const { topicId, partitions } of image.topics.values()) {
      for (const { index } of partitions) look(topicId, index);
    }
    return byLeader;
  }
  for (const change of changes) {
    if (change.kind === "partitionChanged") look(change.topicId, change.index);
  }
  return byLeader;
}

/** A replica that could be in sync is not. */
export function isIncomplete(image: Image, { replicas, isr }: Partition): boolean {
  if (isr.length === replicas.length) return false;
  const isActive = activeIn(image);
  return replicas.some((id) => !isr.includes(id) && isActive(id));
}
