import { describe, expect, test } from "vitest";

import {
  alterConfigs,
  incrementalAlterConfigs,
} from "../../../../metadata/commands/alter-configs.ts";
import type { ConfigChange, ConfigResource } from "../../../../metadata/commands/alter-configs.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { topicByName } from "../../../../metadata/image/image.ts";
import { topicSettings } from "../../../../metadata/settings/topic-settings.ts";
import { readyCell } from "../test-cell.ts";

const topicResource: ConfigResource = { kind: "topic", name: "t" };
const clusterDefaults: ConfigResource = { kind: "clusterDefaults" };

function withTopic(configs: Record<string, string> = {}) {
  const cell = readyCell();
  const { clusterId } = cell;
  const topic = { name: "t", configs };
  cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
  const own = () => topicByName(cell.image, clusterId, "t")?.configs;
  const alter = (
    changes: readonly [ConfigChange["operation"], string, string | null][],
    resource = topicResource,
  ) =>
    cell.accept((image) =>
      incrementalAlterConfigs(image, {
        clusterId,
        resources: [
          {
            resource,
            changes: changes.map(([operation, name, value]) => ({ operation, name, value })),
          },
        ],
      }),
    )[0];
  return { cell, clusterId, own, alter };
}

describe("incremental changes of a topic's settings", () => {
  test("set and delete what they name and leave the rest", () => {
    const { cell, own, alter } = withTopic({ "retention.ms": "1000", "segment.ms": "5000" });
    alter([
      ["SET", "retention.bytes", "99"],
      ["DELETE", "segment.ms", null],
    ]);
    expect(own()).toEqual({ "retention.ms": "1000", "retention.bytes": "99" });
    const topicId = topicByName(cell.image, cell.clusterId, "t")?.topicId;
    expect(cell.changes).toEqual([{ kind: "topicConfigsChanged", topicId }]);
  });

  test("append to and subtract from lists, starting from the value in force", () => {
    const { own, alter } = withTopic();
    alter([["APPEND", "cleanup.policy", "compact"]]);
    expect(own()).toEqual({ "cleanup.policy": "delete,compact" });
    alter([["SUBTRACT", "cleanup.policy", "delete"]]);
    expect(own()).toEqual({ "cleanup.policy": "compact" });
  });

  test.each([
    [
      "APPEND",
      "retention.ms",
      "1",
      "Can't APPEND to key retention.ms because its type is not LIST.",
    ],
    ["SET", "retention.ms", null, "Null value not supported for SET of retention.ms"],
    [
      "SET",
      "retention.ms",
      "-2",
      "Invalid value -2 for configuration retention.ms: Value must be at least -1",
    ],
    ["SET", "colour", "red", "Unknown config name: colour"],
    [
      "APPEND",
      "cleanup.policy",
      "burn",
      "Invalid value delete,burn for configuration cleanup.policy: String must be one of: compact, delete",
    ],
  ] as const)("refuse to %s %s to %j", (operation, name, value, message) => {
    const { own, alter } = withTopic({ "segment.ms": "1" });
    expect(alter([[operation, name, value]])).toMatchObject({ error: "INVALID_CONFIG", message });
    expect(own()).toEqual({ "segment.ms": "1" });
  });

  test("refuse a name given twice, and a pair of values that contradict each other", () => {
    const { alter } = withTopic();
    expect(
      alter([
        ["SET", "retention.ms", "1"],
        ["DELETE", "retention.ms", null],
      ]),
    ).toMatchObject({ error: "INVALID_REQUEST" });
    expect(
      alter([
        ["SET", "min.compaction.lag.ms", "10"],
        ["SET", "max.compaction.lag.ms", "5"],
      ]),
    ).toMatchObject({ error: "INVALID_CONFIG" });
  });

  test("refuse less than what is kept on disks alone, whoever set that, and take both at once", () => {
    const { own, alter } = withTopic({ "local.retention.ms": "1000" });
    const conflict = {
      error: "INVALID_CONFIG",
      message:
        "Invalid value 1000 for configuration local.retention.ms: Value must not be more than retention.ms property value: 999",
    };
    expect(alter([["SET", "retention.ms", "999"]])).toMatchObject(conflict);
    expect(alter([["SET", "log.retention.ms", "999"]], clusterDefaults)).toMatchObject({
      kind: "done",
    });
    expect(alter([["SET", "segment.ms", "1"]])).toMatchObject(conflict);
    alter([
      ["SET", "retention.ms", "999"],
      ["DELETE", "local.retention.ms", null],
    ]);
    expect(own()).toEqual({ "retention.ms": "999" });
  });

  test("ignore settings Kafka has removed, as old tools still send them", () => {
    const { cell, alter } = withTopic();
    expect(alter([["SET", "message.format.version", "2.8"]])).toMatchObject({ kind: "done" });
    expect(cell.records).toEqual([]);
  });

  test("of an unknown topic, or of one resource twice, are refused", () => {
    const { cell, clusterId, alter } = withTopic();
    expect(alter([], { kind: "topic", name: "no" })).toMatchObject({
      error: "UNKNOWN_TOPIC_OR_PARTITION",
    });
    const resources = [topicResource, topicResource].map((resource) => ({ resource, changes: [] }));
    const outcomes = cell.accept((image) =>
      incrementalAlterConfigs(image, { clusterId, resources }),
    );
    expect(outcomes[1]).toMatchObject({ error: "INVALID_REQUEST" });
  });
});

