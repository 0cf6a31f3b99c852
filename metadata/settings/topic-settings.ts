import type { Image, Topic } from "../image/image.ts";
import { limits } from "../limits.ts";
import { booleanOf, checkValue, listOf, numberOf } from "./setting.ts";
import { conflictIn, type Conflict } from "./setting-conflicts.ts";
import type { ResolvedSetting, SettingSynonym } from "./setting.ts";
import {
  removedTopicSettings,
  topicSettingByName,
  topicSettingTable,
} from "./topic-setting-table.ts";
import type { TopicSetting } from "./topic-setting-table.ts";

export type Configs = Readonly<Record<string, string>>;

export type CheckedConfigs =
  | { readonly kind: "valid"; readonly configs: Configs }
  | { readonly kind: "invalid"; readonly name: string; readonly message: string };

/**
 * A topic's own settings as they are stored: trimmed, without Kafka's removed ones, checked one by one, and against each other with those its cluster gives
 * it.
 */
export function checkTopicConfigs(given: Configs, clusterDefaults: Configs): CheckedConfigs {
  const configs: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (removedTopicSettings.has(name)) continue;
    const setting = topicSettingByName.get(name);
    if (setting === undefined) {
      return { kind: "invalid", name, message: `Unknown topic config name: ${name.slice(0, 200)}` };
    }
    if (value.length > limits.configValueLength) return tooLong(name, value);
    const checked = checkValue(setting, value);
    if (checked.kind === "invalid") return { ...checked, name };
    configs[name] = checked.value;
  }
  const conflict = conflictOf(configs, clusterDefaults);
  return conflict === null ? { kind: "valid", configs } : { kind: "invalid", ...conflict };
}

/** Without what has no value. Names are the caller's: `fromEntries` keeps even `__proto__` a name, which is refused as an unknown one later. */
export function withoutNulls(configs: Readonly<Record<string, string | null>>): Configs {
  const set = Object.entries(configs).filter((pair): pair is [string, string] => pair[1] !== null);
  return Object.fromEntries(set);
}

export function areEqualConfigs(left: Configs, right: Configs): boolean {
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length && names.every((name) => left[name] === right[name])
  );
}

export function tooLong(name: string, value: string): CheckedConfigs & { kind: "invalid" } {
  return {
    kind: "invalid",
    name,
    message: `Invalid value for configuration ${name}: it has ${value.length} characters; the limit is ${limits.configValueLength}`,
  };
}

/** Where a topic's settings come from, strongest first: its own, its cluster's defaults, the defaults for its replication factor. */
export type TopicSettingLayers = {
  readonly configs: Configs;
  readonly clusterDefaults: Configs;
  readonly replicationFactor: number;
};

const noConfigs: Configs = Object.freeze({});

export function topicSettingLayers(image: Image, topic: Topic): TopicSettingLayers {
  return {
    configs: topic.configs,
    clusterDefaults: clusterDefaultsOf(image, topic.clusterId),
    replicationFactor: replicationFactorOf(topic),
  };
}

export const clusterDefaultsOf = (image: Image, clusterId: string): Configs =>
  image.clusters.get(clusterId)?.defaults ?? noConfigs;

/** Replicas of a topic's partitions; what was asked for while it waits for brokers. */
export function replicationFactorOf(topic: Topic): number {
  const placed = topic.partitions[0]?.replicas.length ?? 0;
  return placed > 0 ? placed : Math.max(1, topic.requestedReplicationFactor);
}

/** The value in force of one setting, and the layers it hides. */
export function resolveTopicSetting(
  setting: TopicSetting,
  layers: TopicSettingLayers,
): ResolvedSetting {
  const synonyms: SettingSynonym[] = [];
  const own = layers.configs[setting.name];
  if (own !== undefined) {
    synonyms.push({ name: setting.name, value: own, source: "TOPIC_CONFIG" });
  }
  const serverName = setting.serverSynonym ?? setting.name;
  const shared = layers.clusterDefaults[serverName];
  if (shared !== undefined && setting.serverSynonym !== null) {
    synonyms.push({ name: serverName, value: shared, source: "DYNAMIC_DEFAULT_BROKER_CONFIG" });
  }
  const fallback: SettingSynonym = {
    name: serverName,
    value: defaultOf(setting, layers.replicationFactor),
    source: "DEFAULT_CONFIG",
  };
  synonyms.push(fallback);
  const { value, source } = synonyms[0] ?? fallback;
  const { name, type, importance, doc } = setting;
  return {
    name,
    value,
    source,
    type,
    importance,
    doc,
    synonyms,
    isReadOnly: false,
    isSensitive: false,
  };
}

