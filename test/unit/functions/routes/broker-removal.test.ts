import { describe, expect, test } from "vitest";
import type { BrokerLoss } from "../../../../functions/api-types.ts";
import { createCellFixture } from "../cell-fixture.ts";

const declare = "POST /v1/cell/brokers/1:declare-lost";

async function withDeadBroker() {
  const cell = await createCellFixture(3);
  await cell.place("alone", [1]);
  await cell.place("pair", [1, 2]);
  await cell.place("led", [1, 3]);
  await cell.fence(1, 2);
  const show = async () => (await cell.call<BrokerLoss>(declare, { validate_only: true })).body;
  return { ...cell, show };
}

describe("declare-lost", () => {
  test("first shows what would be lost, and does nothing", async () => {
    const { show, replica, clusterId } = await withDeadBroker();
    const { revision } = replica.image;
    expect(await show()).toEqual({
      broker_id: 1,
      replicas_count: 3,
      waiting_partitions_count: 2,
      last_copies_count: 1,
      waiting_partitions: [
        {
          cluster_id: clusterId,
          cluster_name: "shop",
          topic_name: "alone",
          partition_id: 0,
          is_last_copy: true,
          other_members: [],
        },
        expect.objectContaining({ topic_name: "pair", is_last_copy: false, other_members: [2] }),
      ],
      confirmation: expect.stringMatching(/^[\w-]{22}$/),
      is_done: false,
    });
    expect(replica.image.revision).toBe(revision);
  });

  test("is done with the confirmation of what was shown", async () => {
    const { call, show, replica, partition } = await withDeadBroker();
    const { confirmation } = await show();
    const { body } = await call<BrokerLoss>(declare, { confirmation });
    expect(body).toMatchObject({ is_done: true, last_copies_count: 1 });
    expect(replica.image.brokers.get(1)?.isLost).toBe(true);
    expect(partition("alone")).toMatchObject({ leader: -1, isr: [], elr: [] });
    expect((await show()).is_done).toBe(true);
  });

  test("without a confirmation, or with one of something else, nothing is lost", async () => {
    const { call, refused, show, replica } = await withDeadBroker();
    const missing = await refused(declare, {});
    expect(missing).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/confirmation", in: "body" }] },
    });
    expect(missing.body.detail).toContain("ask with validate_only first");
    const { confirmation } = await show();
    // Of the pair's other member no more is to be had either.
    const other = "POST /v1/cell/brokers/2:declare-lost";
    const { body } = await call<BrokerLoss>(other, { validate_only: true });
    await call(other, { confirmation: body.confirmation });
    const outdated = await refused(declare, { confirmation });
    expect(outdated.status).toBe(409);
    expect(outdated.body.detail).toContain("ask with validate_only again");
    expect(replica.image.brokers.get(1)?.isLost).toBe(false);
  });

  test("of a broker in service is refused, also to those who only want to see", async () => {
    const { refused } = await createCellFixture(2);
    const answer = await refused(declare, { validate_only: true });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toBe("broker 1 is active: its disk is not lost");
    const unknown = await refused("POST /v1/cell/brokers/9:declare-lost", { validate_only: true });
    expect(unknown.status).toBe(404);
  });
});

describe("unregister", () => {
  test("forgets a broker that is out of service and holds nothing", async () => {
    const { call, refused, fence } = await createCellFixture(2);
    await fence(2);
    expect((await call("POST /v1/cell/brokers/2:unregister")).status).toBe(204);
    expect((await refused("GET /v1/cell/brokers/2")).status).toBe(404);
    expect((await refused("POST /v1/cell/brokers/2:unregister")).status).toBe(404);
  });

  test("of one that runs or holds replicas is refused with what to do first", async () => {
    const { refused, place, fence } = await createCellFixture(2);
    await place("orders", [2]);
    expect((await refused("POST /v1/cell/brokers/2:unregister")).body.detail).toContain("stop it");
    await fence(2);
    expect((await refused("POST /v1/cell/brokers/2:unregister")).body.detail).toContain(
      "move them to others first",
    );
  });
});
