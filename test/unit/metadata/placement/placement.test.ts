import fc from "fast-check";
import { expect, test } from "vitest";

import {
  createPlacement,
  defaultReplicationFactor,
  placeBeside,
  placePartition,
} from "../../../../metadata/placement/placement.ts";
import type { PlacementBroker } from "../../../../metadata/placement/placement.ts";

function broker(brokerId: number, zone: string, host = `host-${brokerId}`): PlacementBroker {
  return { brokerId, zone, host, isActive: true, replicaCount: 0, leaderCount: 0 };
}

type Request = {
  brokers: readonly PlacementBroker[];
  partitionCount: number;
  replicationFactor: number;
};

function placeReplicas({ brokers, partitionCount, replicationFactor }: Request): number[][] {
  const placement = createPlacement(brokers);
  return Array.from({ length: partitionCount }, () => placePartition(placement, replicationFactor));
}

test("one broker gets everything", () => {
  const brokers = [broker(1, "a")];
  expect(placeReplicas({ brokers, partitionCount: 3, replicationFactor: 1 })).toEqual([
    [1],
    [1],
    [1],
  ]);
});

test("replicas of a partition lie in different zones while there are enough", () => {
  const brokers = [1, 2, 3, 4, 5, 6].map((id) => broker(id, "abc"[Math.floor((id - 1) / 2)] ?? ""));
  const zoneOf = (id: number) => brokers.find(({ brokerId }) => brokerId === id)?.zone;
  for (const replicas of placeReplicas({ brokers, partitionCount: 30, replicationFactor: 3 })) {
    expect(new Set(replicas.map(zoneOf)).size).toBe(3);
  }
});

test("never two replicas on one host while another host is free, even in a zone already used", () => {
  const brokers = [
    broker(1, "a", "h1"),
    broker(2, "a", "h1"),
    broker(3, "a", "h2"),
    broker(4, "b", "h3"),
  ];
  const hostOf = (id: number) => brokers.find(({ brokerId }) => brokerId === id)?.host;
  for (const replicas of placeReplicas({ brokers, partitionCount: 20, replicationFactor: 3 })) {
    expect(new Set(replicas.map(hostOf)).size).toBe(3);
  }
});

test("a loaded broker is spared until the others have caught up", () => {
  const brokers = [{ ...broker(1, "a"), replicaCount: 10, leaderCount: 10 }, broker(2, "a")];
  const placed = placeReplicas({ brokers, partitionCount: 10, replicationFactor: 1 });
  expect(placed.flat()).toEqual(Array.from({ length: 10 }, () => 2));
});

test("a fenced broker takes a replica only when the active ones are too few", () => {
  const brokers = [{ ...broker(1, "a"), isActive: false }, broker(2, "b"), broker(3, "c")];
  const [two] = placeReplicas({ brokers, partitionCount: 1, replicationFactor: 2 });
  expect(two).toEqual([2, 3]);
  const [three] = placeReplicas({ brokers, partitionCount: 1, replicationFactor: 3 });
  expect(three).toEqual([2, 3, 1]);
});

test("any cell gets distinct replicas, with leaders and replicas spread evenly over equal brokers", () => {
  const cells = fc.record({
    brokerCount: fc.integer({ min: 1, max: 12 }),
    partitionCount: fc.integer({ min: 1, max: 60 }),
    factor: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(cells, ({ brokerCount, partitionCount, factor }) => {
      const brokers = Array.from({ length: brokerCount }, (_, index) => broker(index + 1, "a"));
      const placed = placeReplicas({ brokers, partitionCount, replicationFactor: factor });
      const width = Math.min(factor, brokerCount);
      expect(placed.every((replicas) => new Set(replicas).size === width)).toBe(true);
      const leaders = counts(
        placed.map(([leader]) => leader ?? -1),
        brokers,
      );
      expect(Math.max(...leaders) - Math.min(...leaders)).toBeLessThanOrEqual(1);
      const replicas = counts(placed.flat(), brokers);
      expect(Math.max(...replicas) - Math.min(...replicas)).toBeLessThanOrEqual(2);
    }),
    { numRuns: 60 },
  );
});

test("a broker that dies leaves its leaderships to many others, not to its neighbours", () => {
  const brokers = Array.from({ length: 12 }, (_, index) =>
    broker(index + 1, "abc"[index % 3] ?? ""),
  );
  const placed = placeReplicas({ brokers, partitionCount: 240, replicationFactor: 3 });
  const heirs = placed.filter(([leader]) => leader === 1).map(([, second]) => second);
  expect(heirs).toHaveLength(20);
  expect(new Set(heirs).size).toBeGreaterThanOrEqual(6);
});

test("one more replica goes to the zone asked for, else where the others are not", () => {
  const brokers = [1, 2, 3, 4, 5, 6].map((id) => broker(id, "abc"[(id - 1) % 3] ?? ""));
  const placement = createPlacement(brokers);
  expect(placeBeside(placement, [1, 2, 3], "b")).toBe(5);
  expect(placeBeside(placement, [1, 2], null)).toSatisfy((id: number) => [3, 6].includes(id));
  const fenced = createPlacement(
    brokers.map((each) => ({ ...each, isActive: each.brokerId !== 5 })),
  );
  expect(placeBeside(fenced, [1, 2, 3], "b")).not.toBe(5);
  expect(placeBeside(createPlacement(brokers.slice(0, 2)), [1, 2], "a")).toBeNull();
});

function counts(ids: readonly number[], brokers: readonly PlacementBroker[]): number[] {
  return brokers.map(({ brokerId }) => ids.filter((id) => id === brokerId).length);
}

test.each([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 3],
  [9, 3],
])("with %d brokers the default factor is %d", (brokerCount, factor) => {
  expect(defaultReplicationFactor(brokerCount)).toBe(factor);
});
