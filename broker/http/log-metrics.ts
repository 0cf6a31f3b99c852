import type { LogStatistics } from "../log/log-store.ts";
import type { Metric, MetricSource } from "./metric.ts";

type Row = [
  name: string,
  type: Metric["type"],
  help: string,
  value: (statistics: LogStatistics) => number,
];

/** The WAL and the ring. Kafka has one log per partition and so no counterpart for most of it; where it has one, the name is Kafka's. */
const rows: readonly Row[] = [
  [
    "kafka_server_brokertopicmetrics_bytes_in_total",
    "counter",
    "Bytes appended, with the log's own headers.",
    (log) => log.appendedBytes,
  ],
  [
    "myelin_log_written_bytes_total",
    "counter",
    "Bytes written to WAL files.",
    (log) => log.writtenBytes,
  ],
  ["myelin_log_commits_total", "counter", "Group commits: one write each.", (log) => log.commits],
  [
    "myelin_log_commit_time_ms_total",
    "counter",
    "Time from a commit's write to its completion, summed up.",
    (log) => log.commitMsSum,
  ],
  [
    "myelin_log_commit_time_ms_max",
    "gauge",
    "The longest commit since the start.",
    (log) => log.commitMsMax,
  ],
  ["kafka_log_logflushstats_flushes_total", "counter", "Flushes of the WAL.", (log) => log.flushes],
  [
    "kafka_log_logflushstats_flush_time_ms_total",
    "counter",
    "Time of those flushes, summed up.",
    (log) => log.flushMsSum,
  ],
  [
    "kafka_log_logflushstats_flush_time_ms_max",
    "gauge",
    "The longest flush since the start.",
    (log) => log.flushMsMax,
  ],
  [
    "myelin_log_failed_writes_total",
    "counter",
    "Writes the disk refused.",
    (log) => log.failedWrites,
  ],
  [
    "myelin_log_ring_bytes",
    "gauge",
    "Newest bytes of the log kept in memory.",
    (log) => log.ringBytes,
  ],
  [
    "myelin_log_unwritten_bytes",
    "gauge",
    "Appended and not yet written.",
    (log) => log.unwrittenBytes,
  ],
  [
    "myelin_log_pinned_chunks",
    "gauge",
    "Chunks of the ring that sockets still read from.",
    (log) => log.pinnedChunks,
  ],
  [
    "myelin_log_spares_in_use",
    "gauge",
    "Spare chunks that stand in for pinned ones.",
    (log) => log.sparesInUse,
  ],
  [
    "myelin_log_read_buffer_bytes",
    "gauge",
    "Memory lent to readers for what is no slice of the ring.",
    (log) => log.readBytes,
  ],
  ["myelin_log_files", "gauge", "WAL files with entries.", (log) => log.walFiles],
  ["myelin_log_pooled_files", "gauge", "WAL files ready to be used.", (log) => log.pooledFiles],
  ["kafka_log_size_bytes", "gauge", "Bytes of the log directory.", (log) => log.sizeOnDisk],
  [
    "myelin_log_reclaimed_files_total",
    "counter",
    "WAL files that nothing needed any more.",
    (log) => log.reclaimedFiles,
  ],
  [
    "myelin_log_copied_bytes_total",
    "counter",
    "Bytes moved out of mostly dead files.",
    (log) => log.copiedBytes,
  ],
];

export function logMetrics(statistics: () => LogStatistics): MetricSource {
  return () => {
    const now = statistics();
    return rows.map(([name, type, help, value]) => ({
      name,
      type,
      help,
      samples: [{ value: value(now) }],
    }));
  };
}
