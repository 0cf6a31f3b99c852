import { describe, expect, expectTypeOf, test } from "vitest";

import { incrementalAlterConfigs } from "../../../../metadata/commands/alter-configs.ts";
import { createPartitions } from "../../../../metadata/commands/create-partitions.ts";
import { createTopic, createTopics } from "../../../../metadata/commands/create-topics.ts";
import type { NewTopic } from "../../../../metadata/commands/create-topics.ts";
import {
  deleteTopic,
  deleteTopics,
  purgeTopics,
} from "../../../../metadata/commands/delete-topics.ts";
import { ensureInternalTopic } from "../../../../metadata/commands/ensure-internal-topic.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import type { TopicErrorCode } from "../../../../metadata/commands/topic-outcome.ts";
import { internalTopic, topicByName, topicsOfCluster } from "../../../../metadata/image/image.ts";
import type { ErrorName } from "../../../../protocol/errors.ts";
import { maxMetadataEntryBytes } from "../../../../ports/metadata-log.ts";
import { newBroker, readyCell, testCell } from "../test-cell.ts";

type Cell = ReturnType<typeof readyCell>;

function create(cell: Cell, topic: NewTopic) {
  const { clusterId } = cell;
  return cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
}

function refuse(cell: Cell, topic: NewTopic) {
  const { clusterId } = cell;
  return cell.reject((image, context) => createTopic(image, { clusterId, topic }, context));
}

test("every rejection about topics has a name of Kafka's", () => {
  expectTypeOf<TopicErrorCode>().toExtend<ErrorName>();
});

