import { expect, test } from "vitest";
import { createDeploymentGate } from "../../../../broker/container/deployment-gate.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createCellFixture } from "../../functions/cell-fixture.ts";

const limitMs = 540_000;

async function cellWithGate(gatedId: number) {
  const cell = await createCellFixture(4);
  const gate = createDeploymentGate({
    image: cell.replica.image,
    brokerId: gatedId,
    clock: cell.clock,
    limitMs,
    log: silentLog,
  });
  return { ...cell, gate };
}

test("a deployment waits until what went with the last broker is made anew, on whichever broker", async () => {
  const { gate, place, catchUp, fence, partition } = await cellWithGate(4);
  await place("orders", [1, 2, 3]);
  await catchUp("orders");
  await fence(1);
  expect(gate()).toBe("1 partitions of the cell lack a copy");
  expect(partition("orders").isr).toEqual([2, 3]);
});

test("once open it stays so, whatever others lack", async () => {
  const { gate, place, fence } = await cellWithGate(4);
  expect(gate()).toBeNull();
  await place("orders", [1, 2, 3]);
  await fence(1);
  expect(gate()).toBeNull();
});

test("a broker that the cell does not count on holds a deployment up", async () => {
  const { gate, fence } = await cellWithGate(4);
  await fence(4);
  expect(gate()).toContain("the cell does not count on this broker");
});

test("after the limit it opens whatever is missing, for its successor would begin with nothing", async () => {
  const { gate, place, fence, clock } = await cellWithGate(4);
  await place("orders", [1, 2, 3]);
  await fence(1);
  await clock.advance(limitMs - 1);
  expect(gate()).not.toBeNull();
  await clock.advance(1);
  expect(gate()).toBeNull();
});
