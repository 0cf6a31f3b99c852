import type { Image, Partition, Topic } from "../image/image.ts";
import { membershipChangedRecord, membershipOf } from "../records/membership.ts";
import type { MetadataRecord } from "../records/table.ts";
import { accepted } from "./command.ts";
import type { Accepted } from "./command.ts";

export type PartitionChange = {
  readonly topicId: string;
  readonly before: Partition;
  readonly after: Partition;
};

/** The first of some changes, as many as one entry holds. */
export type FittingChanges = {
  readonly changes: readonly PartitionChange[];
  /** None was left over. */
  readonly areAll: boolean;
};

export const noChanges: FittingChanges = { changes: [], areAll: true };

/**
 * What becomes of the partitions of the cell; `decide` is asked once for each topic, then for its partitions, until an entry is full: with what would not
 * fit it is asked again when the entry is there.
 */
export function changePartitions(
  image: Image,
  decide: (topic: Topic) => (partition: Partition) => Partition,
): FittingChanges {
  const room = createRoom(image);
  const changes: PartitionChange[] = [];
  for (const topic of image.topics.values()) {
    const { topicId } = topic;
    const change = decide(topic);
    for (const before of topic.partitions) {
      const after = change(before);
      if (after === before) continue;
      if (!room.takes({ topicId, before, after })) return { changes, areAll: false };
      changes.push({ topicId, before, after });
    }
  }
  return { changes, areAll: true };
}

export function fitting(image: Image, changes: readonly PartitionChange[]): FittingChanges {
  const room = createRoom(image);
  const count = changes.findIndex((change) => !room.takes(change));
  return count === -1
    ? { changes, areAll: true }
    : { changes: changes.slice(0, count), areAll: false };
}

/** An entry holds 256 KiB; what is estimated here stays well below. */
const budgetBytes = 200_000;
// Compressed, measured on ids, epochs and sets drawn at random: each is at most this.
const bytesPerTopic = 22;
const bytesPerMembership = 3;
const bytesPerPosition = 0.7;
const bytesPerPartition = 12;
const bytesPerBrokerId = 3;
const bytesPerRecovery = 24;
const bytesOfRare = 8;

/** The room of one entry, as changes are put into it one after the other. */
export type Room = {
  /** False from the first on that has none. */
  takes(change: PartitionChange): boolean;
};

export function createRoom(image: Image): Room {
  let bytes = 0;
  const topicIds = new Set<string>();
  return {
    takes(change) {
      topicIds.add(change.topicId);
      bytes += bytesOf(image, change);
      return bytes + topicIds.size * bytesPerTopic <= budgetBytes;
    },
  };
}

function bytesOf(image: Image, change: PartitionChange): number {
  if (knowsMembership(image) && membershipOf(change.before, change.after) !== null) {
    return bytesPerMembership + change.after.replicas.length * bytesPerPosition;
  }
  const { replicas, isr, elr, lastIsr, adding, removing, recoveries, sealed } = change.after;
  const brokerIds =
    replicas.length +
    (isr === replicas ? 0 : isr.length) +
    elr.length +
    (lastIsr === isr ? 0 : lastIsr.length) +
    adding.length +
    removing.length;
  const isRare =
    adding.length > 0 || removing.length > 0 || recoveries.length > 0 || sealed !== null;
  return (
    bytesPerPartition +
    brokerIds * bytesPerBrokerId +
    recoveries.length * bytesPerRecovery +
    (isRare ? bytesOfRare : 0)
  );
}

function knowsMembership({ level }: Image): boolean {
  return level >= membershipChangedRecord.since;
}

/** Changes of one topic share a record, whoever asked for them: half of an entry may be topic ids. Those of members alone have one of their own kind. */
export function recordsOf(image: Image, changes: readonly PartitionChange[]): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  for (const [topicId, ofTopic] of Map.groupBy(changes, (change) => change.topicId)) {
    const { memberships, others } = sorted(image, ofTopic);
    if (memberships.length > 0) {
      records.push({ kind: "membershipChanged", topicId, partitions: memberships });
    }
    if (others.length > 0) records.push({ kind: "partitionsChanged", topicId, partitions: others });
  }
  return records;
}

function sorted(image: Image, changes: readonly PartitionChange[]) {
  const memberships: NonNullable<ReturnType<typeof membershipOf>>[] = [];
  const others: Partition[] = [];
  for (const { before, after } of changes) {
    const membership = knowsMembership(image) ? membershipOf(before, after) : null;
    if (membership === null) others.push(after);
    else memberships.push(membership);
  }
  return { memberships, others };
}

type InEntries<Result> = {
  readonly result: Result;
  /** In the entry of the first of the changes. */
  readonly first?: readonly MetadataRecord[];
  /** In the entry of the last of them. */
  readonly last?: readonly MetadataRecord[];
};

/** One entry where all of it fits, else as many of the changes as fit, and the command is decided again. */
export function inEntries<Result>(
  image: Image,
  { changes, areAll }: FittingChanges,
  { result, first = [], last = [] }: InEntries<Result>,
): Accepted<Result> {
  const records = [...first, ...recordsOf(image, changes)];
  if (areAll) return accepted([...records, ...last], result);
  return { kind: "accepted", records, result, isIncomplete: true };
}