describe("creating topics", () => {
  test("makes partitions with a leader, in the first epoch, in sync", () => {
    const cell = readyCell();
    const created = create(cell, { name: "orders", partitionCount: 2 });
    expect(created).toMatchObject({ partitionCount: 2, replicationFactor: 1 });
    const topic = topicByName(cell.image, cell.clusterId, "orders");
    expect(cell.image.topics.get(created.topicId)).toBe(topic);
    expect(topic?.partitions[1]).toEqual({
      index: 1,
      replicas: [1],
      adding: [],
      removing: [],
      isr: [1],
      elr: [],
      lastIsr: [1],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      recoveries: [],
      sealed: null,
    });
    expect(cell.changes).toEqual([{ kind: "topicCreated", topicId: created.topicId }]);
  });

  test("without numbers takes the cluster's", () => {
    const cell = readyCell(3);
    const { clusterId } = cell;
    cell.accept((image) =>
      incrementalAlterConfigs(image, {
        clusterId,
        resources: [
          {
            resource: { kind: "clusterDefaults" },
            changes: [
              { name: "num.partitions", operation: "SET", value: "4" },
              { name: "default.replication.factor", operation: "SET", value: "2" },
            ],
          },
        ],
      }),
    );
    expect(create(cell, { name: "orders", partitionCount: -1 })).toMatchObject({
      partitionCount: 4,
      replicationFactor: 2,
    });
  });

  test("without a factor keeps three replicas, or as many as there are brokers", () => {
    expect(create(readyCell(2), { name: "t" }).replicationFactor).toBe(2);
    expect(create(readyCell(5), { name: "t" }).replicationFactor).toBe(3);
  });

  test.each([
    ["", "INVALID_TOPIC_EXCEPTION"],
    [".", "INVALID_TOPIC_EXCEPTION"],
    ["..", "INVALID_TOPIC_EXCEPTION"],
    ["a/b", "INVALID_TOPIC_EXCEPTION"],
    ["ü", "INVALID_TOPIC_EXCEPTION"],
    ["a".repeat(250), "INVALID_TOPIC_EXCEPTION"],
    ["__consumer_offsets", "INVALID_TOPIC_EXCEPTION"],
  ])("refuses the name %j", (name, error) => {
    expect(refuse(readyCell(), { name })).toMatchObject({ error, field: "topic_name" });
  });

  test("takes a name of 249 characters", () => {
    expect(create(readyCell(), { name: "a".repeat(249) }).name).toHaveLength(249);
  });

  test("refuses a name that exists, before it looks for collisions", () => {
    const cell = readyCell();
    create(cell, { name: "a.b" });
    expect(refuse(cell, { name: "a.b" })).toMatchObject({ error: "TOPIC_ALREADY_EXISTS" });
  });

  test("refuses a name that differs from another only in '.' and '_'", () => {
    const cell = readyCell();
    create(cell, { name: "a.b" });
    expect(refuse(cell, { name: "a_b" })).toMatchObject({
      error: "INVALID_TOPIC_EXCEPTION",
      message: "topic a_b collides with existing topic a.b: they differ only in '.' and '_'",
    });
    const { clusterId } = cell;
    cell.accept((image, context) =>
      deleteTopic(image, { clusterId, topic: { name: "a.b" } }, context),
    );
    expect(create(cell, { name: "a_b" }).name).toBe("a_b");
  });

  test("refuses both when two of one request collide, by name or by '.' and '_'", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    const topics = ["x", "x", "y.z", "y_z", "fine"].map((name) => ({ name }));
    const outcomes = cell.accept((image, context) =>
      createTopics(image, { clusterId, topics }, context),
    );
    expect(outcomes.map((outcome) => (outcome.kind === "done" ? "done" : outcome.error))).toEqual([
      "INVALID_REQUEST",
      "INVALID_REQUEST",
      "done",
      "INVALID_TOPIC_EXCEPTION",
      "done",
    ]);
    expect(topicsOfCluster(cell.image, clusterId).map(({ name }) => name)).toEqual(["fine", "y.z"]);
  });

  test("says no more of a name than a name may have", () => {
    const cell = readyCell();
    const { image, clusterId } = cell;
    const name = "x".repeat(30_000);
    const twice = [
      { name, partitionCount: 1 },
      { name, partitionCount: 1 },
    ];
    for (const decision of [
      createTopics(image, { clusterId, topics: twice }, cell.context()),
      createPartitions(image, { clusterId, topics: twice }),
      deleteTopics(image, { clusterId, topics: twice }, cell.context()),
      incrementalAlterConfigs(image, {
        clusterId,
        resources: twice.map(() => ({ resource: { kind: "topic", name }, changes: [] })),
      }),
    ]) {
      expect(JSON.stringify(decision).length).toBeLessThan(2_000);
    }
  });

  test.each([0, -2, 1.5])("refuses %d partitions", (partitionCount) => {
    expect(refuse(readyCell(), { name: "t", partitionCount })).toMatchObject({
      error: "INVALID_PARTITIONS",
      field: "partitions_count",
    });
  });

  test("names the limit it refuses for", () => {
    expect(refuse(readyCell(), { name: "t", partitionCount: 20_000 })).toMatchObject({
      error: "INVALID_PARTITIONS",
      message: "partitions_count is 20000; the limit for a topic is 10000",
    });
    const cell = readyCell();
    const { clusterId } = cell;
    const topics = ["a", "b"].map((name) => ({ name, partitionCount: 6_000 }));
    const outcomes = cell.accept((image, context) =>
      createTopics(image, { clusterId, topics }, context),
    );
    expect(outcomes[1]).toMatchObject({ error: "POLICY_VIOLATION" });
    expect(cell.image.partitionCount).toBe(6_000);
  });

  test("refuses more replicas than there are brokers, and fewer than one", () => {
    expect(refuse(readyCell(), { name: "t", replicationFactor: 3 })).toMatchObject({
      error: "INVALID_REPLICATION_FACTOR",
      field: "replication_factor",
    });
    expect(refuse(readyCell(), { name: "t", replicationFactor: 0 })).toMatchObject({
      error: "INVALID_REPLICATION_FACTOR",
    });
  });

  test("refuses wrong settings and takes those Kafka has removed", () => {
    expect(refuse(readyCell(), { name: "t", configs: { nonsense: "1" } })).toMatchObject({
      error: "INVALID_CONFIG",
      message: "Unknown topic config name: nonsense",
      field: "configs/nonsense",
    });
    expect(refuse(readyCell(), { name: "t", configs: { "retention.ms": null } })).toMatchObject({
      error: "INVALID_CONFIG",
    });
    const inherited = JSON.parse('{"__proto__":"1"}') as Record<string, string>;
    expect(refuse(readyCell(), { name: "t", configs: inherited })).toMatchObject({
      message: "Unknown topic config name: __proto__",
    });
    const configs = { "message.format.version": "2.8", "cleanup.policy": "compact, delete" };
    expect(create(readyCell(), { name: "t", configs }).configs).toEqual({
      "cleanup.policy": "compact,delete",
    });
  });

  test("takes replicas by hand, but not together with numbers", () => {
    const cell = readyCell(3);
    const assignments = [
      { index: 1, brokerIds: [2, 3] },
      { index: 0, brokerIds: [3, 1] },
    ];
    create(cell, { name: "t", assignments });
    const topic = topicByName(cell.image, cell.clusterId, "t");
    expect(topic?.partitions.map(({ replicas, leader }) => [replicas, leader])).toEqual([
      [[3, 1], 3],
      [[2, 3], 2],
    ]);
    expect(refuse(cell, { name: "u", assignments, partitionCount: 2 })).toMatchObject({
      error: "INVALID_REQUEST",
    });
  });

  test.each([
    [[{ index: 1, brokerIds: [1] }]],
    [[{ index: 0, brokerIds: [] }]],
    [[{ index: 0, brokerIds: [1, 1] }]],
    [[{ index: 0, brokerIds: [9] }]],
    [
      [
        { index: 0, brokerIds: [1] },
        { index: 1, brokerIds: [1, 2] },
      ],
    ],
  ])("refuses the assignment %j", (assignments) => {
    expect(refuse(readyCell(2), { name: "t", assignments })).toMatchObject({
      error: "INVALID_REPLICA_ASSIGNMENT",
    });
  });

  test("only validates when asked to", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    const created = cell.accept((image, context) =>
      createTopic(image, { clusterId, topic: { name: "t" }, isValidateOnly: true }, context),
    );
    expect(created.partitionCount).toBe(1);
    expect(cell.image.topics.size).toBe(0);
  });

  test("in a cell without brokers waits for the first one", () => {
    const cell = readyCell(0);
    create(cell, { name: "t", partitionCount: 2 });
    const leaders = () =>
      topicByName(cell.image, cell.clusterId, "t")?.partitions.map(({ leader }) => leader);
    expect(leaders()).toEqual([-1, -1]);
    cell.accept((image, context) => registerBroker(image, newBroker("1"), context));
    expect(leaders()).toEqual([1, 1]);
  });

  test("in one cluster says nothing of another's", () => {
    const cell = readyCell();
    create(cell, { name: "t" });
    const other = { ...cell, clusterId: "another" };
    expect(refuse(other, { name: "t" })).toMatchObject({ error: "INVALID_REQUEST" });
  });
});

