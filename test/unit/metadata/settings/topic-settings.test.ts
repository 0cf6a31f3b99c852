import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { checkClusterDefaults } from "../../../../metadata/settings/cluster-defaults.ts";
import {
  topicSettingByName,
  topicSettingTable,
} from "../../../../metadata/settings/topic-setting-table.ts";
import {
  checkTopicConfigs,
  resolveTopicSetting,
  resolveTopicSettings,
  typedTopicSettings,
} from "../../../../metadata/settings/topic-settings.ts";

const kafkaFile = fileURLToPath(
  new URL("../../../../../shared/kafka-protocol/topic-configs.json", import.meta.url),
);
const isKafkaFilePresent = existsSync(kafkaFile);
if (!isKafkaFilePresent) {
  process.stderr.write(`topic settings are not compared with Kafka's: ${kafkaFile} is absent\n`);
}

type KafkaConfig = { name: string; type: string; default: string; serverSynonym: string | null };

function kafkaConfigs(): KafkaConfig[] {
  const file = JSON.parse(readFileSync(kafkaFile, "utf8")) as { topicConfigs: KafkaConfig[] };
  return file.topicConfigs;
}

describe("the table of topic settings", () => {
  test.skipIf(!isKafkaFilePresent)("holds all of Kafka's with type, default and synonym", () => {
    const ours = topicSettingTable.filter(({ name }) => name !== "durability");
    expect(
      ours.map(({ name, type, defaultValue, serverSynonym }) => ({
        name,
        type,
        default: defaultValue,
        serverSynonym,
      })),
    ).toEqual(
      kafkaConfigs().map(({ name, type, default: defaultValue, serverSynonym }) => ({
        name,
        type,
        default: defaultValue,
        // Kafka's file lists older units behind the first name.
        serverSynonym: serverSynonym?.split("|")[0] ?? null,
      })),
    );
  });

  test("accepts each of its own defaults", () => {
    for (const { name, defaultValue } of topicSettingTable) {
      expect(checkTopicConfigs({ [name]: defaultValue }, {})).toEqual({
        kind: "valid",
        configs: { [name]: defaultValue },
      });
    }
  });

  test("accepts all of them at once, as tools that copy a topic send them", () => {
    const configs = Object.fromEntries(
      topicSettingTable.map(({ name, defaultValue }) => [name, defaultValue]),
    );
    expect(checkTopicConfigs(configs, {})).toEqual({ kind: "valid", configs });
  });

  test("is in the order of the names, without doubles, each with words", () => {
    const names = topicSettingTable.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(topicSettingTable.every(({ doc }) => doc.endsWith("."))).toBe(true);
  });
});

test.each([
  ["retention.ms", "-1", null],
  ["retention.ms", "-2", "Value must be at least -1"],
  ["retention.ms", "9223372036854775807", null],
  ["retention.ms", "9223372036854775808", "Not a number of type LONG"],
  ["retention.ms", "1e3", "Not a number of type LONG"],
  ["max.message.bytes", "2147483648", "Not a number of type INT"],
  ["segment.bytes", "1048575", "Value must be at least 1048576"],
  ["min.insync.replicas", "0", "Value must be at least 1"],
  ["min.cleanable.dirty.ratio", "0.5", null],
  ["min.cleanable.dirty.ratio", "1.5", "Value must be no more than 1"],
  ["min.cleanable.dirty.ratio", "many", "Not a number of type DOUBLE"],
  ["compression.gzip.level", "-1", null],
  ["compression.gzip.level", "0", "Value must be at least 1"],
  ["compression.gzip.level", "10", "Value must be no more than 9"],
  ["cleanup.policy", "", null],
  ["cleanup.policy", "compact,delete", null],
  ["cleanup.policy", "burn", "String must be one of: compact, delete"],
  ["message.timestamp.type", "createtime", "String must be one of: CreateTime, LogAppendTime"],
  ["preallocate", "TRUE", null],
  ["preallocate", "yes", "Expected value to be either true or false"],
  ["durability", "fsync", null],
  ["durability", "hope", "String must be one of: replicated, fsync"],
  ["remote.log.copy.disable", "False", null],
  [
    "remote.log.copy.disable",
    "true",
    "The object store is part of every topic here: brokers' disks may be small, or gone with their broker. Leave it out, or set it to false",
  ],
  ["leader.replication.throttled.replicas", "*", null],
  ["leader.replication.throttled.replicas", "0:1,1:2", null],
  [
    "leader.replication.throttled.replicas",
    "0-1",
    "Must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
  ],
])("%s = %j", (name, value, problem) => {
  const checked = checkTopicConfigs({ [name]: value }, {});
  if (problem === null) expect(checked.kind).toBe("valid");
  else {
    const message = `Invalid value ${value} for configuration ${name}: ${problem}`;
    expect(checked).toEqual({ kind: "invalid", name, message });
  }
});

