import type { TopicTable } from "../replication/topic-table.ts";
import type { MetricSource } from "./metric.ts";

/** Kafka: kafka.server ReplicaManager and kafka.controller KafkaController. */
export function partitionMetrics(topics: TopicTable): MetricSource {
  return () => {
    let partitionCount = 0;
    let leaderCount = 0;
    let offlineCount = 0;
    let parkedFetches = 0;
    let underReplicatedCount = 0;
    let underMinIsrCount = 0;
    for (const { partitions } of topics.all()) {
      for (const partition of partitions) {
        if (partition === undefined) continue;
        partitionCount++;
        if (partition.isLeader) leaderCount++;
        // A leader alone with all of its replicas keeps no state of followers.
        const isr = partition.leaderState?.assignment.isr.length;
        const replicas = partition.leaderState?.assignment.replicas.length;
        if (isr !== undefined && replicas !== undefined && isr < replicas) underReplicatedCount++;
        if (isr !== undefined && isr < partition.minIsr) underMinIsrCount++;
        if (partition.log.failure !== null) offlineCount++;
        parkedFetches += partition.watchers.size;
      }
    }
    const gauge = (name: string, help: string, value: number) =>
      ({ name, help, type: "gauge", samples: [{ value }] }) as const;
    return [
      gauge(
        "kafka_server_replicamanager_partition_count",
        "Replicas on this broker.",
        partitionCount,
      ),
      gauge("kafka_server_replicamanager_leader_count", "Partitions led here.", leaderCount),
      gauge(
        "kafka_server_replicamanager_under_replicated_partitions",
        "Partitions led here that lack a replica in sync.",
        underReplicatedCount,
      ),
      gauge(
        "kafka_server_replicamanager_under_min_isr_partition_count",
        "Partitions led here that have too few in sync for acks=all.",
        underMinIsrCount,
      ),
      gauge(
        "kafka_server_replicamanager_offline_replica_count",
        "Replicas taken offline because their log is damaged.",
        offlineCount,
      ),
      gauge(
        "myelin_fetch_parked_partitions",
        "Partitions that parked fetches wait for.",
        parkedFetches,
      ),
    ];
  };
}
