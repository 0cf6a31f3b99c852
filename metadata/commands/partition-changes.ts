import type { Partition } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";

export type PartitionChange = { readonly topicId: string; readonly after: Partition };

/** An entry holds 256 KiB; what is estimated here stays well below. */
const budgetBytes = 200_000;
// Compressed, measured on ids and epochs drawn at random: each is at most this.
const bytesPerTopic = 22;
const bytesPerPartition = 12;
const bytesPerBrokerId = 3;

/** How many of the changes, from the first on, one entry of the metadata log holds. */
export function countFittingEntry(changes: readonly PartitionChange[]): number {
  let bytes = 0;
  let topicId: string | null = null;
  for (const [position, change] of changes.entries()) {
    const { replicas, isr, elr, lastIsr } = change.after;
    const brokerIds =
      replicas.length +
      (isr === replicas ? 0 : isr.length) +
      elr.length +
      (lastIsr === isr ? 0 : lastIsr.length);
    bytes += bytesPerPartition + brokerIds * bytesPerBrokerId;
    if (change.topicId !== topicId) bytes += bytesPerTopic;
    if (bytes > budgetBytes) return position;
    topicId = change.topicId;
  }
  return changes.length;
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