describe("deleting topics", () => {
  test("by name or id leaves the id purging until its data is gone", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    const first = create(cell, { name: "a" });
    const second = create(cell, { name: "b" });
    cell.accept((image, context) =>
      deleteTopics(
        image,
        { clusterId, topics: [{ name: "a" }, { topicId: second.topicId }] },
        context,
      ),
    );
    expect(cell.image.topics.size).toBe(0);
    expect(cell.changes.map(({ kind }) => kind)).toEqual(["topicDeleted", "topicDeleted"]);
    expect(cell.image.purgingTopics.get(first.topicId)).toMatchObject({ brokerIds: [1] });
    cell.accept((image) =>
      purgeTopics(image, { topicIds: [first.topicId, first.topicId, "unknown"] }),
    );
    expect([...cell.image.purgingTopics.keys()]).toEqual([second.topicId]);
  });

  test("in great number purges them in entries that fit", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    for (let request = 0; request < 16; request++) {
      const names = Array.from({ length: 1_000 }, (_, index) => ({ name: `t${index}` }));
      cell.accept((image, context) => createTopics(image, { clusterId, topics: names }, context));
      cell.accept((image, context) => deleteTopics(image, { clusterId, topics: names }, context));
    }
    const topicIds = [...cell.image.purgingTopics.keys()];
    expect(topicIds).toHaveLength(16_000);
    cell.accept((image) => purgeTopics(image, { topicIds }));
    expect(cell.image.purgingTopics.size).toBe(0);
    expect(cell.largestEntryBytes).toBeLessThan(maxMetadataEntryBytes);
  });

  test("that are unknown, named twice or another tenant's changes nothing", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    const { topicId } = create(cell, { name: "a" });
    const outcomes = cell.accept((image, context) =>
      deleteTopics(
        image,
        { clusterId, topics: [{ name: "a" }, { topicId }, { name: "no" }, { topicId: "no" }] },
        context,
      ),
    );
    expect(outcomes.map((outcome) => (outcome.kind === "done" ? "done" : outcome.error))).toEqual([
      "INVALID_REQUEST",
      "INVALID_REQUEST",
      "UNKNOWN_TOPIC_OR_PARTITION",
      "UNKNOWN_TOPIC_ID",
    ]);
    expect(
      cell.reject((image, context) =>
        deleteTopic(image, { clusterId: "another", topic: { topicId } }, context),
      ),
    ).toMatchObject({ error: "UNKNOWN_TOPIC_ID" });
    expect(cell.image.topics.size).toBe(1);
  });

  test("lets one of the same name start above every epoch the old one had", () => {
    const cell = readyCell();
    const { clusterId } = cell;
    create(cell, { name: "t" });
    for (const life of [2, 3]) {
      cell.accept((image, context) =>
        registerBroker(
          image,
          {
            ...newBroker("1"),
            brokerId: 1,
            incarnation: `1-${life}`,
            storedIncarnations: [`1-${life - 1}`],
            previousEnd: "clean",
          },
          context,
        ),
      );
    }
    const epoch = () => topicByName(cell.image, clusterId, "t")?.partitions[0]?.leaderEpoch;
    expect(epoch()).toBe(2);
    cell.accept((image, context) =>
      deleteTopic(image, { clusterId, topic: { name: "t" } }, context),
    );
    create(cell, { name: "t" });
    expect(epoch()).toBe(3);
  });
});

