import type { Image } from "../image/image.ts";
import { atLeast, between, booleanOf, numberOf } from "./setting.ts";
import type { ResolvedSetting, Setting, SettingSynonym } from "./setting.ts";
import { topicSettingTable } from "./topic-setting-table.ts";
import type { Configs } from "./topic-settings.ts";

/**
 * One server setting. Dynamic ones can be changed for a whole cluster while it runs; the others are what a broker was started with, or fixed.
 */
export type BrokerSetting = Setting & { readonly isDynamic: boolean };

function dynamic(setting: Setting): BrokerSetting {
  return { ...setting, isDynamic: true };
}

function fixed(setting: Setting): BrokerSetting {
  return { ...setting, isDynamic: false };
}

const ownSettings: readonly BrokerSetting[] = [
  dynamic({
    name: "auto.create.topics.enable",
    type: "BOOLEAN",
    defaultValue: "true",
    importance: "HIGH",
    doc: "Whether asking for a topic that does not exist creates it, if the client allows that too.",
  }),
  fixed({
    name: "broker.id",
    type: "INT",
    defaultValue: "-1",
    importance: "HIGH",
    doc: "This broker's id, born with its data directory.",
  }),
  fixed({
    name: "broker.rack",
    type: "STRING",
    defaultValue: "",
    importance: "MEDIUM",
    doc: "The zone this broker runs in.",
  }),
  fixed({
    name: "broker.session.timeout.ms",
    type: "INT",
    defaultValue: "9000",
    importance: "MEDIUM",
    doc: "Silence after which a broker is taken out of service.",
  }),
  fixed({
    name: "connections.max.idle.ms",
    type: "LONG",
    defaultValue: "600000",
    importance: "MEDIUM",
    doc: "A connection without requests for this long is closed.",
  }),
  dynamic({
    name: "default.replication.factor",
    type: "INT",
    defaultValue: "-1",
    importance: "MEDIUM",
    check: (value) => (Number(value) === -1 ? null : between(1, 15)(value)),
    doc: "Replicas of topics created without a number; -1 is three, or as many as there are brokers until there are three.",
  }),
  fixed({
    name: "delete.topic.enable",
    type: "BOOLEAN",
    defaultValue: "true",
    importance: "HIGH",
    doc: "Topics can be deleted.",
  }),
  fixed({
    name: "fetch.max.bytes",
    type: "INT",
    defaultValue: "57671680",
    importance: "MEDIUM",
    doc: "Most bytes one fetch is answered with.",
  }),
  dynamic({
    name: "group.initial.rebalance.delay.ms",
    type: "INT",
    defaultValue: "3000",
    importance: "MEDIUM",
    check: atLeast(0),
    doc: "How long an empty classic group waits for more members before its first rebalance.",
  }),
  dynamic({
    name: "group.max.session.timeout.ms",
    type: "INT",
    defaultValue: "1800000",
    importance: "MEDIUM",
    check: atLeast(1),
    doc: "Longest session timeout a group member may ask for.",
  }),
  dynamic({
    name: "group.max.size",
    type: "INT",
    defaultValue: "2147483647",
    importance: "MEDIUM",
    check: atLeast(1),
    doc: "Most members of one group.",
  }),
  dynamic({
    name: "group.min.session.timeout.ms",
    type: "INT",
    defaultValue: "6000",
    importance: "MEDIUM",
    check: atLeast(1),
    doc: "Shortest session timeout a group member may ask for.",
  }),
  fixed({
    name: "listeners",
    type: "LIST",
    defaultValue: "",
    importance: "HIGH",
    doc: "Where this broker listens.",
  }),
  fixed({
    name: "advertised.listeners",
    type: "LIST",
    defaultValue: "",
    importance: "HIGH",
    doc: "Where clients are told to reach this broker.",
  }),
  fixed({
    name: "log.dirs",
    type: "LIST",
    defaultValue: "",
    importance: "HIGH",
    doc: "This broker's data directory.",
  }),
  fixed({
    name: "log.retention.check.interval.ms",
    type: "LONG",
    defaultValue: "300000",
    importance: "MEDIUM",
    doc: "How often old records are looked for.",
  }),
  fixed({
    name: "log.retention.hours",
    type: "INT",
    defaultValue: "168",
    importance: "HIGH",
    doc: "Kafka's older form of log.retention.ms, shown for tools that read it; set log.retention.ms.",
  }),
  fixed({
    name: "max.incremental.fetch.session.cache.slots",
    type: "INT",
    defaultValue: "1000",
    importance: "MEDIUM",
    doc: "Fetch sessions a broker remembers.",
  }),
  fixed({
    name: "node.id",
    type: "INT",
    defaultValue: "-1",
    importance: "HIGH",
    doc: "The same as broker.id.",
  }),
  dynamic({
    name: "num.partitions",
    type: "INT",
    defaultValue: "1",
    importance: "MEDIUM",
    check: between(1, 10_000),
    doc: "Partitions of topics created without a number.",
  }),
  dynamic({
    name: "offset.metadata.max.bytes",
    type: "INT",
    defaultValue: "4096",
    importance: "HIGH",
    check: atLeast(0),
    doc: "Longest text a consumer may store with a committed offset.",
  }),
  fixed({
    name: "offsets.commit.timeout.ms",
    type: "INT",
    defaultValue: "5000",
    importance: "HIGH",
    doc: "How long a consumer group's request waits until its offsets or assignment are replicated.",
  }),
  dynamic({
    name: "offsets.retention.minutes",
    type: "INT",
    defaultValue: "10080",
    importance: "HIGH",
    check: atLeast(1),
    doc: "How long the offsets of a group without members are kept.",
  }),
  fixed({
    name: "offsets.topic.num.partitions",
    type: "INT",
    defaultValue: "50",
    importance: "HIGH",
    doc: "Partitions of the topic that holds committed offsets.",
  }),
  fixed({
    name: "offsets.topic.replication.factor",
    type: "INT",
    defaultValue: "3",
    importance: "HIGH",
    doc: "Replicas of the topic that holds committed offsets, once there are as many brokers.",
  }),
  fixed({
    name: "producer.id.expiration.ms",
    type: "INT",
    defaultValue: "86400000",
    importance: "LOW",
    doc: "How long a partition remembers an idempotent producer that no longer writes.",
  }),
  fixed({
    name: "replica.lag.time.max.ms",
    type: "LONG",
    defaultValue: "10000",
    importance: "HIGH",
    doc: "A follower that has not caught up for this long leaves the in-sync set.",
  }),
  fixed({
    name: "socket.request.max.bytes",
    type: "INT",
    defaultValue: "104857600",
    importance: "MEDIUM",
    doc: "Largest request a broker reads.",
  }),
  fixed({
    name: "transaction.max.timeout.ms",
    type: "INT",
    defaultValue: "900000",
    importance: "HIGH",
    doc: "Longest transaction timeout a producer may ask for.",
  }),
  fixed({
    name: "transactional.id.expiration.ms",
    type: "INT",
    defaultValue: "604800000",
    importance: "HIGH",
    doc: "How long the state of an unused transactional id is kept.",
  }),
];

