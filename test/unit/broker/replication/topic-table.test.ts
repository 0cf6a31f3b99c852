import { afterEach, beforeEach, expect, test } from "vitest";
import { createPartitions } from "../../../../metadata/commands/create-partitions.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { incrementalAlterConfigs } from "../../../../metadata/commands/alter-configs.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { deleteTopics } from "../../../../metadata/commands/delete-topics.ts";
import { resignLeaderships } from "../../../../metadata/commands/resign-leaderships.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import { whenCommitted } from "../../../../broker/replication/partition.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker, worldAfter } from "../../../support/memory-broker.ts";

// On a whole broker: what the table holds follows what the metadata log says.

let broker: MemoryBroker;
let topicId: string;
const events: string[] = [];

beforeEach(async () => {
  broker = await startMemoryBroker();
  events.length = 0;
  table().onLeadership((topic, { index, isLeader }) =>
    events.push(`${topic.name}-${index} ${isLeader ? "taken" : "given up"}`),
  );
  topicId = (await broker.createTopic("orders", { partitionCount: 2 })).topicId;
});
afterEach(() => broker.close());

const table = () => broker.services.topics;
const local = () => {
  const found = table().byName(broker.clusterId, "orders");
  if (found === undefined) throw new Error("no such topic");
  return found;
};
const partition = (index = 0): Partition => {
  const found = local().partitions[index];
  if (found === undefined) throw new Error("no such partition");
  return found;
};

test("a new topic's partitions are opened and led from their first epoch", () => {
  expect(events).toEqual(["orders-0 taken", "orders-1 taken"]);
  expect(partition()).toMatchObject({ topicId, index: 0, isLeader: true, leaderState: null });
  expect(partition().leaderEpoch).toBe(local().topic.partitions[0]?.leaderEpoch);
  expect(broker.services.store.partition(topicId, 1)).toBe(partition(1).log);
});

test("a topic is found by name and id in its own cluster only", async () => {
  expect(table().byId(broker.clusterId, topicId)).toBe(local());
  const made = await broker.metadata.submit((image, context) =>
    createCluster(image, { name: "neighbour" }, context),
  );
  if (made.kind === "rejected") throw new Error(made.message);
  const neighbour = made.result.clusterId;
  expect(table().byId(neighbour, topicId)).toBeUndefined();
  expect(table().byName(neighbour, "orders")).toBeUndefined();
  await broker.metadata.submit((image, context) =>
    createTopic(image, { clusterId: neighbour, topic: { name: "orders" } }, context),
  );
  expect(table().byName(neighbour, "orders")?.topic.topicId).not.toBe(topicId);
});

test("added partitions join those that are there", async () => {
  const before = partition();
  await broker.metadata.submit((image) =>
    createPartitions(image, {
      clusterId: broker.clusterId,
      topics: [{ name: "orders", partitionCount: 3 }],
    }),
  );
  expect(partition()).toBe(before);
  expect(partition(2).isLeader).toBe(true);
  expect(events.slice(2)).toEqual(["orders-2 taken"]);
});

test("a deleted topic's partitions are given up, their waiters told, their logs dropped", async () => {
  const gone = partition();
  let isCommitted: boolean | null = null;
  whenCommitted(gone, { endOffset: 10, leaderEpoch: gone.leaderEpoch }, (answer) => {
    isCommitted = answer;
  });
  let isWoken = false;
  gone.watchers.add(() => {
    isWoken = true;
  });
  await broker.metadata.submit((image, context) =>
    deleteTopics(image, { clusterId: broker.clusterId, topics: [{ name: "orders" }] }, context),
  );
  expect({ isCommitted, isWoken, isLeader: gone.isLeader }).toEqual({
    isCommitted: false,
    isWoken: true,
    isLeader: false,
  });
  expect(table().local(topicId)).toBeUndefined();
  expect(broker.services.store.partition(topicId, 0)).toBeUndefined();
  expect(events.slice(2)).toEqual(["orders-0 given up", "orders-1 given up"]);
});

test("settings follow the topic's and its cluster's", async () => {
  const set = (
    resource: { kind: "topic"; name: string } | { kind: "clusterDefaults" },
    name: string,
  ) =>
    broker.metadata.submit((image) =>
      incrementalAlterConfigs(image, {
        clusterId: broker.clusterId,
        resources: [{ resource, changes: [{ name, operation: "SET", value: "5000" }] }],
      }),
    );
  await set({ kind: "topic", name: "orders" }, "max.message.bytes");
  expect(local().rules.maxMessageBytes).toBe(5_000);
  await set({ kind: "clusterDefaults" }, "log.retention.ms");
  expect(local().settings.retentionMs).toBe(5_000);
});

test("a failed term is not taken up again until the image names a newer one", async () => {
  const { leaderEpoch, topicId, index } = partition();
  const failed = [{ topicId, index, leaderEpoch, isDamaged: false }];
  expect(table().failed([partition().log])).toEqual(failed);
  expect(partition().isLeader).toBe(false);
  expect(events.slice(2)).toEqual(["orders-0 given up"]);
  table().follow([{ kind: "partitionChanged", topicId, index: 0, isLeaderChanged: false }]);
  expect(partition().isLeader).toBe(false);
  const { brokerId } = broker.broker;
  const brokerEpoch = broker.image.brokers.get(brokerId)?.epoch ?? -1;
  await broker.metadata.submit((image) =>
    resignLeaderships(image, { brokerId, brokerEpoch, failed }),
  );
  expect(partition()).toMatchObject({ isLeader: true, leaderEpoch: leaderEpoch + 1 });
  expect(events.slice(3)).toEqual(["orders-0 taken"]);
});

test("a log that fails twice has one term less to lose", () => {
  expect(table().failed([partition().log])).toHaveLength(1);
  expect(table().failed([partition().log])).toEqual([]);
});

test("an image that was loaded anew is followed like any change", async () => {
  table().follow([{ kind: "reloaded" }]);
  expect(partition().isLeader).toBe(true);
  expect(events).toEqual(["orders-0 taken", "orders-1 taken"]);
});

test("a restart opens the logs that are there", async () => {
  await broker.close();
  broker = await startMemoryBroker({ world: worldAfter(broker) });
  expect(partition()).toMatchObject({ topicId, isLeader: true });
  expect(Array.from(broker.services.store.partitions())).toHaveLength(2);
});
