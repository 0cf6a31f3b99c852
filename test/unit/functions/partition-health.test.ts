import { expect, test } from "vitest";
import type { Cell } from "../../../functions/api-types.ts";
import { createCellFixture } from "./cell-fixture.ts";

test("a partition counts for each of its problems, and the worst are named first", async () => {
  const { call, place, catchUp, fence, clusterId } = await createCellFixture(3);
  await place("lagging", [1, 2, 3]);
  await place("thin", [1, 2, 3]);
  await place("dark", [3]);
  await catchUp("lagging", [1, 2]);
  await catchUp("thin", [1]);
  await fence(3);
  const { body } = await call<Cell>("GET /v1/cell");
  expect(body).toMatchObject({
    offline_partitions_count: 1,
    under_min_isr_partitions_count: 2,
    under_replicated_partitions_count: 3,
    moving_partitions_count: 0,
  });
  expect(body.unhealthy_partitions).toEqual([
    {
      cluster_id: clusterId,
      cluster_name: "shop",
      topic_name: "dark",
      partition_id: 0,
      problem: "offline",
      leader: null,
      replicas: [3],
      in_sync_replicas: [],
      waits_for: [3],
    },
    expect.objectContaining({ topic_name: "thin", problem: "under_min_isr", leader: 1 }),
    expect.objectContaining({ topic_name: "lagging", problem: "under_replicated", waits_for: [] }),
  ]);
});

test("replicas that a move is just making are not missing", async () => {
  const { call, place, clusterId } = await createCellFixture(4);
  await place("orders", [1, 2, 3]);
  await call("POST /v1/cell/moves", {
    cluster_id: clusterId,
    topic_name: "orders",
    replicas_assignments: [{ partition_id: 0, broker_ids: [1, 2, 4] }],
  });
  const { body } = await call<Cell>("GET /v1/cell");
  expect(body).toMatchObject({
    under_replicated_partitions_count: 0,
    moving_partitions_count: 1,
    unhealthy_partitions: [],
  });
});

test("only a few are named, however many there are", async () => {
  const { call, place, fence } = await createCellFixture(2);
  await place("dark", ...Array.from({ length: 30 }, () => [2]));
  await fence(2);
  const { body } = await call<Cell>("GET /v1/cell");
  expect(body.offline_partitions_count).toBe(30);
  expect(body.unhealthy_partitions).toHaveLength(10);
});
