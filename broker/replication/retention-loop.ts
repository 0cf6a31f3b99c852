import type { BrokerServices } from "../services.ts";
import type { LocalTopic } from "./topic-table.ts";
import type { Partition } from "./partition.ts";

/** Applies `retention.ms` and `retention.bytes` to the partitions led here, every `intervalMs`, one after the other. The result stops it. */
export function startRetention(services: BrokerServices, intervalMs: number): () => void {
  let isStopped = false;
  let cancel = (): void => {};

  async function round(): Promise<void> {
    for (const topic of [...services.topics.all()]) {
      if (isStopped) return;
      if (topic.settings.isDeletedByRetention) await applyTo(topic);
    }
  }

  async function applyTo(topic: LocalTopic): Promise<void> {
    for (const partition of topic.partitions) {
      if (
        isStopped ||
        partition === undefined ||
        !partition.isLeader ||
        partition.log.failure !== null
      )
        continue;
      await retain(partition, topic);
    }
  }

  async function retain(
    { log, topicId, index }: Partition,
    { settings }: LocalTopic,
  ): Promise<void> {
    const start = await log.retainedFrom(settings, services.clock.nowMs());
    if (start <= log.logStartOffset) return;
    if (await log.moveLogStart(start))
      services.log.info("retention moved the log start", {
        topicId,
        partition: index,
        logStartOffset: start,
      });
  }

  function schedule(): void {
    cancel = services.clock.after(intervalMs, () => {
      void round()
        .catch((error: unknown) =>
          services.log.error("applying retention failed; it is tried again", {
            error: String(error),
          }),
        )
        .finally(() => {
          if (!isStopped) schedule();
        });
    });
  }

  schedule();
  return () => {
    isStopped = true;
    cancel();
  };
}
