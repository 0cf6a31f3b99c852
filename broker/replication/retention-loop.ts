import { startPeriodic } from "../periodic.ts";
import type { BrokerServices } from "../services.ts";
import { moveLogStart, type Partition } from "./partition.ts";
import type { LocalTopic } from "./topic-table.ts";

/** Applies `retention.ms` and `retention.bytes` to the partitions led here, every `intervalMs`, one after the other. The result stops it. */
export function startRetention(
  services: Pick<BrokerServices, "topics" | "clock" | "log">,
  intervalMs: number,
): () => Promise<void> {
  const { topics, clock, log } = services;
  let isStopped = false;

  async function retain(partition: Partition, topic: LocalTopic) {
    const { log: partitionLog, topicId, index } = partition;
    const start = await partitionLog.retainedFrom(topic.settings, clock.nowMs());
    if (start <= partitionLog.logStartOffset || !(await moveLogStart(partition, start))) return;
    log.info("retention moved the log start", {
      topicId,
      partition: index,
      logStartOffset: start,
    });
  }

  const stop = startPeriodic({
    clock,
    intervalMs,
    async round() {
      for (const topic of Array.from(topics.all())) {
        if (!topic.settings.isDeletedByRetention) continue;
        for (const partition of topic.partitions) {
          if (isStopped) return;
          if (partition?.isLeader === true && partition.log.failure === null)
            await retain(partition, topic);
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
