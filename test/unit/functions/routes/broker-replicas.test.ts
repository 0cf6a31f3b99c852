import { expect, test } from "vitest";
import type { KafkaBroker, ReplicaList } from "../../../../functions/api-types.ts";
import { createCellFixture } from "../cell-fixture.ts";

test("a broker's replicas are those of the cluster's partitions that it holds, by topic and number", async () => {
  const { call, clusterId, place, catchUp } = await createCellFixture(3);
  await place("orders", [1, 2], [3, 1], [2, 3]);
  await place("a", [3, 2]);
  await catchUp("a", [3]);
  const broker = `/kafka/v3/clusters/${clusterId}/brokers/2`;
  const { related } = (await call<KafkaBroker>(`GET ${broker}`)).body.partition_replicas;
  const { body } = await call<ReplicaList>(`GET ${new URL(related).pathname}`);
  expect(body).toMatchObject({ kind: "KafkaReplicaList", metadata: { self: related, next: null } });
  expect(
    body.data.map((each) => [
      each.topic_name,
      each.partition_id,
      each.broker_id,
      each.is_leader,
      each.is_in_sync,
    ]),
  ).toEqual([
    ["a", 0, 2, false, false],
    ["orders", 0, 2, false, true],
    ["orders", 2, 2, true, true],
  ]);
});

test("of a broker that is not there nothing is listed", async () => {
  const { refused, clusterId } = await createCellFixture(1);
  const path = `/kafka/v3/clusters/${clusterId}/brokers/9/partition-replicas`;
  expect(await refused(`GET ${path}`)).toMatchObject({
    status: 404,
    body: { kafka_error_code: "BROKER_ID_NOT_REGISTERED" },
  });
});
