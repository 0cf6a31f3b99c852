import { describe, expect, test } from "vitest";

import { accepted } from "../../../../metadata/commands/command.ts";
import { settled, controller, others, until } from "./cell-scenes.ts";
import {
  addBroker,
  addTopic,
  commandAtHead,
  kill,
  partitionsOf,
  pass,
  startBroker,
} from "./cell-world.ts";
import type { Node } from "./cell-world.ts";

describe("the controller's rounds", () => {
  test("give the replicas of a broker that is gone for a minute to others", () => {
    const world = settled({ brokers: 5 });
    addTopic(world, { name: "t", partitionCount: 20, replicationFactor: 3 });
    const [dead] = others(world) as [Node];
    kill(world, dead);
    pass(world, 55_000);
    expect(partitionsOf(world).some(({ adding }) => adding.length > 0)).toBe(false);
    pass(world, 15_000);
    for (const partition of partitionsOf(world)) {
      const isHeld = partition.replicas.includes(dead.brokerId);
      expect(partition.removing).toEqual(isHeld ? [dead.brokerId] : []);
      expect(partition.adding).toHaveLength(isHeld ? 1 : 0);
    }
  });

  test("bring topics made in a smaller cell to three replicas as brokers come", () => {
    const world = settled({ brokers: 1 });
    addTopic(world, { name: "t", partitionCount: 4 });
    addBroker(world);
    addBroker(world);
    pass(world, 10_000);
    for (const { adding } of partitionsOf(world)) expect(adding).toHaveLength(2);
  });

  test("declare an ephemeral disk lost after ten minutes where it is waited for, and forget it after an hour", () => {
    const world = settled({ brokers: 2, broker: { ephemeral: true } });
    const [dead] = others(world) as [Node];
    addTopic(world, { name: "t", assignments: [{ index: 0, brokerIds: [dead.brokerId] }] });
    kill(world, dead);
    pass(world, 9 * 60_000);
    expect(world.head.brokers.get(dead.brokerId)?.isLost).toBe(false);
    pass(world, 2 * 60_000);
    expect(world.head.brokers.get(dead.brokerId)?.isLost).toBe(true);
    // C3: nothing survives, so it goes on, empty, elsewhere, and says so.
    expect(partitionsOf(world)[0]).toMatchObject({ leader: controller(world).brokerId });
    expect(controller(world).alarms.join()).toContain("may lack records");
    pass(world, 60 * 60_000);
    expect(world.head.brokers.has(dead.brokerId)).toBe(false);
  });

  test("elect among crashed replicas once all have told the ends of their logs", () => {
    const world = settled({ brokers: 4 });
    const members = others(world);
    const brokerIds = members.map(({ brokerId }) => brokerId);
    addTopic(world, { name: "t", assignments: [{ index: 0, brokerIds }] });
    const topicId = [...world.head.topics.keys()][0] ?? "";
    for (const node of members) kill(world, node, { isHost: true });
    pass(world, 12_000);
    members.forEach((node, position) => {
      const logEndOffset = 100 + (position === 1 ? 5 : 0);
      const log = { lastEpoch: 0, logEndOffset, highWatermark: 90 };
      node.ends = [{ topicId, index: 0, ...log }];
      if (position < 2) startBroker(world, node, { previousEnd: "hostCrash" });
    });
    pass(world, 20_000);
    // The third may know more than both.
    const third = (members[2] as Node).brokerId;
    expect(partitionsOf(world)[0]).toMatchObject({ leader: -1, isr: [], elr: [third] });
    startBroker(world, members[2] as Node, { previousEnd: "hostCrash" });
    expect(until(world, () => partitionsOf(world)[0]?.leader !== -1)).toBeLessThan(3_000);
    const best = (members[1] as Node).brokerId;
    expect(partitionsOf(world)[0]).toMatchObject({ leader: best, isr: [best], lastIsr: [best] });
    expect(partitionsOf(world)[0]?.recoveries).toMatchObject([{ end: 105, start: 105 + 2 ** 40 }]);
  });

  test("give leaderships back to preferred replicas that are in sync", () => {
    const world = settled({ brokers: 3 });
    addTopic(world, { name: "t", partitionCount: 9, replicationFactor: 3 });
    const [brief] = others(world) as [Node];
    // Alive throughout, but out of the sets for a moment: its leaderships have moved.
    for (const { index, ...partition } of partitionsOf(world)) {
      if (partition.leader !== brief.brokerId) continue;
      const leader = partition.isr.find((id) => id !== brief.brokerId) ?? -1;
      const topicId = [...world.head.topics.keys()][0] ?? "";
      const after = { ...partition, index, leader, leaderEpoch: 1, partitionEpoch: 1 };
      const records = [{ kind: "partitionsChanged" as const, topicId, partitions: [after] }];
      commandAtHead(world, () => accepted(records, null));
    }
    pass(world, 15_000);
    for (const { leader, replicas } of partitionsOf(world)) expect(leader).toBe(replicas[0]);
  });

  test("raise the metadata level a day after all brokers know it", () => {
    const broker = { minLevel: 1, maxLevel: 2 };
    const world = settled({ brokers: 2, broker, config: { levelDelayMs: 200_000 } });
    Object.assign(world.head, { level: 1 });
    for (const node of world.nodes) Object.assign(node.image, { level: 1 });
    pass(world, 190_000);
    expect(world.head.level).toBe(1);
    pass(world, 130_000);
    expect(world.head.level).toBe(2);
  });
});
