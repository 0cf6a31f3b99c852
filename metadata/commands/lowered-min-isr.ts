import type { Image, Partition, Topic } from "../image/image.ts";
import { minIsrUnder } from "../image/min-isr.ts";
import { noBrokers } from "../records/partition.ts";
import type { MetadataRecord } from "../records/table.ts";
import type { Configs } from "../settings/topic-settings.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { numbered } from "./membership.ts";
import { changePartitions, inEntries, noChanges, recordsOf } from "./partition-changes.ts";
import type { FittingChanges } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

/** Settings that are about to hold. */
export type SettingsAfter = {
  /** By topic id. */
  readonly topics: ReadonlyMap<string, Configs>;
  /** By cluster id. */
  readonly clusters: ReadonlyMap<string, Configs>;
};

/**
 * Records that change settings, with what that does to eligible replicas (I8): where enough members are in sync under a lower min.insync.replicas, the
 * leader goes ahead without those outside, so they are eligible no more. In the same entry; where that cannot hold it all, before it.
 */
export function withEligibility<Result>(
  image: Image,
  { records, result }: { records: readonly MetadataRecord[]; result: Result },
  { after, context }: { after: SettingsAfter; context: Pick<CommandContext, "rules"> },
): Decision<Result, never> {
  const cleared = noLongerEligible(image, after, context);
  if (!cleared.areAll) return inEntries(image, cleared, { result });
  return accepted([...recordsOf(image, cleared.changes), ...records], result);
}

function noLongerEligible(
  image: Image,
  after: SettingsAfter,
  { rules = allRules }: Pick<CommandContext, "rules">,
): FittingChanges {
  if (!rules.clearsElr) return noChanges;
  return changePartitions(image, (topic) => {
    if (!isTouched(topic, after)) return (partition) => partition;
    const { clusterId, topicId } = topic;
    const settings = {
      configs: after.topics.get(topicId) ?? topic.configs,
      clusterDefaults: after.clusters.get(clusterId) ?? image.clusters.get(clusterId)?.defaults,
    };
    return (partition) => {
      if (partition.elr.length === 0) return partition;
      if (partition.isr.length < minIsrUnder(settings, partition)) return partition;
      const cleared: Partition = { ...partition, elr: noBrokers };
      return numbered(partition, cleared, { rules });
    };
  });
}

function isTouched({ topicId, clusterId }: Topic, after: SettingsAfter): boolean {
  return after.topics.has(topicId) || after.clusters.has(clusterId);
}