test("a value of absurd length is refused without being repeated", () => {
  const checked = checkTopicConfigs({ "retention.ms": "1".repeat(100_000) }, {});
  expect(checked.kind === "invalid" && checked.message.length).toBeLessThan(200);
});

describe("settings together", () => {
  const problemOf = (configs: Record<string, string>, clusterDefaults = {}) => {
    const checked = checkTopicConfigs(configs, clusterDefaults);
    return checked.kind === "valid" ? null : [checked.name, checked.message];
  };

  test.each([
    ["retention.ms", "local.retention.ms"],
    ["retention.bytes", "local.retention.bytes"],
  ])("%s bounds %s", (total, local) => {
    const of = (localValue: string, totalValue: string) =>
      problemOf({ [local]: localValue, [total]: totalValue });
    const invalid = (value: string, problem: string) => [
      local,
      `Invalid value ${value} for configuration ${local}: ${problem}`,
    ];
    expect(of("-2", "1000")).toBeNull();
    expect(of("1000", "1000")).toBeNull();
    expect(of("1001", "1000")).toEqual(
      invalid("1001", `Value must not be more than ${total} property value: 1000`),
    );
    expect(of("-1", "1000")).toEqual(
      invalid("-1", `Value must not be -1 as ${total} value is set as 1000.`),
    );
    expect(of("-1", "-1")).toBeNull();
    expect(of("9223372036854775807", "-1")).toBeNull();
  });

  test("count with what the topic has from its cluster, or by default", () => {
    const local = { "local.retention.ms": "604800001" };
    expect(problemOf(local)).not.toBeNull();
    expect(problemOf(local, { "log.retention.ms": "604800001" })).toBeNull();
    // A local limit that is taken over is in nobody's way.
    expect(problemOf({ "retention.ms": "5" }, { "log.local.retention.ms": "6" })).toBeNull();
    expect(problemOf({ "local.retention.bytes": "1" })).toBeNull();
  });

  test("bound nothing by a retention that deletes nothing", () => {
    const local = { "local.retention.ms": "-1" };
    expect(problemOf({ ...local, "cleanup.policy": "compact" })).toBeNull();
    expect(problemOf({ ...local, "cleanup.policy": "compact,delete" })).not.toBeNull();
  });

  test("have a least lag of compaction that is not above the most", () => {
    const lags = { "min.compaction.lag.ms": "2", "max.compaction.lag.ms": "1" };
    expect(problemOf(lags)?.[0]).toBe("max.compaction.lag.ms");
    expect(problemOf({ ...lags, "max.compaction.lag.ms": "2" })).toBeNull();
  });

  test("are checked among a cluster's defaults too, by either name", () => {
    expect(checkClusterDefaults({ "log.local.retention.ms": "-1" })).toMatchObject({
      kind: "invalid",
      name: "local.retention.ms",
    });
    expect(checkClusterDefaults({ "local.retention.ms": "5", "retention.ms": "5" }).kind).toBe(
      "valid",
    );
  });
});

describe("the value in force", () => {
  const layers = { configs: {}, clusterDefaults: {}, replicationFactor: 1 };

  test("comes from the topic, else its cluster, else the default, and names them all", () => {
    const setting = topicSettingByName.get("retention.ms");
    if (setting === undefined) throw new Error("no such setting");
    const resolved = resolveTopicSetting(setting, {
      ...layers,
      configs: { "retention.ms": "1" },
      clusterDefaults: { "log.retention.ms": "2" },
    });
    expect(resolved).toMatchObject({ value: "1", source: "TOPIC_CONFIG", isReadOnly: false });
    expect(resolved.synonyms).toEqual([
      { name: "retention.ms", value: "1", source: "TOPIC_CONFIG" },
      { name: "log.retention.ms", value: "2", source: "DYNAMIC_DEFAULT_BROKER_CONFIG" },
      { name: "log.retention.ms", value: "604800000", source: "DEFAULT_CONFIG" },
    ]);
  });

  test("follows the replication factor for durability and min.insync.replicas", () => {
    const at = (replicationFactor: number) => typedTopicSettings({ ...layers, replicationFactor });
    expect(at(1)).toMatchObject({ durability: "fsync" });
    expect(at(2)).toMatchObject({ durability: "replicated" });
    expect(at(3)).toMatchObject({ durability: "replicated" });
  });

  test("typed is what the table says in text", () => {
    const configs = {
      "cleanup.policy": "compact",
      "retention.bytes": "123",
      "unclean.leader.election.enable": "TRUE",
      "max.compaction.lag.ms": "9223372036854775807",
    };
    expect(typedTopicSettings({ ...layers, configs })).toMatchObject({
      isCompacted: true,
      isDeletedByRetention: false,
      retentionBytes: 123,
      isUncleanLeaderElectionEnabled: true,
      maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
    });
    expect(resolveTopicSettings(layers)).toHaveLength(topicSettingTable.length);
  });
});
