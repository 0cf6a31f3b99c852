import { expect, test } from "vitest";
import type { Reassignment, ReassignmentList } from "../../../../functions/api-types.ts";
import { createCellFixture } from "../cell-fixture.ts";

async function moving() {
  const cell = await createCellFixture(5);
  const { clusterId, place, call } = cell;
  await place("orders", [1, 2, 3], [1, 2, 3]);
  await place("a-b", [1, 2, 3]);
  const move = async (name: string, partition_id: number, broker_ids: number[]) =>
    call("POST /v1/cell/moves", {
      cluster_id: clusterId,
      topic_name: name,
      replicas_assignments: [{ partition_id, broker_ids }],
    });
  await move("orders", 1, [1, 4, 5]);
  await move("a-b", 0, [1, 2, 4]);
  return { ...cell, base: `/kafka/v3/clusters/${clusterId}/topics` };
}

test("a partition that moves is a reassignment, field for field as Confluent has it", async () => {
  const { call, base, clusterId } = await moving();
  const { body } = await call<Reassignment>(`GET ${base}/orders/partitions/1/reassignment`);
  const partition = `http://localhost${base}/orders/partitions/1`;
  expect(body).toEqual({
    kind: "KafkaReassignment",
    metadata: {
      self: `${partition}/reassignment`,
      resource_name: `crn:///kafka=${clusterId}/topic=orders/partition=1/reassignment`,
    },
    cluster_id: clusterId,
    topic_name: "orders",
    partition_id: 1,
    adding_replicas: [4, 5],
    removing_replicas: [2, 3],
    replicas: { related: `${partition}/replicas` },
  });
});

test("the moves of a topic, and those of all topics in the order of their names", async () => {
  const { call, base } = await moving();
  const ofTopic = await call<ReassignmentList>(`GET ${base}/orders/partitions/-/reassignment`);
  expect(ofTopic.body).toMatchObject({
    kind: "KafkaReassignmentList",
    metadata: { self: `http://localhost${base}/orders/partitions/-/reassignment`, next: null },
  });
  expect(ofTopic.body.data.map((each) => each.partition_id)).toEqual([1]);
  const path = `${base}/-/partitions/-/reassignment`;
  const all = await call<ReassignmentList>(`GET ${path}`);
  expect(all.body.data.map((each) => each.topic_name)).toEqual(["a-b", "orders"]);
  const first = await call<ReassignmentList>(`GET ${path}?page_size=1`);
  const { search } = new URL(first.body.metadata.next ?? "");
  const second = await call<ReassignmentList>(`GET ${path}${search}`);
  expect(second.body.data).toEqual([all.body.data[1]]);
  expect(second.body.metadata.next).toBeNull();
});

test("a partition that does not move has none, and links of topics and clusters lead here", async () => {
  const { call, refused, base, clusterId } = await moving();
  const answer = await refused(`GET ${base}/orders/partitions/0/reassignment`);
  expect(answer).toMatchObject({
    status: 404,
    body: { error_code: 404, kafka_error_code: "NO_REASSIGNMENT_IN_PROGRESS" },
  });
  type Linked = { partition_reassignments: { related: string } };
  for (const path of [`${base}/orders`, `/kafka/v3/clusters/${clusterId}`]) {
    const { related } = (await call<Linked>(`GET ${path}`)).body.partition_reassignments;
    const { pathname } = new URL(related);
    expect((await call<ReassignmentList>(`GET ${pathname}`)).body.data.length).toBeGreaterThan(0);
  }
});
