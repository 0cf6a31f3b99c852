import { DiskError } from "../../ports/disk.ts";
import { startPeriodic } from "../periodic.ts";
import type { BrokerServices } from "../services.ts";
import { LogReadError } from "../log/partition-log.ts";
import { moveLogStartEverywhere } from "../cold/move-log-start.ts";
import { retainedTier, tieredUnits } from "../cold/tier-retention.ts";
import type { Partition } from "./partition.ts";
import type { LocalTopic } from "./topic-table.ts";

/** Not what is sealed: whoever begins at its seal would not know of it, and show again what is gone. */
const isToBeRetained = ({ isLeader, index, log }: Partition, { topic }: LocalTopic): boolean =>
  isLeader && log.failure === null && (topic.partitions[index]?.sealed ?? null) === null;

/** Applies `retention.ms` and `retention.bytes` to the partitions led here, every `intervalMs`, one after the other. The result stops it. */
export function startRetention(
  services: Pick<BrokerServices, "topics" | "clock" | "log" | "tier" | "tierWriter">,
  intervalMs: number,
): () => Promise<void> {
  const { topics, clock, log, tier, tierWriter } = services;
  let isStopped = false;

  async function retain(partition: Partition, topic: LocalTopic) {
    const { log: partitionLog, topicId, index } = partition;
    const start = await retained(partition, topic);
    if (start <= partitionLog.logStartOffset) return;
    if (!(await moveLogStartEverywhere(tierWriter, partition, start))) return;
    log.info("retention moved the log start", {
      topicId,
      partition: index,
      logStartOffset: start,
    });
  }

  /** First what only the object store has, for that is older. */
  async function retained(partition: Partition, { settings }: LocalTopic): Promise<number> {
    const { log: partitionLog } = partition;
    const { logStartOffset, localStartOffset } = partitionLog;
    const nowMs = clock.nowMs();
    if (logStartOffset === localStartOffset) return partitionLog.retainedFrom(settings, nowMs);
    const units = await tieredUnits(tier, partition, partitionLog);
    const at = { logStartOffset, localBytes: partitionLog.sizeBytes, settings, nowMs };
    const { start, isThrough } = retainedTier(units, at);
    // A leader that put its log start, and did not live to tell, has left nothing below it.
    const told = (await tier.manifest(partition))?.logStartOffset ?? 0;
    if (told > start) return Math.min(told, partitionLog.highWatermark);
    // What was let go of here meanwhile is in the store, and none of the units that were judged: the next round has it.
    if (!isThrough || partitionLog.localStartOffset !== localStartOffset) return start;
    const local = await partitionLog.retainedFrom(settings, nowMs);
    return local > localStartOffset ? local : start;
  }

  /** The object store may be away, or the disk not give something, and other partitions have nothing there. */
  async function retainOrSay(partition: Partition, topic: LocalTopic): Promise<void> {
    try {
      await retain(partition, topic);
    } catch (error) {
      if (!(error instanceof LogReadError || error instanceof DiskError)) throw error;
      const { topicId, index } = partition;
      log.warn("retention waits for the object store or the disk", {
        topicId,
        partition: index,
        reason: error.message,
      });
    }
  }

  const stop = startPeriodic({
    clock,
    intervalMs,
    async round() {
      for (const topic of Array.from(topics.all())) {
        if (!topic.settings.isDeletedByRetention) continue;
        for (const partition of topic.partitions) {
          if (isStopped) return;
          if (partition !== undefined && isToBeRetained(partition, topic))
            await retainOrSay(partition, topic);
        }
      }
    },
    failed(error) {
      log.error("applying retention failed; it is tried again", { error: String(error) });
    },
  });
  return () => {
    isStopped = true;
    return stop();
  };
}