/** The cluster-wide defaults of topic settings are server settings too, all of them dynamic. */
const topicDefaults: readonly BrokerSetting[] = topicSettingTable.flatMap((setting) => {
  if (setting.serverSynonym === null) return [];
  const { type, defaultValue, importance, check } = setting;
  const doc = `Default of the topic setting ${setting.name}. ${setting.doc}`;
  const named = { name: setting.serverSynonym, type, defaultValue, importance, doc };
  return [dynamic(check === undefined ? named : { ...named, check })];
});

/** Every server setting in the order of their names. */
export const brokerSettingTable: readonly BrokerSetting[] = [...ownSettings, ...topicDefaults].sort(
  (a, b) => (a.name < b.name ? -1 : 1),
);

export const brokerSettingByName: ReadonlyMap<string, BrokerSetting> = new Map(
  brokerSettingTable.map((setting) => [setting.name, setting]),
);

/** What a broker was started with (`node.id`, `listeners`, ...), by setting name. */
export type StaticSettings = Configs;

/** Every server setting as one cluster sees it: its dynamic defaults, then what the broker was started with, then the defaults. */
export function resolveBrokerSettings(
  image: Image,
  clusterId: string,
  startedWith: StaticSettings = {},
): ResolvedSetting[] {
  const defaults = image.clusters.get(clusterId)?.defaults ?? {};
  return brokerSettingTable.map((setting) => resolve(setting, defaults, startedWith));
}

