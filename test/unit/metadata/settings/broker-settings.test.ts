import { expect, test } from "vitest";

import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import {
  brokerSettings,
  brokerSettingTable,
  resolveBrokerSettings,
  resolveClusterDefaults,
} from "../../../../metadata/settings/broker-settings.ts";
import { checkValue } from "../../../../metadata/settings/setting.ts";
import { topicSettingTable } from "../../../../metadata/settings/topic-setting-table.ts";
import { testCell } from "../test-cell.ts";

function withDefaults(defaults: Record<string, string>) {
  const cell = testCell();
  const { clusterId } = cell.accept((image, context) =>
    createCluster(image, { name: "dev", defaults }, context),
  );
  return { image: cell.image, clusterId };
}

test("every default of a topic setting is a server setting that can change while brokers run", () => {
  for (const { serverSynonym } of topicSettingTable) {
    if (serverSynonym === null) continue;
    expect(brokerSettingTable.find(({ name }) => name === serverSynonym)?.isDynamic).toBe(true);
  }
  const names = brokerSettingTable.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test("the table's own defaults pass its own checks", () => {
  for (const setting of brokerSettingTable) {
    expect(checkValue(setting, setting.defaultValue)).toMatchObject({ kind: "valid" });
  }
});

test("a broker's settings come from its cluster, else from how it was started, else from the defaults", () => {
  const { image, clusterId } = withDefaults({ "num.partitions": "6" });
  const resolved = resolveBrokerSettings(image, clusterId, {
    "node.id": "3",
    "num.partitions": "2",
  });
  const named = (name: string) => resolved.find((setting) => setting.name === name);
  expect(named("num.partitions")).toMatchObject({
    value: "6",
    source: "DYNAMIC_DEFAULT_BROKER_CONFIG",
    isReadOnly: false,
    synonyms: [{ value: "6" }, { value: "2", source: "STATIC_BROKER_CONFIG" }, { value: "1" }],
  });
  expect(named("node.id")).toMatchObject({ value: "3", isReadOnly: true });
  expect(named("group.min.session.timeout.ms")).toMatchObject({ source: "DEFAULT_CONFIG" });
});

test("a cluster's defaults list only what was set", () => {
  const { image, clusterId } = withDefaults({ "retention.ms": "5" });
  expect(resolveClusterDefaults(image, clusterId).map(({ name }) => name)).toEqual([
    "log.retention.ms",
  ]);
});

test("typed server settings follow the cluster", () => {
  const { image, clusterId } = withDefaults({
    "auto.create.topics.enable": "false",
    "offsets.retention.minutes": "2",
  });
  expect(brokerSettings(image, clusterId)).toMatchObject({
    isAutoCreateTopicsEnabled: false,
    offsetsRetentionMs: 120_000,
    numPartitions: 1,
    defaultReplicationFactor: -1,
  });
  expect(brokerSettings(image, "another").isAutoCreateTopicsEnabled).toBe(true);
});
