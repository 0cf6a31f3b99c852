import { topicSettingByName } from "../settings/topic-setting-table.ts";
import type { Configs } from "../settings/topic-settings.ts";
import type { Image, Partition, Topic } from "./image.ts";

const settingName = "min.insync.replicas";
const setting = topicSettingByName.get(settingName);

/** A topic's own settings and its cluster's defaults. */
type MinIsrSettings = { readonly configs: Configs; readonly clusterDefaults: Configs | undefined };

/**
 * In-sync members without which nothing is committed, as replication.md I7 has it: min.insync.replicas, or all full replicas where they are fewer.
 * Leaders and commands must agree on it, so both ask here (topic-table.ts keeps it in each partition). The default goes by the partition's own replicas: those of one topic may differ while
 * replicas move, and what one partition does must not change the bound of another.
 */
export function minIsr(image: Image, topic: Topic, partition: Partition): number {
  const clusterDefaults = image.clusters.get(topic.clusterId)?.defaults;
  return minIsrUnder({ configs: topic.configs, clusterDefaults }, partition);
}

/** The same under settings that are only about to hold. */
export function minIsrUnder(settings: MinIsrSettings, partition: Partition): number {
  const fullCount = partition.replicas.length - partition.adding.length;
  const chosen = settings.configs[settingName] ?? settings.clusterDefaults?.[settingName];
  const minInsyncReplicas = Number(
    chosen ?? setting?.defaultFor?.(fullCount) ?? setting?.defaultValue ?? 1,
  );
  return Math.min(minInsyncReplicas, fullCount);
}
