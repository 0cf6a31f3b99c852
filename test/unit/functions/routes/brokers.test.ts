import { expect, test } from "vitest";
import type { KafkaBroker, KafkaBrokerList } from "../../../../functions/api-types.ts";
import { createApiFixture } from "../api-fixture.ts";

test("a broker is listed with the address it has for this cluster", async () => {
  const { call, cluster, registerBroker } = await createApiFixture();
  const broker = await registerBroker({ host: "10.0.0.1", port: 9092, zone: "euc1-az1" });
  await cluster("first");
  const { id } = await cluster("second");
  const path = `/kafka/v3/clusters/${id}/brokers`;
  const { body } = await call<KafkaBroker>(`GET ${path}/${broker}`);
  const self = `http://localhost${path}/${broker}`;
  expect(body).toEqual({
    kind: "KafkaBroker",
    metadata: { self, resource_name: `crn:///kafka=${id}/broker=${broker}` },
    cluster_id: id,
    broker_id: broker,
    host: "10.0.0.1",
    port: 9192,
    rack: "euc1-az1",
    configs: { related: `${self}/configs` },
    partition_replicas: { related: `${self}/partition-replicas` },
  });
  const list = await call<KafkaBrokerList>(`GET ${path}`);
  expect(list.body).toMatchObject({ kind: "KafkaBrokerList", data: [body] });
});

test("without a broker the list is empty, and none can be read", async () => {
  const { call, refused, cluster } = await createApiFixture();
  const { id } = await cluster();
  const path = `/kafka/v3/clusters/${id}/brokers`;
  expect((await call<KafkaBrokerList>(`GET ${path}`)).body.data).toEqual([]);
  expect((await refused(`GET ${path}/1`)).status).toBe(404);
  expect((await refused(`GET ${path}/one`)).body.errors).toMatchObject([
    { pointer: "#/broker_id", in: "path" },
  ]);
});
