import { expect, test } from "vitest";

import { alterPartitions } from "../../../../metadata/commands/alter-partition.ts";
import { evacuateBroker } from "../../../../metadata/commands/evacuate-broker.ts";
import { settled, controller, others, stateOf, until } from "./cell-scenes.ts";
import { addTopic, commandAtHead, partitionsOf, pass, stopBroker } from "./cell-world.ts";
import type { CellWorld, Node } from "./cell-world.ts";

/** What replication does: new replicas catch up, and their leaders say so. */
function catchUp(world: CellWorld): void {
  const { brokers } = world.head;
  const ref = (brokerId: number) => ({ brokerId, brokerEpoch: brokers.get(brokerId)?.epoch ?? -1 });
  for (const { topicId, partitions } of world.head.topics.values()) {
    for (const { index, replicas, leader, leaderEpoch, partitionEpoch, adding } of partitions) {
      if (adding.length === 0) continue;
      const change = { topicId, index, leaderEpoch, partitionEpoch, isr: replicas.map(ref) };
      const request = [{ ...ref(leader), partitions: [change] }];
      commandAtHead(world, (image, context) => alterPartitions(image, request, context));
    }
  }
}

function draining() {
  const world = settled({ brokers: 4 });
  addTopic(world, { name: "t", partitionCount: 40, replicationFactor: 3 });
  const [leaving] = others(world) as [Node];
  const { brokerId } = leaving;
  commandAtHead(world, (image, context) => evacuateBroker(image, { brokerId }, context));
  return { world, leaving, held: () => world.head.brokerLoads.get(brokerId)?.replicaCount ?? 0 };
}

test("an operator's drain empties a running broker, whoever is controller, and it stays empty", () => {
  const { world, leaving, held } = draining();
  expect(held()).toBeGreaterThan(0);
  pass(world, 6_000);
  stopBroker(world, controller(world));
  for (let round = 0; held() > 0 && round < 20; round++) {
    catchUp(world);
    pass(world, 6_000);
  }
  expect(held()).toBe(0);
  // No session and no drain timeout ends it: it is in service until somebody stops it.
  pass(world, 300_000);
  expect(stateOf(world, leaving)).toBe("active");
  expect(held()).toBe(0);
});

test("in-sync sets are never smaller for it", () => {
  const { world, held } = draining();
  for (let round = 0; held() > 0 && round < 20; round++) {
    for (const { isr } of partitionsOf(world)) expect(isr.length).toBeGreaterThanOrEqual(3);
    pass(world, 6_000);
    catchUp(world);
  }
  expect(held()).toBe(0);
});

test("a broker that is told to stop while it is emptied stops like any other", () => {
  const { world, leaving } = draining();
  pass(world, 6_000);
  stopBroker(world, leaving);
  expect(until(world, () => leaving.stoppedFor !== null)).toBeLessThan(4_000);
  expect(stateOf(world, leaving)).toBe("fenced");
  expect(world.head.leaderlessCount).toBe(0);
});
