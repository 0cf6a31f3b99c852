import { describe, expect, test } from "vitest";

import type { TieredTo } from "../../../../broker/cell/tier-ends.ts";
import { sealPartitions } from "../../../../metadata/commands/seal-partitions.ts";
import { sleepCell, wakeCell } from "../../../../metadata/commands/sleep-cell.ts";
import { controller, others, settled, until } from "./cell-scenes.ts";
import {
  addBroker,
  addTopic,
  commandAtHead,
  partitionsOf,
  pass,
  stopBroker,
} from "./cell-world.ts";
import type { CellWorld, Node } from "./cell-world.ts";

/** What leaders do once all they have is in the object store. */
function sealAll(world: CellWorld, end = 100): void {
  for (const [brokerId, { epoch: brokerEpoch }] of world.head.brokers) {
    const seals = [...world.head.topics.values()].flatMap(({ topicId, partitions }) =>
      partitions
        .filter(({ leader }) => leader === brokerId)
        .map(({ index, leaderEpoch }) => ({ topicId, index, leaderEpoch, end })),
    );
    const request = { brokerId, brokerEpoch, seals };
    commandAtHead(world, (image, context) => sealPartitions(image, request, context));
  }
}

function asleep(brokers: number): CellWorld {
  const world = settled({ brokers, broker: { ephemeral: true } });
  addTopic(world, { name: "t", partitionCount: 9, replicationFactor: Math.min(3, brokers) });
  commandAtHead(world, sleepCell);
  sealAll(world);
  until(world, () => world.head.sleep.state === "asleep");
  return world;
}

describe("a broker that stops, and whose disk goes with it", () => {
  const alone = (tier: Map<string, TieredTo> | null) => {
    const world = settled({ brokers: 2, broker: { ephemeral: true }, tier });
    const [leaving] = others(world) as [Node];
    addTopic(world, { name: "t", assignments: [{ index: 0, brokerIds: [leaving.brokerId] }] });
    stopBroker(world, leaving);
    return { world, leaving };
  };

  test("waits until its last copies are sealed, and others go on from there without a gap", () => {
    const { world, leaving } = alone(new Map());
    pass(world, 30_000);
    expect(leaving.isUp).toBe(true);
    sealAll(world, 42);
    expect(until(world, () => !leaving.isUp)).toBeLessThan(5_000);
    expect(until(world, () => world.head.leaderlessCount === 0)).toBeLessThan(6_000);
    const next = controller(world).brokerId;
    expect(partitionsOf(world)[0]).toMatchObject({
      leader: next,
      replicas: [next],
      recoveries: [],
      sealed: { end: 42 },
    });
  });

  test("waits no longer than a drain may take, and not at all where there is no tier", () => {
    const { world, leaving } = alone(new Map());
    expect(until(world, () => !leaving.isUp)).toBeGreaterThan(99_000);
    const other = alone(null);
    expect(until(other.world, () => !other.leaving.isUp)).toBeLessThan(5_000);
  });
});

describe("the brokers of a cell", () => {
  test("go on with falling asleep until all is sealed, then end in good order", () => {
    const world = settled({ brokers: 3 });
    addTopic(world, { name: "t", partitionCount: 9, replicationFactor: 3 });
    commandAtHead(world, sleepCell);
    pass(world, 20_000);
    expect(world.head.sleep.state).toBe("fallingAsleep");
    sealAll(world);
    expect(until(world, () => world.head.sleep.state === "asleep")).toBeLessThan(3_000);
    expect(until(world, () => world.nodes.every(({ isUp }) => !isUp))).toBeLessThan(30_000);
    for (const node of world.nodes) {
      expect(node).toMatchObject({ isToldToSleep: true, stoppedFor: "drained" });
    }
    for (const { sealed } of partitionsOf(world)) expect(sealed?.end).toBe(100);
  });

  test("that wake it share its partitions, though none of them has been there before", () => {
    const world = asleep(3);
    until(world, () => world.nodes.every(({ isUp }) => !isUp));
    pass(world, 60 * 60_000);
    for (const { sealed } of partitionsOf(world)) expect(sealed?.end).toBe(100);
    const woken = [1, 2, 3].map(() => addBroker(world, { ephemeral: true }));
    expect(world.head.sleep.state).toBe("awake");
    expect(until(world, () => world.head.leaderlessCount === 0)).toBeLessThan(6_000);
    const ids = woken.map(({ brokerId }) => brokerId);
    for (const { replicas, leader, recoveries } of partitionsOf(world)) {
      expect(replicas.toSorted((a, b) => a - b)).toEqual(ids);
      expect(ids).toContain(leader);
      expect(recoveries).toEqual([]);
    }
    const leaders = partitionsOf(world).map(({ leader }) => leader);
    for (const id of ids) expect(leaders.filter((each) => each === id)).toHaveLength(3);
    // Those that never come back are forgotten.
    pass(world, 3 * 60 * 60_000);
    expect([...world.head.brokers.keys()]).toEqual(ids);
  });

  test("replace and balance nothing while it falls asleep", () => {
    const world = settled({ brokers: 4 });
    addTopic(world, { name: "t", partitionCount: 9, replicationFactor: 3 });
    commandAtHead(world, sleepCell);
    const { submitted } = controller(world) as Node;
    submitted.length = 0;
    pass(world, 5 * 60_000);
    expect(submitted).toEqual([]);
    commandAtHead(world, wakeCell);
    expect(world.head.sleep.state).toBe("awake");
  });
});
