import { expect, test } from "vitest";
import type { Operation, OperationList } from "../../../../functions/api-types.ts";
import { createCellFixture } from "../cell-fixture.ts";

const moves = "POST /v1/cell/moves";

async function withOrders() {
  const cell = await createCellFixture(5);
  await cell.place("orders", [1, 2, 3], [2, 3, 1]);
  const bodyOf = (...assigned: [number, number[] | null][]) => ({
    cluster_id: cell.clusterId,
    topic_name: "orders",
    replicas_assignments: assigned.map(([partition_id, broker_ids]) => {
      return { partition_id, broker_ids };
    }),
  });
  return { ...cell, bodyOf };
}

test("a move is an operation that counts the new replicas in sync, and is done with the last", async () => {
  const { call, bodyOf, catchUp, stored, partition, clusterId } = await withOrders();
  const begun = await call<OperationList>(moves, bodyOf([0, [4, 5, 3]]));
  expect(begun.status).toBe(202);
  const id = `move-${stored("orders").topicId}-0-4.5.3`;
  expect(begun.headers.get("location")).toBe(`/v1/cell/operations/${id}`);
  expect(begun.body).toEqual({
    data: [
      {
        id,
        kind: "move",
        state: "running",
        progress: { done: 1, total: 3, unit: "replicas" },
        partition: {
          cluster_id: clusterId,
          topic_name: "orders",
          partition_id: 0,
          replicas: [4, 5, 3],
          adding_replicas: [4, 5],
          removing_replicas: [1, 2],
        },
      },
    ],
    next_page_token: null,
  });
  const progress = async () => (await call<Operation>(`GET /v1/cell/operations/${id}`)).body;
  expect(await progress()).toEqual(begun.body.data[0]);
  await catchUp("orders", [1, 2, 3, 4]);
  expect((await progress()).progress.done).toBe(2);
  await catchUp("orders");
  expect(await progress()).toMatchObject({ state: "done", progress: { done: 3, total: 3 } });
  expect(partition("orders").replicas).toEqual([4, 5, 3]);
});

test("several partitions move in one entry of the metadata log, or none does", async () => {
  const { call, refused, bodyOf, replica, partition } = await withOrders();
  const { revision } = replica.image;
  const answer = await refused(moves, bodyOf([0, [4, 2, 3]], [1, [2, 9]]));
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    detail: "partition 1: broker 9 is not registered",
    kafka_error_code: "INVALID_REPLICA_ASSIGNMENT",
    errors: [{ pointer: "#/replicas_assignments/1/broker_ids", in: "body" }],
  });
  expect(partition("orders").adding).toEqual([]);
  const begun = await call<OperationList>(moves, bodyOf([0, [4, 2, 3]], [1, [5, 3, 1]]));
  expect(begun.body.data).toHaveLength(2);
  expect(begun.headers.get("location")).toBe("/v1/cell/operations");
  expect(replica.image.revision).toBe(revision + 1);
});

test("a move under way is taken back with null, and there must be one", async () => {
  const { call, refused, bodyOf, partition } = await withOrders();
  const begun = await call<OperationList>(moves, bodyOf([0, [4, 2, 3]]));
  const back = await call<OperationList>(moves, bodyOf([0, null]));
  expect(back.body.data).toMatchObject([{ id: begun.body.data[0]?.id, state: "canceled" }]);
  expect(partition("orders")).toMatchObject({ replicas: [2, 3, 1], adding: [], removing: [] });
  const again = await refused(moves, bodyOf([0, null]));
  expect(again).toMatchObject({
    status: 409,
    body: { kafka_error_code: "NO_REASSIGNMENT_IN_PROGRESS" },
  });
});

test("another number of replicas can be refused", async () => {
  const { call, refused, bodyOf, stored } = await withOrders();
  const body = bodyOf([0, [1, 2]]);
  const answer = await refused(moves, { ...body, allow_replication_factor_change: false });
  expect(answer.body).toMatchObject({
    detail: "partition 0: the partition has 3 replicas, the request names 2",
    kafka_error_code: "INVALID_REPLICATION_FACTOR",
  });
  expect((await call(moves, body)).status).toBe(202);
  expect(stored("orders").requestedReplicationFactor).toBe(2);
});

test("what is not there, and what is named twice, is refused by name", async () => {
  const { refused, bodyOf } = await withOrders();
  const noTopic = await refused(moves, { ...bodyOf([0, [1]]), topic_name: "nope" });
  expect(noTopic.status).toBe(404);
  expect(noTopic.body.detail).toContain("no partition 0 of a topic nope");
  const noCluster = await refused(moves, { ...bodyOf([0, [1]]), cluster_id: "nope" });
  expect(noCluster.body.kafka_error_code).toBe("CLUSTER_NOT_FOUND");
  const twice = await refused(moves, bodyOf([0, [4]], [0, [5]]));
  expect(twice).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: "#/replicas_assignments/1/partition_id" }] },
  });
});

test("a move waits for a broker that is out of service, and says so", async () => {
  const { call, bodyOf, fence } = await withOrders();
  const { body } = await call<OperationList>(moves, bodyOf([0, [4, 2, 3]]));
  await fence(4);
  const found = await call<Operation>(`GET /v1/cell/operations/${body.data[0]?.id}`);
  expect(found.body).toMatchObject({
    state: "blocked",
    error: "broker 4 is out of service: the move goes on once it is back; or cancel it",
  });
});
