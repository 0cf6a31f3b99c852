import { expect, test } from "vitest";
import type { Cell, Operation } from "../../../../functions/api-types.ts";
import { sealPartitions } from "../../../../metadata/commands/seal-partitions.ts";
import { fallAsleep } from "../../../../metadata/commands/sleep-cell.ts";
import { createCellFixture } from "../cell-fixture.ts";
import type { CellFixture } from "../cell-fixture.ts";

const sleep = "POST /v1/cell:sleep";
const wake = "POST /v1/cell:wake";

/** What a leader does once its partition is in the object store. */
async function seal({ replica, stored }: CellFixture, name: string): Promise<void> {
  const { topicId, partitions } = stored(name);
  for (const { index, leader: brokerId, leaderEpoch } of partitions) {
    const brokerEpoch = replica.image.brokers.get(brokerId)?.epoch ?? -1;
    const seals = [{ topicId, index, leaderEpoch, end: 5 }];
    const request = { brokerId, brokerEpoch, seals };
    await replica.submit((image, context) => sealPartitions(image, request, context));
  }
  await replica.submit(fallAsleep);
}

test("sleep is an operation that ends when all is sealed", async () => {
  const fixture = await createCellFixture(2);
  const { call, place } = fixture;
  await place("orders", [1, 2], [2, 1]);
  const begun = await call<Operation>(sleep);
  expect(begun.status).toBe(202);
  expect(begun.body).toEqual({
    id: expect.stringMatching(/^sleep-\d+$/),
    kind: "sleep",
    state: "running",
    progress: { done: 0, total: 2, unit: "partitions" },
    started_at: "2026-11-21T09:00:00.000Z",
  });
  expect((await call<Operation>(sleep)).body).toEqual(begun.body);
  expect((await call<Cell>("GET /v1/cell")).body.state).toBe("falling_asleep");
  const location = begun.headers.get("location") ?? "";
  expect((await call<Operation>(`GET ${location}`)).body).toEqual(begun.body);
  expect(await fixture.operations()).toEqual([begun.body]);
  await seal(fixture, "orders");
  expect((await call<Operation>(`GET ${location}`)).body).toMatchObject({
    state: "done",
    progress: { done: 2, total: 2 },
  });
  expect((await call<Cell>("GET /v1/cell")).body.state).toBe("asleep");
});

test("a partition without a leader holds it up, and it says so", async () => {
  const { call, place, fence } = await createCellFixture(2);
  await place("orders", [1]);
  await fence(1);
  expect((await call<Operation>(sleep)).body).toMatchObject({
    state: "blocked",
    error: expect.stringContaining("1 partitions have no leader"),
  });
});

test("waking takes it back, as canceling does, and leaves no trace", async () => {
  const { call, place, refused, operations } = await createCellFixture(2);
  await place("orders", [1, 2]);
  const { body } = await call<Operation>(sleep);
  expect((await call<Cell>(wake)).body.state).toBe("ready");
  expect(await refused(`GET /v1/cell/operations/${body.id}`)).toMatchObject({ status: 404 });
  const again = await call<Operation>(sleep);
  expect(again.body.id).not.toBe(body.id);
  const canceled = await call<Operation>(`POST /v1/cell/operations/${again.body.id}:cancel`);
  expect(canceled.body.state).toBe("canceled");
  expect(await operations()).toEqual([]);
  expect((await call<Cell>(wake)).body.state).toBe("ready");
});

test("topics are made while it sleeps, and wait", async () => {
  const { call, clusterId, topic, partition } = await createCellFixture(0);
  await call(sleep);
  expect((await call<Cell>("GET /v1/cell")).body.state).toBe("asleep");
  await topic(clusterId, "night", 2);
  expect(partition("night").replicas).toEqual([]);
});

test("both are in the reference", async () => {
  const { call } = await createCellFixture(0);
  const { body } = await call<{ paths: Record<string, object> }>("GET /openapi.json");
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining(["/v1/cell:sleep", "/v1/cell:wake"]),
  );
});
