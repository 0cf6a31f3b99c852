import { limits } from "../limits.ts";
import { brokerSettingByName } from "./broker-settings.ts";
import { checkValue } from "./setting.ts";
import { conflictOfDefaults, tooLong } from "./topic-settings.ts";
import type { CheckedConfigs, Configs } from "./topic-settings.ts";
import { removedTopicSettings, topicSettingByName } from "./topic-setting-table.ts";

/**
 * A cluster's dynamic defaults as they are stored, by server setting name. Names of topic settings are welcome too: people who write
 * `retention.ms` for a topic write it for its cluster.
 */
export function checkClusterDefaults(given: Configs): CheckedConfigs {
  const configs: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (removedTopicSettings.has(name)) continue;
    const serverName = topicSettingByName.get(name)?.serverSynonym ?? name;
    const setting = brokerSettingByName.get(serverName);
    if (setting === undefined) {
      return { kind: "invalid", name, message: `Unknown cluster setting: ${name.slice(0, 200)}` };
    }
    if (!setting.isDynamic) {
      return { kind: "invalid", name, message: `Cannot update ${name} dynamically` };
    }
    if (value.length > limits.configValueLength) return tooLong(name, value);
    const checked = checkValue({ ...setting, name }, value);
    if (checked.kind === "invalid") return { ...checked, name };
    if (Object.hasOwn(configs, serverName)) {
      const message = `${serverName} is given twice, by two of its names`;
      return { kind: "invalid", name, message };
    }
    configs[serverName] = checked.value;
  }
  const conflict = conflictOfDefaults(configs);
  return conflict === null ? { kind: "valid", configs } : { kind: "invalid", ...conflict };
}
