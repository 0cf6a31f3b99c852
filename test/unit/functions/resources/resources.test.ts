import { expect, test } from "vitest";
import { carryOut } from "../../../../functions/resources/resources.ts";
import type { ResourceAnswer } from "../../../../functions/resources/resource-event.ts";
import { topicByName } from "../../../../metadata/image/image.ts";
import { createApiFixture } from "../api-fixture.ts";
import type { ApiFixture } from "../api-fixture.ts";

type Asked = {
  type?: "Custom::MyelinCluster" | "Custom::MyelinTopic";
  id?: string;
  properties?: Record<string, unknown>;
};

type Stack = ApiFixture & {
  create: (asked: Asked) => Promise<ResourceAnswer>;
  update: (physicalId: string, asked: Asked) => Promise<ResourceAnswer>;
  remove: (physicalId: string, asked?: Asked) => Promise<ResourceAnswer>;
};

async function stack(): Promise<Stack> {
  const api = await createApiFixture();
  const { replica, clock } = api;
  let requests = 0;
  const ask = (event: Record<string, unknown>, { type, id, properties }: Asked) =>
    carryOut(
      { replica, clock, kafkaPort: 9092 },
      {
        RequestId: id ?? `request-${++requests}`,
        ResourceType: type ?? "Custom::MyelinTopic",
        ResourceProperties: { ServiceToken: "arn:of:the:provider", ...properties },
        ...event,
      },
    );
  return {
    ...api,
    create: (asked) => ask({ RequestType: "Create" }, asked),
    update: (PhysicalResourceId, asked) =>
      ask({ RequestType: "Update", PhysicalResourceId }, asked),
    remove: (PhysicalResourceId, asked = {}) =>
      ask({ RequestType: "Delete", PhysicalResourceId }, asked),
  };
}

async function stackWithCluster() {
  const made = await stack();
  const { PhysicalResourceId: clusterId } = await made.create({
    type: "Custom::MyelinCluster",
    properties: { clusterName: "shop" },
  });
  const topicOf = (topicName: string) => topicByName(made.replica.image, clusterId, topicName);
  return { ...made, clusterId, topicOf };
}

test("a cluster is made, told with its port, changed in place and deleted", async () => {
  const { create, update, remove, replica, registerBroker } = await stack();
  await registerBroker({ host: "10.0.0.1", port: 9092 });
  const type = "Custom::MyelinCluster";
  const first = await create({ type, properties: { clusterName: "shop" } });
  const second = await create({ type, properties: { clusterName: "bank" } });
  expect(first.Data).toEqual({
    ClusterId: first.PhysicalResourceId,
    KafkaPort: "9092",
    BootstrapServers: "10.0.0.1:9092",
  });
  expect(second.Data).toMatchObject({ KafkaPort: "9192", BootstrapServers: "10.0.0.1:9192" });
  const { clusters } = replica.image;
  const properties = { clusterName: "store", defaults: { "log.retention.ms": "60000" } };
  const updated = await update(first.PhysicalResourceId, { type, properties });
  expect(updated.PhysicalResourceId).toBe(first.PhysicalResourceId);
  expect(clusters.get(first.PhysicalResourceId)).toMatchObject({
    name: "store",
    defaults: { "log.retention.ms": "60000" },
  });
  await remove(first.PhysicalResourceId, { type });
  expect(clusters.has(first.PhysicalResourceId)).toBe(false);
  expect(await remove(first.PhysicalResourceId, { type })).toEqual({
    PhysicalResourceId: first.PhysicalResourceId,
  });
});

test("a cluster that still has topics stays, unless it is to go with them", async () => {
  const { create, remove, clusterId, replica } = await stackWithCluster();
  await create({ properties: { clusterId, topicName: "orders" } });
  const type = "Custom::MyelinCluster";
  await expect(remove(clusterId, { type })).rejects.toThrow("cluster shop has 1 topics");
  await remove(clusterId, { type, properties: { force: "true" } });
  expect(replica.image.clusters.size).toBe(0);
});

test("a request that comes again makes nothing twice, and another of the same name is refused", async () => {
  const { create, clusterId, replica } = await stackWithCluster();
  const asked = { id: "once", properties: { clusterId, topicName: "orders" } };
  const first = await create(asked);
  const { revision } = replica;
  expect(await create(asked)).toEqual(first);
  expect(replica.revision).toBe(revision);
  await expect(create({ ...asked, id: "another" })).rejects.toThrow("topic orders already exists");
});