/** Every setting of a topic in the order of the table: what DescribeConfigs answers. */
export function resolveTopicSettings(layers: TopicSettingLayers): ResolvedSetting[] {
  return topicSettingTable.map((setting) => resolveTopicSetting(setting, layers));
}

/** The value in force, as text. */
function valueOf(name: string, layers: TopicSettingLayers): string {
  const setting = topicSettingByName.get(name);
  if (setting === undefined) throw new Error(`no topic setting ${name}`);
  const { configs, clusterDefaults, replicationFactor } = layers;
  const { serverSynonym } = setting;
  const shared = serverSynonym === null ? undefined : clusterDefaults[serverSynonym];
  return configs[name] ?? shared ?? defaultOf(setting, replicationFactor);
}

/** What is wrong with a topic's settings together. */
export function conflictOf(configs: Configs, clusterDefaults: Configs): Conflict | null {
  // Of what is compared here no default follows the replication factor.
  const layers = { configs, clusterDefaults, replicationFactor: 1 };
  return conflictIn(
    (name) => valueOf(name, layers),
    (name) => Object.hasOwn(configs, name),
  );
}

/** What is wrong with a cluster's defaults together. A topic's own settings may mend it, but most topics have none. */
export function conflictOfDefaults(clusterDefaults: Configs): Conflict | null {
  const layers = { configs: {}, clusterDefaults, replicationFactor: 1 };
  const isOwn = (name: string): boolean =>
    Object.hasOwn(clusterDefaults, topicSettingByName.get(name)?.serverSynonym ?? name);
  return conflictIn((name) => valueOf(name, layers), isOwn);
}

function defaultOf(setting: TopicSetting, replicationFactor: number): string {
  return setting.defaultFor?.(replicationFactor) ?? setting.defaultValue;
}

/** What the broker honours, typed. "Never" and "no bound" are what Kafka writes: -1, or Number.MAX_SAFE_INTEGER for int64's largest. */
export type TopicSettings = {
  readonly isCompacted: boolean;
  readonly isDeletedByRetention: boolean;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly localRetentionMs: number;
  readonly localRetentionBytes: number;
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly maxMessageBytes: number;
  readonly durability: "replicated" | "fsync";
  readonly compressionType: "uncompressed" | "zstd" | "lz4" | "snappy" | "gzip" | "producer";
  readonly gzipLevel: number;
  readonly zstdLevel: number;
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly isUncleanLeaderElectionEnabled: boolean;
};

/** Not cheap enough for every request: keep the answer until the topic's or its cluster's settings change. */
export function topicSettings(image: Image, topic: Topic): TopicSettings {
  return typedTopicSettings(topicSettingLayers(image, topic));
}

export function typedTopicSettings(layers: TopicSettingLayers): TopicSettings {
  const text = (name: string): string => valueOf(name, layers);
  const number = (name: string) => numberOf(text(name));
  const policies = listOf(text("cleanup.policy"));
  return {
    isCompacted: policies.includes("compact"),
    isDeletedByRetention: policies.includes("delete"),
    retentionMs: number("retention.ms"),
    retentionBytes: number("retention.bytes"),
    localRetentionMs: number("local.retention.ms"),
    localRetentionBytes: number("local.retention.bytes"),
    segmentBytes: number("segment.bytes"),
    segmentMs: number("segment.ms"),
    maxMessageBytes: number("max.message.bytes"),
    durability: text("durability") as TopicSettings["durability"],
    compressionType: text("compression.type") as TopicSettings["compressionType"],
    gzipLevel: number("compression.gzip.level"),
    zstdLevel: number("compression.zstd.level"),
    messageTimestampType: text("message.timestamp.type") as TopicSettings["messageTimestampType"],
    messageTimestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    messageTimestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    deleteRetentionMs: number("delete.retention.ms"),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    maxCompactionLagMs: number("max.compaction.lag.ms"),
    minCleanableDirtyRatio: number("min.cleanable.dirty.ratio"),
    isUncleanLeaderElectionEnabled: booleanOf(text("unclean.leader.election.enable")),
  };
}