/** Only what was set for the whole cluster: what Kafka answers for a broker resource without a name. */
export function resolveClusterDefaults(image: Image, clusterId: string): ResolvedSetting[] {
  return resolveBrokerSettings(image, clusterId).filter(
    ({ source }) => source === "DYNAMIC_DEFAULT_BROKER_CONFIG",
  );
}

function resolve(
  setting: BrokerSetting,
  clusterDefaults: Configs,
  startedWith: StaticSettings,
): ResolvedSetting {
  const { name, type, importance, doc } = setting;
  const synonyms: SettingSynonym[] = [];
  const dynamicValue = setting.isDynamic ? clusterDefaults[name] : undefined;
  if (dynamicValue !== undefined) {
    synonyms.push({ name, value: dynamicValue, source: "DYNAMIC_DEFAULT_BROKER_CONFIG" });
  }
  const staticValue = startedWith[name];
  if (staticValue !== undefined) {
    synonyms.push({ name, value: staticValue, source: "STATIC_BROKER_CONFIG" });
  }
  const fallback: SettingSynonym = { name, value: setting.defaultValue, source: "DEFAULT_CONFIG" };
  synonyms.push(fallback);
  const { value, source } = synonyms[0] ?? fallback;
  return {
    name,
    value,
    source,
    type,
    importance,
    doc,
    synonyms,
    isReadOnly: !setting.isDynamic,
    isSensitive: false,
  };
}

/** The server settings brokers and commands honour, typed, as one cluster has them. */
export type BrokerSettings = {
  readonly isAutoCreateTopicsEnabled: boolean;
  readonly numPartitions: number;
  /** -1: as many as there are brokers, up to three. */
  readonly defaultReplicationFactor: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupMaxSize: number;
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionMs: number;
};

export function brokerSettings(
  image: Image,
  clusterId: string,
  startedWith: StaticSettings = {},
): BrokerSettings {
  const defaults = image.clusters.get(clusterId)?.defaults ?? {};
  const text = (name: string): string => {
    const setting = brokerSettingByName.get(name);
    if (setting === undefined) throw new Error(`no server setting ${name}`);
    return defaults[name] ?? startedWith[name] ?? setting.defaultValue;
  };
  return {
    isAutoCreateTopicsEnabled: booleanOf(text("auto.create.topics.enable")),
    numPartitions: numberOf(text("num.partitions")),
    defaultReplicationFactor: numberOf(text("default.replication.factor")),
    groupInitialRebalanceDelayMs: numberOf(text("group.initial.rebalance.delay.ms")),
    groupMinSessionTimeoutMs: numberOf(text("group.min.session.timeout.ms")),
    groupMaxSessionTimeoutMs: numberOf(text("group.max.session.timeout.ms")),
    groupMaxSize: numberOf(text("group.max.size")),
    offsetMetadataMaxBytes: numberOf(text("offset.metadata.max.bytes")),
    offsetsRetentionMs: numberOf(text("offsets.retention.minutes")) * 60_000,
  };
}
