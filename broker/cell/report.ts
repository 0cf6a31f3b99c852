import type { PartitionLoad } from "../../metadata/commands/balance-replicas.ts";
import type { ReplicaEnd } from "../../metadata/commands/recovery.ts";
import { leaderlessReplicas } from "../../metadata/commands/recovery.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Partition } from "../replication/partition.ts";
import type { TopicTable } from "../replication/topic-table.ts";
import type { HeartbeatReport } from "./cell-events.ts";

/** What a broker tells the controller of its replicas, beside that it lives. */
export type Reporter = { next(): HeartbeatReport };

export type ReporterOptions = {
  readonly selfId: number;
  readonly clock: Clock;
  readonly image: Image;
  readonly topics: Pick<TopicTable, "local" | "held">;
};

/** Of one report; the rest of them comes with the next ones, for those told of are led soon. */
const maxEnds = 1_000;
const maxLoads = 256;
/** Loads are measured over at least so long. */
const loadsEveryMs = 20_000;

export function createReporter(options: ReporterOptions): Reporter {
  const { clock } = options;
  let last = { atMs: clock.monotonicMs(), bytes: new Map<Partition, Bytes>() };
  let loads: readonly PartitionLoad[] = [];
  let cursor = 0;

  function ends(): ReplicaEnd[] {
    const { image, selfId, topics } = options;
    if (image.leaderlessCount === 0) return [];
    const all = leaderlessReplicas(image, selfId, Infinity);
    if (cursor >= all.length) cursor = 0;
    const told = all.slice(cursor, cursor + maxEnds);
    cursor += told.length;
    const found: ReplicaEnd[] = [];
    for (const { topicId, index } of told) {
      const log = topics.local(topicId)?.partitions[index]?.log;
      // What a former leader sent may still be on its way to the disk: the end is not what it will be.
      if (log === undefined || log.isChanging || log.nextOffset !== log.logEndOffset) continue;
      found.push({
        topicId,
        index,
        lastEpoch: log.leaderEpoch,
        logEndOffset: log.logEndOffset,
        highWatermark: log.highWatermark,
        isDamaged: log.failure !== null,
      });
    }
    return found;
  }

  function measure(): void {
    const nowMs = clock.monotonicMs();
    const seconds = (nowMs - last.atMs) / 1_000;
    if (seconds * 1_000 < loadsEveryMs) return;
    const bytes = new Map<Partition, Bytes>();
    const measured: PartitionLoad[] = [];
    for (const partition of options.topics.held()) {
      const { topicId, index, isLeader, bytesIn, bytesOut } = partition;
      if (!isLeader) continue;
      bytes.set(partition, { bytesIn, bytesOut });
      const before = last.bytes.get(partition);
      if (before === undefined) continue;
      const bytesInPerSecond = (bytesIn - before.bytesIn) / seconds;
      const bytesOutPerSecond = (bytesOut - before.bytesOut) / seconds;
      if (bytesInPerSecond + bytesOutPerSecond === 0) continue;
      measured.push({ topicId, index, bytesInPerSecond, bytesOutPerSecond });
    }
    const weight = (each: PartitionLoad): number => each.bytesInPerSecond + each.bytesOutPerSecond;
    loads = measured.sort((one, other) => weight(other) - weight(one)).slice(0, maxLoads);
    last = { atMs: nowMs, bytes };
  }

  return {
    next() {
      measure();
      return { ends: ends(), loads };
    },
  };
}

type Bytes = { readonly bytesIn: number; readonly bytesOut: number };