describe("adding partitions", () => {
  function grow(cell: Cell, partitionCount: number, assignments?: number[][]) {
    const topic = { name: "t", partitionCount, ...(assignments && { assignments }) };
    const { clusterId } = cell;
    const [outcome] = cell.accept((image) =>
      createPartitions(image, { clusterId, topics: [topic] }),
    );
    return outcome;
  }

  test("keeps those that are there and places the new ones", () => {
    const cell = readyCell();
    create(cell, { name: "t", partitionCount: 2 });
    expect(grow(cell, 5)).toMatchObject({ kind: "done", partitionCount: 5 });
    const topic = topicByName(cell.image, cell.clusterId, "t");
    expect(topic?.partitions.map(({ index, leader }) => [index, leader])).toEqual(
      [0, 1, 2, 3, 4].map((index) => [index, 1]),
    );
    expect(cell.image.partitionCount).toBe(5);
    expect(cell.changes).toEqual([
      { kind: "partitionsAdded", topicId: topic?.topicId, firstIndex: 2 },
    ]);
  });

  test.each([
    [2, "Topic already has 2 partition(s)."],
    [1, "The topic t currently has 2 partition(s); 1 would not be an increase."],
    [0, "partitions_count is 0; a topic has at least 1 partition"],
    [10_001, "partitions_count is 10001; the limit for a topic is 10000"],
  ])("refuses a total of %d", (total, message) => {
    const cell = readyCell();
    create(cell, { name: "t", partitionCount: 2 });
    expect(grow(cell, total)).toMatchObject({ error: "INVALID_PARTITIONS", message });
  });

  test("takes assignments for exactly what is added, with the topic's factor", () => {
    const cell = readyCell(2);
    create(cell, { name: "t", replicationFactor: 1 });
    expect(grow(cell, 3, [[2]])).toMatchObject({ error: "INVALID_REPLICA_ASSIGNMENT" });
    expect(grow(cell, 3, [[2], [1, 2]])).toMatchObject({ error: "INVALID_REPLICA_ASSIGNMENT" });
    expect(grow(cell, 3, [[2], [1]])).toMatchObject({ kind: "done" });
    const topic = topicByName(cell.image, cell.clusterId, "t");
    expect(topic?.partitions.slice(1).map(({ leader }) => leader)).toEqual([2, 1]);
  });

  test("of an unknown topic is refused", () => {
    expect(grow(readyCell(), 3)).toMatchObject({ error: "UNKNOWN_TOPIC_OR_PARTITION" });
  });
});

describe("internal topics", () => {
  test("belong to the cell and are unknown to tenants", () => {
    const cell = readyCell();
    const ensure = () =>
      cell.accept((image, context) =>
        ensureInternalTopic(image, { name: "__consumer_offsets" }, context),
      );
    const { topicId } = ensure();
    expect(ensure().topicId).toBe(topicId);
    expect(cell.records).toEqual([]);
    const topic = internalTopic(cell.image, "__consumer_offsets");
    expect(topic?.partitions).toHaveLength(50);
    expect(topic?.configs["cleanup.policy"]).toBe("compact");
    expect(topicsOfCluster(cell.image, cell.clusterId)).toEqual([]);
    const { clusterId } = cell;
    expect(
      cell.reject((image, context) =>
        deleteTopic(image, { clusterId, topic: { topicId } }, context),
      ),
    ).toMatchObject({ error: "UNKNOWN_TOPIC_ID" });
  });

  test("can be made before there is a tenant", () => {
    const cell = testCell();
    cell.accept((image, context) =>
      ensureInternalTopic(image, { name: "__transaction_state" }, context),
    );
    expect(internalTopic(cell.image, "__transaction_state")?.partitions).toHaveLength(50);
  });
});
