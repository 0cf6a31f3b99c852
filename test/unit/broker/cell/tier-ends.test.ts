import { describe, expect, test } from "vitest";

import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import { partitionKey } from "../../../../broker/cell/tier-ends.ts";
import type { TieredTo, Untold } from "../../../../broker/cell/tier-ends.ts";
import { controller, settled, until } from "./cell-scenes.ts";
import { addBroker, addTopic, kill, partitionsOf, pass } from "./cell-world.ts";

/** Every host of an ephemeral cell is gone at once; others come. */
function disaster(
  tierOf: (index: number) => TieredTo | null,
  { isTierUp = true, partitionCount = 4 } = {},
) {
  const tier = new Map<string, TieredTo | Untold>();
  const world = settled({ brokers: 3, broker: { ephemeral: true }, tier });
  addTopic(world, { name: "t", partitionCount, replicationFactor: 3 });
  const [topicId = ""] = world.head.topics.keys();
  for (const { index } of partitionsOf(world)) {
    const to = tierOf(index);
    if (to !== null) tier.set(partitionKey({ topicId, index }), to);
  }
  world.isTierUp = isTierUp;
  for (const node of world.nodes) kill(world, node, { isHost: true });
  pass(world, 20_000);
  const empty = { lastEpoch: -1, logEndOffset: 0, highWatermark: 0 };
  for (let count = 0; count < 3; count++) {
    const node = addBroker(world, { ephemeral: true });
    // A replica that was being added when the others died may lead too.
    node.ends = partitionsOf(world).map(({ index }) => ({ topicId, index, ...empty }));
  }
  return world;
}

const isWhole = (world: ReturnType<typeof disaster>) => world.head.leaderlessCount === 0;

describe("a cell that has lost every disk", () => {
  test("goes on from the object store, above a gap, and says what may be missing", () => {
    const world = disaster((index) => (index === 3 ? null : { end: 1_000 + index, lastEpoch: 0 }));
    pass(world, 9 * 60_000);
    expect(isWhole(world)).toBe(false);
    expect(until(world, () => isWhole(world))).toBeLessThan(3 * 60_000);
    for (const { index, recoveries, leader } of partitionsOf(world)) {
      const end = index === 3 ? 0 : 1_000 + index;
      expect(recoveries).toMatchObject([{ end, start: end + 2 ** 40 }]);
      expect(leader).toBeGreaterThan(3);
    }
    expect(controller(world).alarms.join()).toContain("may lack records");
    expect(imageProblems(world.head)).toEqual([]);
  });

  test("waits with a partition that is damaged, and with no other", () => {
    const world = disaster(() => ({ end: 1_000, lastEpoch: 0 }));
    const [topicId = ""] = world.head.topics.keys();
    const key = partitionKey({ topicId, index: 2 });
    world.tier!.set(key, "damaged");
    until(world, () => world.head.leaderlessCount === 1, 30 * 60_000);
    expect(partitionsOf(world).map(({ leader }) => leader === -1)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    const before = world.tierQuestions;
    pass(world, 10 * 60_000);
    // Every question costs a few requests.
    expect(world.tierQuestions - before).toBeLessThan(25);
    world.tier!.set(key, { end: 1_500, lastEpoch: 0 });
    expect(until(world, () => isWhole(world))).toBeLessThan(35_000);
    expect(partitionsOf(world)[2]?.recoveries[0]?.end).toBe(1_500);
  });

  test("has a leader soon after the store has answered for a partition of which it did not for long", () => {
    const world = disaster(() => ({ end: 1_000, lastEpoch: 0 }));
    const [topicId = ""] = world.head.topics.keys();
    const key = partitionKey({ topicId, index: 2 });
    world.tier!.set(key, "unanswered");
    until(world, () => world.head.leaderlessCount === 1, 30 * 60_000);
    pass(world, 10 * 60_000);
    world.tier!.set(key, { end: 1_500, lastEpoch: 0 });
    expect(until(world, () => isWhole(world))).toBeLessThan(5_000);
  });

  test("waits with more than one question has room for, and with no other", () => {
    const told = { end: 1_000, lastEpoch: 0 };
    const world = disaster(() => told, { partitionCount: 300 });
    const [topicId = ""] = world.head.topics.keys();
    for (let index = 0; index < 270; index += 1)
      world.tier!.set(partitionKey({ topicId, index }), "damaged");
    until(world, () => world.head.leaderlessCount === 270, 30 * 60_000);
    expect(partitionsOf(world).filter(({ leader }) => leader === -1).length).toBe(270);
    const late = partitionKey({ topicId, index: 269 });
    world.tier!.set(late, told);
    expect(until(world, () => world.head.leaderlessCount === 269)).toBeLessThan(35_000);
  });

  test("decides again what the metadata log did not take, though nothing has changed", () => {
    const world = disaster(() => ({ end: 1_000, lastEpoch: 0 }));
    const isDeciding = () => world.nodes.some(({ submitted }) => submitted.includes("recover"));
    until(world, isDeciding, 30 * 60_000);
    const node = controller(world);
    node.canReadLog = false;
    pass(world, 2_000);
    expect(isWhole(world)).toBe(false);
    node.canReadLog = true;
    expect(until(world, () => isWhole(world), 60_000)).toBeLessThan(10_000);
  });

  test("waits for an object store that does not answer: nobody goes on below its end", () => {
    const world = disaster(() => ({ end: 1_000, lastEpoch: 0 }), { isTierUp: false });
    pass(world, 30 * 60_000);
    expect(partitionsOf(world).every(({ leader }) => leader === -1)).toBe(true);
    world.isTierUp = true;
    expect(until(world, () => isWhole(world))).toBeLessThan(5_000);
    for (const { recoveries } of partitionsOf(world)) expect(recoveries[0]?.end).toBe(1_000);
  });
});