describe("the older alteration of a topic's settings", () => {
  test("replaces them all; null means the default", () => {
    const { cell, clusterId, own } = withTopic({ "retention.ms": "1000" });
    const configs = { "segment.ms": "5000", "retention.bytes": null };
    cell.accept((image) =>
      alterConfigs(image, { clusterId, resources: [{ resource: topicResource, configs }] }),
    );
    expect(own()).toEqual({ "segment.ms": "5000" });
  });

  test("refuses what nobody knows, whatever its name means to the language", () => {
    const { cell, clusterId } = withTopic();
    const configs = JSON.parse('{"__proto__":"1"}') as Record<string, string>;
    const [outcome] = cell.accept((image) =>
      alterConfigs(image, { clusterId, resources: [{ resource: topicResource, configs }] }),
    );
    expect(outcome).toMatchObject({ error: "INVALID_CONFIG" });
  });

  test("only validates when asked to", () => {
    const { cell, clusterId, own } = withTopic();
    const resources = [{ resource: topicResource, configs: { "segment.ms": "5000" } }];
    cell.accept((image) => alterConfigs(image, { clusterId, resources, isValidateOnly: true }));
    expect(own()).toEqual({});
  });
});

describe("a cluster's defaults", () => {
  test("reach every topic of the cluster that has no value of its own", () => {
    const { cell, clusterId, alter } = withTopic();
    alter([["SET", "log.retention.ms", "777"]], clusterDefaults);
    expect(cell.changes).toEqual([{ kind: "clusterDefaultsChanged", clusterId }]);
    const topic = topicByName(cell.image, clusterId, "t");
    if (topic === undefined) throw new Error("the topic is gone");
    expect(topicSettings(cell.image, topic).retentionMs).toBe(777);
    alter([["SET", "retention.ms", "5"]]);
    expect(topicSettings(cell.image, topic).retentionMs).toBe(5);
    alter([["DELETE", "log.retention.ms", null]], clusterDefaults);
    alter([["DELETE", "retention.ms", null]]);
    expect(topicSettings(cell.image, topic).retentionMs).toBe(604_800_000);
  });

  test("do not hold what a broker was started with", () => {
    const { alter } = withTopic();
    expect(alter([["SET", "node.id", "7"]], clusterDefaults)).toMatchObject({
      error: "INVALID_CONFIG",
      message: "Cannot update node.id dynamically",
    });
  });
});
