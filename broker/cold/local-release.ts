import type { TopicSettings } from "../../metadata/settings/topic-settings.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LogStore, PinnedFile } from "../log/log-store.ts";
import type { PartitionLog } from "../log/partition-log.ts";
import { notePressed, type Partition } from "../replication/partition.ts";
import type { TopicTable } from "../replication/topic-table.ts";

// What the object store has need not be here too: local.retention.* says for how long it stays all the same, and the disk's budget for how much of it there is
// room (KIP-405).

type LocalSettings = Pick<TopicSettings, "localRetentionMs" | "localRetentionBytes">;

/** Kafka's -2: as the topic's own retention, which lets go of it everywhere. */
const asRetention = -2;

/** Lets go of what the topic's settings do not keep here. */
export async function releaseLocal(
  { log, tieredEnd }: Partition,
  settings: LocalSettings,
  { clock }: { readonly clock: Clock },
): Promise<void> {
  if (tieredEnd <= log.localStartOffset) return;
  const wanted = await unkeptEnd(log, settings, clock);
  // A recovery may have cut the log meanwhile.
  const offset = Math.min(wanted, tieredEnd, log.highWatermark);
  if (offset > log.localStartOffset) await log.releaseLocal(offset);
}

/** Below it the settings keep nothing here; the local start if they keep all. */
export function unkeptEnd(
  log: PartitionLog,
  { localRetentionMs, localRetentionBytes }: LocalSettings,
  clock: Clock,
): Promise<number> {
  const limits = {
    retentionMs: localRetentionMs === asRetention ? -1 : localRetentionMs,
    retentionBytes: localRetentionBytes === asRetention ? -1 : localRetentionBytes,
  };
  return log.retainedFrom(limits, clock.nowMs());
}

/** So many files are looked at in a round. */
const filesAtMost = 8;

/** Lets go of what keeps the oldest files, some more than `overBytes` of them; what of it is in no segment yet is noted as wanted there. */
export async function relieve(
  { store, topics }: { readonly store: LogStore; readonly topics: TopicTable },
  overBytes: number,
): Promise<void> {
  let freed = 0;
  for (const file of await store.oldestFiles(filesAtMost)) {
    if (freed >= overBytes) break;
    freed += file.sizeBytes;
    await letGoOf(topics, file);
  }
}

async function letGoOf(topics: TopicTable, { holds }: PinnedFile): Promise<void> {
  for (const { topicId, index, endOffset } of holds) {
    const partition = topics.local(topicId)?.partitions[index];
    if (partition === undefined || partition.log.failure !== null) continue;
    const { log, tieredEnd } = partition;
    // No more than the file holds: what is newer is read more often.
    const offset = Math.min(endOffset, tieredEnd, log.highWatermark);
    if (offset > log.localStartOffset) await log.releaseLocal(offset);
    // No part of it that may be cut yet: of a log that ends below, the leader would never be done.
    const pressed = Math.min(endOffset, log.highWatermark);
    if (tieredEnd < pressed) notePressed(partition, pressed);
  }
}
