import type { Image, Partition, Topic } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import { accepted } from "./command.ts";
import type { Accepted } from "./command.ts";

export type PartitionChange = { readonly topicId: string; readonly after: Partition };

/** What becomes of every partition of the cell; `decide` is asked once for each topic, then for its partitions. */
export function changePartitions(
  image: Image,
  decide: (topic: Topic) => (partition: Partition) => Partition,
): PartitionChange[] {
  const changes: PartitionChange[] = [];
  for (const topic of image.topics.values()) {
    const change = decide(topic);
    for (const partition of topic.partitions) {
      const after = change(partition);
      if (after !== partition) changes.push({ topicId: topic.topicId, after });
    }
  }
  return changes;
}

/** An entry holds 256 KiB; what is estimated here stays well below. */
const budgetBytes = 200_000;
// Compressed, measured on ids and epochs drawn at random: each is at most this.
const bytesPerTopic = 22;
const bytesPerPartition = 12;
const bytesPerBrokerId = 3;
const bytesPerRecovery = 24;
const bytesOfRare = 8;

/** How many of the changes, from the first on, one entry of the metadata log holds. */
export function countFittingEntry(changes: readonly PartitionChange[]): number {
  let bytes = 0;
  let topicId: string | null = null;
  for (const [position, change] of changes.entries()) {
    bytes += bytesOf(change.after);
    if (change.topicId !== topicId) bytes += bytesPerTopic;
    if (bytes > budgetBytes) return position;
    topicId = change.topicId;
  }
  return changes.length;
}

function bytesOf(partition: Partition): number {
  const { replicas, isr, elr, lastIsr, adding, removing, recoveries, sealed } = partition;
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

/** Changes of one topic that follow each other share a record. */
export function recordsOf(changes: readonly PartitionChange[]): MetadataRecord[] {
  const records: { topicId: string; partitions: Partition[] }[] = [];
  for (const { topicId, after } of changes) {
    const last = records.at(-1);
    if (last?.topicId === topicId) last.partitions.push(after);
    else records.push({ topicId, partitions: [after] });
  }
  return records.map((record) => ({ kind: "partitionsChanged", ...record }));
}

/**
 * The changes, with `first` in the entry of the first of them and `last` in the entry of the last: one entry where they fit, else as many of them as
 * fit, and the command is decided again.
 */
export function inEntries<Result>(
  changes: readonly PartitionChange[],
  result: Result,
  around: { first?: readonly MetadataRecord[]; last?: readonly MetadataRecord[] } = {},
): Accepted<Result> {
  const { first = [], last = [] } = around;
  const count = countFittingEntry(changes);
  const records = [...first, ...recordsOf(changes.slice(0, count))];
  if (count === changes.length) return accepted([...records, ...last], result);
  return { kind: "accepted", records, result, isIncomplete: true };
}
