import { expect, test } from "vitest";
import { startTaskProtection } from "../../../../broker/container/task-protection.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createCellFixture } from "../../functions/cell-fixture.ts";

const minuteMs = 60_000;

async function protectedCell() {
  const cell = await createCellFixture(3);
  const asked: (number | null)[] = [];
  const ecs = { isAway: false };
  const stop = startTaskProtection({
    image: cell.replica.image,
    brokerId: 1,
    clock: cell.clock,
    log: silentLog,
    protect: (minutes) => {
      if (ecs.isAway) return Promise.reject(new Error("throttled"));
      asked.push(minutes);
      return Promise.resolve();
    },
  });
  return { ...cell, asked, ecs, stop };
}

test("a broker that has others in sync with it asks for nothing", async () => {
  const { place, catchUp, clock, asked, stop } = await protectedCell();
  await place("orders", [1, 2, 3]);
  await catchUp("orders");
  await clock.advance(5 * minuteMs);
  await stop();
  expect(asked).toEqual([]);
});

test("it is protected while it alone is in sync, again and again, and free when others are", async () => {
  const { place, catchUp, clock, asked, stop } = await protectedCell();
  await place("orders", [1, 2, 3]);
  await catchUp("orders", [1]);
  await clock.advance(minuteMs);
  expect(asked).toEqual([60]);
  // Within the ten minutes for which the reconcile function protects it, where that came later.
  await clock.advance(5 * minuteMs);
  expect(asked).toEqual([60, 60]);
  await catchUp("orders", [1, 2]);
  await clock.advance(minuteMs);
  expect(asked).toEqual([60, 60, null]);
  await stop();
});

test("a partition without a leader protects everyone who may know its last records", async () => {
  const { place, catchUp, fence, clock, asked, stop, partition } = await protectedCell();
  await place("orders", [1, 2]);
  await catchUp("orders");
  await fence(1, 2);
  expect(partition("orders").leader).toBe(-1);
  await clock.advance(minuteMs);
  expect(asked).toEqual([60]);
  await stop();
  expect(asked).toEqual([60, null]);
});

test("a partition that has one replica was never promised more", async () => {
  const { place, clock, asked, stop } = await protectedCell();
  await place("orders", [1]);
  await clock.advance(minuteMs);
  await stop();
  expect(asked).toEqual([]);
});

test("an ECS that does not answer is asked again", async () => {
  const { place, catchUp, clock, asked, ecs, stop } = await protectedCell();
  ecs.isAway = true;
  await place("orders", [1, 2, 3]);
  await catchUp("orders", [1]);
  await clock.advance(minuteMs);
  ecs.isAway = false;
  await clock.advance(minuteMs);
  expect(asked).toEqual([60]);
  await stop();
});
