import type { Image, Topic } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import { brokerSettingByName } from "../settings/broker-settings.ts";
import { checkClusterDefaults } from "../settings/cluster-defaults.ts";
import { listOf } from "../settings/setting.ts";
import type { Setting } from "../settings/setting.ts";
import { removedTopicSettings, topicSettingByName } from "../settings/topic-setting-table.ts";
import {
  areEqualConfigs,
  checkTopicConfigs,
  clusterDefaultsOf,
  resolveTopicSetting,
  topicSettingLayers,
  withoutNulls,
} from "../settings/topic-settings.ts";
import type { CheckedConfigs, Configs } from "../settings/topic-settings.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import { withEligibility } from "./lowered-min-isr.ts";
import type { SettingsAfter } from "./lowered-min-isr.ts";
import { checkItemCount, findTopic } from "./topic-outcome.ts";
import type { Outcome, TopicErrorCode } from "./topic-outcome.ts";

/** Whose settings: a topic's, or the defaults of the whole cluster (Kafka's broker resource without a name). */
export type ConfigResource =
  | { readonly kind: "topic"; readonly name: string }
  | { readonly kind: "clusterDefaults" };

export type ConfigOperation = "SET" | "DELETE" | "APPEND" | "SUBTRACT";

export type ConfigChange = {
  readonly name: string;
  readonly operation: ConfigOperation;
  /** Not used by DELETE. */
  readonly value: string | null;
};

export type IncrementalAlterConfigsRequest = {
  readonly clusterId: string;
  readonly resources: readonly {
    readonly resource: ConfigResource;
    readonly changes: readonly ConfigChange[];
  }[];
  readonly isValidateOnly?: boolean;
};

/** Kafka's older AlterConfigs: what is not named goes back to its default. */
export type AlterConfigsRequest = {
  readonly clusterId: string;
  readonly resources: readonly {
    readonly resource: ConfigResource;
    readonly configs: Readonly<Record<string, string | null>>;
  }[];
  readonly isValidateOnly?: boolean;
};

/** The resource's own settings after the change. */
export type AlteredConfigs = { readonly configs: Configs };
export type AlterConfigsDecision = Decision<Outcome<AlteredConfigs>[], TopicErrorCode>;

export function incrementalAlterConfigs(
  image: Image,
  request: IncrementalAlterConfigsRequest,
  context: Pick<CommandContext, "rules"> = {},
): AlterConfigsDecision {
  const alterations = request.resources.map(({ resource, changes }) => ({
    resource,
    alter: (target: Target) => applyChanges(target, changes),
  }));
  return decide(image, { ...request, alterations }, context);
}

export function alterConfigs(
  image: Image,
  request: AlterConfigsRequest,
  context: Pick<CommandContext, "rules"> = {},
): AlterConfigsDecision {
  const alterations = request.resources.map(({ resource, configs }) => ({
    resource,
    // Kafka's AlterConfigs takes null for "back to the default", which here is the same as not naming it.
    alter: (): Altered => ({ kind: "altered", configs: withoutNulls(configs) }),
  }));
  return decide(image, { ...request, alterations }, context);
}

type Altered = { kind: "altered"; configs: Configs } | Rejection<TopicErrorCode>;

/** A resource while it is being altered. */
type Target = {
  readonly configs: Configs;
  settingOf(name: string): Setting | undefined;
  /** The value in force, which APPEND and SUBTRACT start from. */
  valueOf(name: string): string;
  check(configs: Configs): CheckedConfigs;
  record(configs: Configs): MetadataRecord;
};

type Alterations = {
  clusterId: string;
  alterations: readonly { resource: ConfigResource; alter: (target: Target) => Altered }[];
  isValidateOnly?: boolean;
};

function decide(
  image: Image,
  request: Alterations,
  context: Pick<CommandContext, "rules">,
): AlterConfigsDecision {
  const { clusterId, alterations } = request;
  const tooMany = checkItemCount(alterations, "resources");
  if (tooMany !== null) return tooMany;
  const records: MetadataRecord[] = [];
  const named = new Set<string>();
  const outcomes = alterations.map(({ resource, alter }): Outcome<AlteredConfigs> => {
    const id = resource.kind === "topic" ? `topic ${resource.name}` : "cluster";
    if (named.has(id)) {
      return rejected("INVALID_REQUEST", `the request names ${id.slice(0, 260)} twice`);
    }
    named.add(id);
    const target = targetOf(image, clusterId, resource);
    if (target.kind === "rejected") return target;
    const altered = alter(target.target);
    if (altered.kind === "rejected") return altered;
    const checked = target.target.check(altered.configs);
    if (checked.kind === "invalid") {
      return rejected("INVALID_CONFIG", checked.message, `configs/${checked.name}`);
    }
    if (!areEqualConfigs(checked.configs, target.target.configs)) {
      records.push(target.target.record(checked.configs));
    }
    return { kind: "done", configs: checked.configs };
  });
  if (request.isValidateOnly === true) return accepted([], outcomes);
  return withEligibility(
    image,
    { records, result: outcomes },
    { after: afterOf(records), context },
  );
}

