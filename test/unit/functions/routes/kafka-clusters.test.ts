import { expect, test } from "vitest";
import type { KafkaCluster, KafkaClusterList } from "../../../../functions/api-types.ts";
import { createApiFixture } from "../api-fixture.ts";

test("a cluster links to everything in it, in Confluent's shape", async () => {
  const { call, cluster } = await createApiFixture();
  const { id } = await cluster();
  const self = `http://localhost/kafka/v3/clusters/${id}`;
  const { body } = await call<KafkaCluster>(`GET /kafka/v3/clusters/${id}`);
  expect(body).toEqual({
    kind: "KafkaCluster",
    metadata: { self, resource_name: `crn:///kafka=${id}` },
    cluster_id: id,
    acls: { related: `${self}/acls` },
    brokers: { related: `${self}/brokers` },
    broker_configs: { related: `${self}/broker-configs` },
    consumer_groups: { related: `${self}/consumer-groups` },
    topics: { related: `${self}/topics` },
    partition_reassignments: { related: `${self}/topics/-/partitions/-/reassignment` },
  });
});

test("links follow the address the request came to", async () => {
  const { app, cluster } = await createApiFixture();
  const { id } = await cluster();
  const response = await app.request(`https://api.example:8443/kafka/v3/clusters/${id}`);
  const body = (await response.json()) as KafkaCluster;
  expect(body.metadata.self).toBe(`https://api.example:8443/kafka/v3/clusters/${id}`);
});

test("clusters are listed page by page", async () => {
  const { call, cluster } = await createApiFixture();
  for (const name of ["a", "b", "c"]) await cluster(name);
  const first = await call<KafkaClusterList>("GET /kafka/v3/clusters?page_size=2");
  expect(first.body).toMatchObject({ kind: "KafkaClusterList", data: [{}, {}] });
  const { search } = new URL(first.body.metadata.next ?? "");
  const second = await call<KafkaClusterList>(`GET /kafka/v3/clusters${search}`);
  const ids = [...first.body.data, ...second.body.data].map((each) => each.cluster_id);
  expect(new Set(ids).size).toBe(3);
  expect(second.body.metadata.next).toBeNull();
});

test("an unknown cluster is not found", async () => {
  const { refused } = await createApiFixture();
  const answer = await refused("GET /kafka/v3/clusters/nope");
  expect(answer).toMatchObject({
    status: 404,
    body: { error_code: 404, message: "no cluster has the id nope" },
  });
});
