import { expect, test } from "vitest";
import type { CellBroker, Operation } from "../../../../functions/api-types.ts";
import { createCellFixture } from "../cell-fixture.ts";

const drain = "POST /v1/cell/brokers/1:drain";

test("a drain is an operation that ends when the broker is empty", async () => {
  const { call, place, grow, catchUp, partition } = await createCellFixture(4);
  await place("orders", [1, 2, 3], [2, 3, 1], [2, 3, 4]);
  const begun = await call<Operation>(drain);
  expect(begun.status).toBe(202);
  expect(begun.body).toEqual({
    id: expect.stringMatching(/^drain-1-\d+$/),
    kind: "drain",
    state: "running",
    progress: { done: 0, total: 2, unit: "partitions" },
    started_at: "2026-11-21T09:00:00.000Z",
    broker_id: 1,
  });
  const location = begun.headers.get("location") ?? "";
  expect(location).toBe(`/v1/cell/operations/${begun.body.id}`);
  expect(partition("orders").leader).toBe(2);
  await grow();
  expect((await call<Operation>(`GET ${location}`)).body.progress.done).toBe(0);
  await catchUp("orders");
  expect((await call<Operation>(`GET ${location}`)).body).toMatchObject({
    state: "done",
    progress: { done: 2, total: 2 },
  });
});

test("a broker that is drained says so, and is active until it is stopped", async () => {
  const { call } = await createCellFixture(2);
  const { body } = await call<Operation>(drain);
  expect((await call<CellBroker>("GET /v1/cell/brokers/1")).body).toMatchObject({
    state: "active",
    drain: { operation_id: body.id, started_at: "2026-11-21T09:00:00.000Z" },
  });
});

test("asked again it is the same drain, with an Idempotency-Key and without", async () => {
  const { call, replica, place } = await createCellFixture(3);
  await place("orders", [1, 2]);
  const key = { "Idempotency-Key": "k1" };
  const first = await call<Operation>(drain, undefined, key);
  const { revision } = replica.image;
  const again = await call<Operation>(drain, undefined, key);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  const anew = await call<Operation>(drain);
  expect([again.body, anew.body]).toEqual([first.body, first.body]);
  expect(replica.image.revision).toBe(revision);
});

test("a drain that no broker can take in says what to do", async () => {
  const { call, place, grow } = await createCellFixture(3);
  await place("orders", [1, 2, 3]);
  const { body } = await call<Operation>(drain);
  await grow();
  expect((await call<Operation>(`GET /v1/cell/operations/${body.id}`)).body).toMatchObject({
    state: "blocked",
    error: expect.stringContaining("1 partitions of broker 1 have a replica on every broker"),
  });
});

test("what has no leader is not moved, and the drain says so", async () => {
  const { call, place, grow, fence } = await createCellFixture(3);
  await place("dark", [1]);
  const { body } = await call<Operation>(drain);
  await fence(1);
  await grow();
  expect((await call<Operation>(`GET /v1/cell/operations/${body.id}`)).body).toMatchObject({
    state: "blocked",
    error: "1 of its partitions have no leader, and are not moved without",
  });
});

test("a drain is refused where there is nobody else, and of a broker that is not there", async () => {
  const { refused } = await createCellFixture(1);
  expect(await refused(drain)).toMatchObject({
    status: 400,
    body: { kafka_error_code: "INVALID_REQUEST", detail: expect.stringContaining("nowhere") },
  });
  expect((await refused("POST /v1/cell/brokers/9:drain")).status).toBe(404);
});

test("undrain takes it back, and its operation is no more", async () => {
  const { call, refused, place, replica } = await createCellFixture(3);
  await place("orders", [1, 2]);
  const { body } = await call<Operation>(drain);
  const back = await call<CellBroker>("POST /v1/cell/brokers/1:undrain");
  expect(back).toMatchObject({ status: 200, body: { id: 1, drain: null, replicas_count: 1 } });
  expect((await refused(`GET /v1/cell/operations/${body.id}`)).status).toBe(404);
  const { revision } = replica.image;
  expect((await call("POST /v1/cell/brokers/1:undrain")).status).toBe(200);
  expect(replica.image.revision).toBe(revision);
});

test("a broker whose process is stopping cannot be kept by undrain", async () => {
  const { refused, replica } = await createCellFixture(2);
  await replica.submit(() => ({
    kind: "accepted",
    records: [{ kind: "brokerState", brokerId: 1, state: "draining", isLost: false }],
    result: null,
  }));
  const answer = await refused("POST /v1/cell/brokers/1:undrain");
  expect(answer.status).toBe(400);
  expect(answer.body.detail).toContain("was told to stop");
});
