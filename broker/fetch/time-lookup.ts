import type { TimestampedOffset } from "../log/partition-log.ts";
import type { Partition } from "../replication/partition.ts";
import type { Tier } from "../cold/tier.ts";

// ListOffsets by time, over all of a log: first what only the object store has, by its segments' indexes, then what is here. What is let go of here between
// the two looks would be in neither: then both are taken again.

export type TimeSource = {
  readonly partition: Pick<Partition, "topicId" | "index" | "log">;
  readonly tier: Pick<Tier, "findOffsetByTimestamp" | "maxTimestampOffset">;
};

/** The first record below `end` with at least that timestamp; null if there is none. Throws LogReadError. */
export async function offsetByTimestamp(
  { partition, tier }: TimeSource,
  { timestamp, end }: { readonly timestamp: number; readonly end: number },
): Promise<TimestampedOffset | null> {
  const { log } = partition;
  for (;;) {
    const { localStartOffset } = log;
    const found = hasTieredOnly(partition)
      ? await tier.findOffsetByTimestamp(partition, { timestamp, ...tieredOnly(partition, end) })
      : null;
    const first = found ?? (await log.findOffsetByTimestamp(timestamp, end));
    if (found !== null || log.localStartOffset === localStartOffset) return first;
  }
}

/** The record below `end` with the largest timestamp, the first of several; null if there is none. Throws LogReadError. */
export async function maxTimestampAt(
  { partition, tier }: TimeSource,
  end: number,
): Promise<TimestampedOffset | null> {
  const { log } = partition;
  for (;;) {
    const { localStartOffset } = log;
    const cold = hasTieredOnly(partition)
      ? await tier.maxTimestampOffset(partition, tieredOnly(partition, end))
      : null;
    const here = await log.maxTimestampOffset(end);
    if (log.localStartOffset !== localStartOffset) continue;
    if (cold === null || here === null) return cold ?? here;
    return here.timestamp > cold.timestamp ? here : cold;
  }
}

const hasTieredOnly = ({ log }: TimeSource["partition"]): boolean =>
  log.logStartOffset < log.localStartOffset;

const tieredOnly = ({ log }: TimeSource["partition"], end: number) => ({
  fromOffset: log.logStartOffset,
  upToOffset: Math.min(end, log.localStartOffset),
});