test("what is there already is taken over where the stack's cell is older than the stack, and made where it is not", async () => {
  const { create, clusterId, replica, topicOf } = await stackWithCluster();
  const made = await create({ properties: { clusterId, topicName: "orders" } });
  const type = "Custom::MyelinCluster";
  const properties = { clusterName: "shop", description: "again", adopt: "true" };
  const adopted = await create({ type, properties });
  expect(adopted.Data).toMatchObject({ ClusterId: clusterId });
  expect(replica.image.clusters.get(clusterId)?.description).toBe("again");
  const wanted = { clusterId, adopt: "true", partitionsCount: "8" };
  expect((await create({ properties: { ...wanted, topicName: "orders" } })).Data).toEqual(
    made.Data,
  );
  expect(topicOf("orders")?.partitions).toHaveLength(8);
  await create({ properties: { ...wanted, topicName: "other" } });
  expect(topicOf("other")?.partitions).toHaveLength(8);
  await create({ type, properties: { clusterName: "bank", adopt: "true" } });
  expect(replica.image.clusters.size).toBe(2);
});

test("what is taken over keeps its settings, but for those that the template names", async () => {
  const { create, update, clusterId, replica, topicOf } = await stackWithCluster();
  const type = "Custom::MyelinCluster";
  const defaults = { "log.retention.ms": "-1", "num.partitions": "3" };
  const asMade = { clusterName: "shop", description: "Events", defaults };
  await update(clusterId, { type, properties: asMade });
  const configs = { "retention.ms": "-1", "cleanup.policy": "compact" };
  await create({ properties: { clusterId, topicName: "orders", configs } });
  const adopt = "true";
  await create({ type, properties: { clusterName: "shop", adopt } });
  const { PhysicalResourceId: topic } = await create({
    properties: { clusterId, topicName: "orders", adopt },
  });
  expect(replica.image.clusters.get(clusterId)).toMatchObject({ description: "Events", defaults });
  expect(topicOf("orders")?.configs).toEqual(configs);
  const named = { "retention.ms": "60000" };
  await update(topic, { properties: { clusterId, topicName: "orders", adopt, configs: named } });
  const fewer = { "num.partitions": "6" };
  await update(clusterId, { type, properties: { clusterName: "shop", adopt, defaults: fewer } });
  expect(topicOf("orders")?.configs).toEqual({ ...configs, ...named });
  expect(replica.image.clusters.get(clusterId)?.defaults).toEqual({ ...defaults, ...fewer });
});

test("CloudFormation's texts are numbers, and settings are the topic's own", async () => {
  const { create, clusterId, topicOf } = await stackWithCluster();
  const configs = { "retention.ms": "604800000" };
  await create({ properties: { clusterId, topicName: "orders", partitionsCount: "6", configs } });
  expect(topicOf("orders")?.partitions).toHaveLength(6);
  expect(topicOf("orders")?.configs).toEqual(configs);
});

test("an update adds partitions, and settings that are gone have their default again", async () => {
  const { create, update, clusterId, topicOf } = await stackWithCluster();
  const base = { clusterId, topicName: "orders" };
  const { PhysicalResourceId: id } = await create({
    properties: { ...base, partitionsCount: "2", configs: { "retention.ms": "1000" } },
  });
  const properties = { ...base, partitionsCount: "4", configs: { "segment.ms": "70000" } };
  const asked = { id: "update", properties };
  expect((await update(id, asked)).PhysicalResourceId).toBe(id);
  expect((await update(id, asked)).PhysicalResourceId).toBe(id);
  expect(topicOf("orders")?.partitions).toHaveLength(4);
  expect(topicOf("orders")?.configs).toEqual({ "segment.ms": "70000" });
});

test("what a topic cannot do is refused with what it has", async () => {
  const { create, update, clusterId } = await stackWithCluster();
  const base = { clusterId, topicName: "orders" };
  const { PhysicalResourceId: id } = await create({
    properties: { ...base, partitionsCount: "4", replicationFactor: "1" },
  });
  await expect(update(id, { properties: { ...base, partitionsCount: "3" } })).rejects.toThrow(
    "partitionsCount is 3; topic orders has 4",
  );
  await expect(update(id, { properties: { ...base, replicationFactor: "3" } })).rejects.toThrow(
    "the replication factor of a topic is not changed here",
  );
  await expect(update(id, { properties: { ...base, partitionsCount: "few" } })).rejects.toThrow(
    "partitionsCount: it should be a number of partitions",
  );
});

test("another name is another topic, and the old one goes when CloudFormation says so", async () => {
  const { create, update, remove, clusterId, topicOf } = await stackWithCluster();
  const before = await create({ properties: { clusterId, topicName: "orders" } });
  const asked = { properties: { clusterId, topicName: "sales" } };
  const after = await update(before.PhysicalResourceId, asked);
  expect(after.PhysicalResourceId).not.toBe(before.PhysicalResourceId);
  expect(topicOf("orders")).toBeDefined();
  await remove(before.PhysicalResourceId);
  await remove(before.PhysicalResourceId);
  expect(topicOf("orders")).toBeUndefined();
  expect(topicOf("sales")).toBeDefined();
});

