import type {
  ResolvedSetting,
  SettingSource,
  SettingType,
} from "../../metadata/settings/setting.ts";

/** Kafka's ids of where a value comes from (DescribeConfigs, CreateTopics). */
export const configSources: Record<SettingSource, number> = {
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
};

const configTypes: Record<SettingType, number> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
};

/** Kafka's ids of what a configuration belongs to. */
export const resourceTypes = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;

export function configEntry(
  setting: ResolvedSetting,
  show: { synonyms: boolean; documentation: boolean },
) {
  return {
    name: setting.name,
    value: setting.value,
    readOnly: setting.isReadOnly,
    // v0 knows only this.
    isDefault: setting.source === "DEFAULT_CONFIG",
    configSource: configSources[setting.source],
    isSensitive: setting.isSensitive,
    synonyms: show.synonyms
      ? setting.synonyms.map(({ name, value, source }) => ({
          name,
          value,
          source: configSources[source],
        }))
      : [],
    configType: configTypes[setting.type],
    documentation: show.documentation ? setting.doc : null,
  };
}
