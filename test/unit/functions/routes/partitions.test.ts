import { expect, test } from "vitest";
import type {
  Partition,
  PartitionList,
  Replica,
  ReplicaList,
} from "../../../../functions/api-types.ts";
import { createApiFixture } from "../api-fixture.ts";

test("partitions name their leader and their replicas", async () => {
  const { call, cluster, topic, registerBroker } = await createApiFixture();
  const broker = await registerBroker();
  const { id } = await cluster();
  await topic(id, "orders", 3);
  const path = `/kafka/v3/clusters/${id}/topics/orders/partitions`;
  const list = await call<PartitionList>(`GET ${path}`);
  expect(list.body).toMatchObject({ kind: "KafkaPartitionList", metadata: { next: null } });
  expect(list.body.data.map((each) => each.partition_id)).toEqual([0, 1, 2]);
  const self = `http://localhost${path}/1`;
  const one = await call<Partition>(`GET ${path}/1`);
  expect(one.body).toEqual({
    kind: "KafkaPartition",
    metadata: { self, resource_name: `crn:///kafka=${id}/topic=orders/partition=1` },
    cluster_id: id,
    topic_name: "orders",
    partition_id: 1,
    leader: { related: `${self}/replicas/${broker}` },
    replicas: { related: `${self}/replicas` },
    reassignment: { related: `${self}/reassignment` },
  });
  expect(list.body.data[1]).toEqual(one.body);
});

test("a partition that waits for its first broker has no leader and no replicas", async () => {
  const { call, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  await topic(id, "orders");
  const path = `/kafka/v3/clusters/${id}/topics/orders/partitions/0`;
  expect((await call<Partition>(`GET ${path}`)).body).not.toHaveProperty("leader");
  expect((await call<ReplicaList>(`GET ${path}/replicas`)).body.data).toEqual([]);
});

test("replicas say who leads and who is in sync", async () => {
  const { call, cluster, registerBroker } = await createApiFixture();
  const first = await registerBroker();
  const second = await registerBroker({ port: 9093, slot: 2 });
  const { id } = await cluster();
  await call(`POST /kafka/v3/clusters/${id}/topics`, {
    topic_name: "orders",
    replicas_assignments: [{ partition_id: 0, broker_ids: [second, first] }],
  });
  const path = `/kafka/v3/clusters/${id}/topics/orders/partitions/0/replicas`;
  const { body } = await call<ReplicaList>(`GET ${path}`);
  expect(body.data.map((each) => [each.broker_id, each.is_leader, each.is_in_sync])).toEqual([
    [second, true, true],
    [first, false, true],
  ]);
  const one = await call<Replica>(`GET ${path}/${first}`);
  expect(one.body).toEqual({
    kind: "KafkaReplica",
    metadata: {
      self: `http://localhost${path}/${first}`,
      resource_name: `crn:///kafka=${id}/topic=orders/partition=0/replica=${first}`,
    },
    cluster_id: id,
    topic_name: "orders",
    partition_id: 0,
    broker_id: first,
    is_leader: false,
    is_in_sync: true,
    broker: { related: `http://localhost/kafka/v3/clusters/${id}/brokers/${first}` },
  });
});

test("partitions are listed page by page in the order of their numbers", async () => {
  const { call, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  await topic(id, "orders", 12);
  const path = `/kafka/v3/clusters/${id}/topics/orders/partitions`;
  const first = await call<PartitionList>(`GET ${path}?page_size=10`);
  const { search } = new URL(first.body.metadata.next ?? "");
  const second = await call<PartitionList>(`GET ${path}${search}`);
  expect(second.body.data.map((each) => each.partition_id)).toEqual([10, 11]);
});

test("what is not there is named", async () => {
  const { refused, cluster, topic, registerBroker } = await createApiFixture();
  await registerBroker();
  const { id } = await cluster();
  await topic(id, "orders", 2);
  const path = `/kafka/v3/clusters/${id}/topics/orders/partitions`;
  const partition = await refused(`GET ${path}/2`);
  expect(partition).toMatchObject({ status: 404, body: { error_code: 40402 } });
  expect(partition.body.detail).toContain("no partition 2; it has 2, from 0");
  const replica = await refused(`GET ${path}/0/replicas/9`);
  expect(replica.status).toBe(404);
  expect(replica.body.detail).toContain("no replica on broker 9");
  const nonsense = await refused(`GET ${path}/first`);
  expect(nonsense).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: "#/partition_id", in: "path" }] },
  });
});