test("a topic that somebody deleted is made again by an update, and a failed creation leaves nothing to delete", async () => {
  const { create, update, remove, clusterId, topicOf } = await stackWithCluster();
  const asked = { properties: { clusterId, topicName: "orders" } };
  const { PhysicalResourceId: id } = await create(asked);
  await remove(id);
  expect((await update(id, asked)).PhysicalResourceId).not.toBe(id);
  expect(topicOf("orders")).toBeDefined();
  expect(await remove("request-17")).toEqual({ PhysicalResourceId: "request-17" });
});

test("fifty functions at once make a topic each", async () => {
  const { clusterId, openOther, clock, replica } = await stackWithCluster();
  const names = Array.from({ length: 50 }, (_, index) => `topic-${index}`);
  const making = names.map(async (topicName) => {
    const context = { replica: await openOther(), clock, kafkaPort: 9092 };
    return carryOut(context, {
      RequestType: "Create",
      RequestId: topicName,
      ResourceType: "Custom::MyelinTopic",
      ResourceProperties: { clusterId, topicName },
    });
  });
  let isMade = false;
  const made = Promise.all(making).finally(() => (isMade = true));
  // Whoever was not the first waits for its turn on the clock.
  while (!isMade) await clock.advance(50);
  expect(new Set((await made).map((each) => each.PhysicalResourceId)).size).toBe(50);
  await replica.readToHead();
  expect([...(replica.image.topicNames.get(clusterId)?.byName.keys() ?? [])].sort()).toEqual(
    names.sort(),
  );
});

test("a resource of another kind is nobody's", async () => {
  const { replica, clock } = await createApiFixture();
  const event = {
    RequestType: "Create",
    RequestId: "1",
    ResourceType: "Custom::Bucket",
    ResourceProperties: {},
  };
  await expect(carryOut({ replica, clock, kafkaPort: 9092 }, event)).rejects.toThrow(
    "there is no resource Custom::Bucket here",
  );
});

test("what was taken over is not deleted when its stack's deployment is rolled back, and is once it was changed", async () => {
  const { create, update, remove, clusterId, replica, topicOf } = await stackWithCluster();
  await create({ properties: { clusterId, topicName: "orders" } });
  const type = "Custom::MyelinCluster";
  const asked = { adopt: "true", removalPolicy: "retain", force: "true" };
  const cluster = { type, properties: { ...asked, clusterName: "shop" } } as const;
  const topic = { properties: { ...asked, clusterId, topicName: "orders" } };
  const [{ PhysicalResourceId: clusterIs }, { PhysicalResourceId: topicIs }] = [
    await create(cluster),
    await create(topic),
  ];
  // Of the same keys in another order.
  const { adopt, ...rest } = topic.properties;
  expect(await remove(topicIs, { properties: { ...rest, adopt } })).toEqual({
    PhysicalResourceId: topicIs,
  });
  await remove(clusterIs, cluster);
  expect(topicOf("orders")).toBeDefined();
  expect(replica.image.clusters.has(clusterId)).toBe(true);

  const later = { removalPolicy: "destroy" };
  const changedTopic = { properties: { ...topic.properties, ...later } };
  const changedCluster = { type, properties: { ...cluster.properties, ...later } } as const;
  // Another id would have CloudFormation delete what had the former.
  expect((await update(topicIs, changedTopic)).PhysicalResourceId).toBe(topicIs);
  expect((await update(clusterIs, changedCluster)).PhysicalResourceId).toBe(clusterIs);
  await remove(topicIs, changedTopic);
  expect(topicOf("orders")).toBeUndefined();
  await remove(clusterIs, changedCluster);
  expect(replica.image.clusters.has(clusterId)).toBe(false);
});

test("what a request has made itself is no older than its stack, though the request comes again", async () => {
  const { create, remove, clusterId, replica, topicOf } = await stackWithCluster();
  const type = "Custom::MyelinCluster";
  const topic = { id: "t", properties: { clusterId, topicName: "orders", adopt: "true" } };
  const cluster = { id: "c", type, properties: { clusterName: "bank", adopt: "true" } } as const;
  const made = [await create(topic), await create(cluster)];
  expect([await create(topic), await create(cluster)]).toEqual(made);
  await remove(made[0]!.PhysicalResourceId, topic);
  await remove(made[1]!.PhysicalResourceId, cluster);
  expect(topicOf("orders")).toBeUndefined();
  expect([...replica.image.clusters.keys()]).toEqual([clusterId]);
});
