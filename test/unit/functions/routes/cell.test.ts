import { expect, test } from "vitest";
import type { Cell } from "../../../../functions/api-types.ts";
import { createApiFixture } from "../api-fixture.ts";

test("a cell without brokers waits for them, its partitions without leaders", async () => {
  const { call, cluster, topic } = await createApiFixture();
  const { id } = await cluster();
  await topic(id, "orders", 3);
  const { body } = await call<Cell>("GET /v1/cell");
  expect(body).toMatchObject({
    version: "0.0.0-test",
    state: "waiting_for_brokers",
    controller_broker_id: null,
    clusters_count: 1,
    topics_count: 1,
    partitions_count: 3,
    offline_partitions_count: 3,
    under_replicated_partitions_count: 0,
    brokers: [],
  });
});

test("a broker that registers takes over what waits", async () => {
  const { call, cluster, topic, registerBroker } = await createApiFixture();
  const { id } = await cluster();
  await topic(id, "orders", 3);
  const broker = await registerBroker({ host: "10.0.0.1", zone: "a" });
  const { body } = await call<Cell>("GET /v1/cell");
  expect(body).toMatchObject({
    state: "ready",
    offline_partitions_count: 0,
    brokers: [
      {
        id: broker,
        state: "active",
        host: "10.0.0.1",
        port: 9092,
        zone: "a",
        registered_at: "2026-11-21T09:00:00.000Z",
      },
    ],
  });
});
