import { expect, test } from "vitest";
import type { CellBroker, CellBrokerList } from "../../../../functions/api-types.ts";
import { createCellFixture } from "../cell-fixture.ts";

test("a broker says what it is, what it carries, and what of it is not in sync", async () => {
  const { call, place, catchUp } = await createCellFixture(3);
  await place("orders", [1, 2, 3], [2, 1, 3], [2, 3, 1]);
  await catchUp("orders", [1, 2]);
  const { body } = await call<CellBroker>("GET /v1/cell/brokers/2");
  expect(body).toEqual({
    id: 2,
    state: "active",
    host: "10.0.0.2",
    port: 9092,
    slot: 1,
    zone: "b",
    registered_at: "2026-11-21T09:00:00.000Z",
    epoch: 3,
    previous_end: "new",
    is_controller: false,
    is_ephemeral: false,
    is_lost: false,
    leaders_count: 2,
    replicas_count: 3,
    out_of_sync_replicas_count: 0,
    metadata_levels: { min: 1, max: 1 },
    drain: null,
  });
  const third = await call<CellBroker>("GET /v1/cell/brokers/3");
  expect(third.body).toMatchObject({ leaders_count: 0, out_of_sync_replicas_count: 3 });
});

test("brokers are listed page by page in the order of their ids", async () => {
  const { call, refused } = await createCellFixture(12);
  const first = await call<CellBrokerList>("GET /v1/cell/brokers?page_size=10");
  const token = first.body.next_page_token ?? "";
  const second = await call<CellBrokerList>(`GET /v1/cell/brokers?page_token=${token}`);
  const ids = [...first.body.data, ...second.body.data].map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  expect(second.body.next_page_token).toBeNull();
  expect((await refused("GET /v1/cell/brokers/13")).body.detail).toBe("no broker has the id 13");
});