function afterOf(records: readonly MetadataRecord[]): SettingsAfter {
  const topics = new Map<string, Configs>();
  const clusters = new Map<string, Configs>();
  for (const record of records) {
    if (record.kind === "topicConfigs") topics.set(record.topicId, record.configs);
    if (record.kind === "clusterDefaults") clusters.set(record.clusterId, record.defaults);
  }
  return { topics, clusters };
}

function targetOf(
  image: Image,
  clusterId: string,
  resource: ConfigResource,
): { kind: "found"; target: Target } | Rejection<TopicErrorCode> {
  if (resource.kind === "topic") {
    const found = findTopic(image, clusterId, resource);
    return found.kind === "rejected"
      ? found
      : { kind: "found", target: topicTarget(image, found.topic) };
  }
  const cluster = image.clusters.get(clusterId);
  if (cluster === undefined) return rejected("INVALID_REQUEST", "the cluster does not exist");
  const { defaults } = cluster;
  const settingOf = (name: string) =>
    brokerSettingByName.get(topicSettingByName.get(name)?.serverSynonym ?? name);
  return {
    kind: "found",
    target: {
      configs: defaults,
      settingOf,
      valueOf: (name) => defaults[name] ?? settingOf(name)?.defaultValue ?? "",
      check: checkClusterDefaults,
      record: (configs) => ({ kind: "clusterDefaults", clusterId, defaults: configs }),
    },
  };
}

function topicTarget(image: Image, topic: Topic): Target {
  return {
    configs: topic.configs,
    settingOf: (name) => topicSettingByName.get(name),
    valueOf(name) {
      const setting = topicSettingByName.get(name);
      if (setting === undefined) return "";
      return resolveTopicSetting(setting, topicSettingLayers(image, topic)).value;
    },
    check: (configs) => checkTopicConfigs(configs, clusterDefaultsOf(image, topic.clusterId)),
    record: (configs) => ({ kind: "topicConfigs", topicId: topic.topicId, configs }),
  };
}

function applyChanges(target: Target, changes: readonly ConfigChange[]): Altered {
  const configs = { ...target.configs };
  const named = new Set<string>();
  for (const change of changes) {
    if (named.has(change.name)) {
      const message = `Error due to duplicate config keys: ${change.name.slice(0, 200)}`;
      return rejected("INVALID_REQUEST", message, `configs/${change.name}`);
    }
    named.add(change.name);
    const wrong = applyChange(target, configs, change);
    if (wrong !== null) return wrong;
  }
  return { kind: "altered", configs };
}

function applyChange(
  target: Target,
  configs: Record<string, string>,
  { name: given, operation, value }: ConfigChange,
): Rejection<TopicErrorCode> | null {
  if (removedTopicSettings.has(given)) return null;
  const field = `configs/${given}`;
  const setting = target.settingOf(given);
  if (setting === undefined) {
    return rejected("INVALID_CONFIG", `Unknown config name: ${given.slice(0, 200)}`, field);
  }
  const { name } = setting;
  if (operation === "DELETE") {
    delete configs[name];
    return null;
  }
  if (value === null) {
    return rejected(
      "INVALID_CONFIG",
      `Null value not supported for ${operation} of ${name}`,
      field,
    );
  }
  if (operation === "SET") {
    configs[name] = value;
    return null;
  }
  if (setting.type !== "LIST") {
    const message = `Can't ${operation} to key ${name} because its type is not LIST.`;
    return rejected("INVALID_CONFIG", message, field);
  }
  const before = listOf(target.valueOf(name));
  const items = listOf(value);
  const after =
    operation === "APPEND" ? [...before, ...items] : before.filter((item) => !items.includes(item));
  configs[name] = listOf(after.join(",")).join(",");
  return null;
}
