import { describe, expect, test } from "vitest";

import { alterPartitions } from "../../../../metadata/commands/alter-partition.ts";
import { alterPartitionReassignments } from "../../../../metadata/commands/alter-partition-reassignments.ts";
import { balanceLeaders } from "../../../../metadata/commands/balance-leaders.ts";
import { balanceReplicas } from "../../../../metadata/commands/balance-replicas.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import {
  endEvacuation,
  evacuateBroker,
  evacuationProgress,
} from "../../../../metadata/commands/evacuate-broker.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import { growTopics } from "../../../../metadata/commands/replace-replicas.ts";
import { topicByName } from "../../../../metadata/image/image.ts";
import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { newBroker, readyCell } from "../test-cell.ts";

/** Brokers 1 to `brokerCount` in zones a, b, c, and a topic `t` with one partition for each list of replicas. */
function scene(brokerCount: number, ...assigned: number[][]) {
  const cell = readyCell(brokerCount);
  const { clusterId } = cell;
  const assignments = assigned.map((brokerIds, index) => ({ index, brokerIds }));
  cell.accept((image, context) =>
    createTopic(image, { clusterId, topic: { name: "t", assignments } }, context),
  );
  const partitions = () => topicByName(cell.image, clusterId, "t")?.partitions ?? [];
  const ref = (brokerId: number) => {
    return { brokerId, brokerEpoch: cell.image.brokers.get(brokerId)?.epoch ?? -1 };
  };
  return {
    cell,
    clusterId,
    partitions,
    ref,
    evacuate: (brokerId: number) =>
      cell.accept((image, context) => evacuateBroker(image, { brokerId }, context)),
    grow: (maxMoving = 100) =>
      cell.accept((image, context) => growTopics(image, { maxMoving }, context)),
    /** The new replicas have caught up, as their leaders say. */
    catchUp: () => {
      const topicId = topicByName(cell.image, clusterId, "t")?.topicId ?? "";
      for (const { index, replicas, leader, leaderEpoch, partitionEpoch, adding } of partitions()) {
        if (adding.length === 0) continue;
        const isr = replicas.map(ref);
        const change = { topicId, index, leaderEpoch, partitionEpoch, isr };
        const request = [{ ...ref(leader), partitions: [change] }];
        cell.accept((image, context) => alterPartitions(image, request, context));
      }
    },
    fence: (...ids: number[]) =>
      cell.accept((image, context) => fenceBrokers(image, { brokers: ids.map(ref) }, context)),
  };
}

test("an emptied broker gives up its leaderships at once, and stays in sync until others are", () => {
  const { cell, partitions, evacuate, grow, catchUp } = scene(4, [1, 2, 3], [2, 1, 3]);
  const { evacuation } = evacuate(1);
  expect(evacuation).toMatchObject({ replicaCount: 2, startedAtMs: cell.nowMs });
  expect(partitions().map(({ leader, isr }) => [leader, isr])).toEqual([
    [2, [1, 2, 3]],
    [2, [2, 1, 3]],
  ]);
  expect(cell.image.brokers.get(1)?.state).toBe("active");
  grow();
  expect(partitions()[0]).toMatchObject({ replicas: [4, 2, 3, 1], adding: [4], removing: [1] });
  expect(partitions()[0]?.isr).toEqual([2, 3, 1]);
  expect(evacuationProgress(cell.image, 1)).toMatchObject({ heldCount: 2, movingCount: 2 });
  catchUp();
  expect(partitions().map(({ replicas }) => replicas)).toEqual([
    [4, 2, 3],
    [2, 4, 3],
  ]);
  expect(evacuationProgress(cell.image, 1).heldCount).toBe(0);
  expect(imageProblems(cell.image)).toEqual([]);
});

test("half of the moves are left to those who replace what is gone", () => {
  const { partitions, evacuate, grow } = scene(3, [1], [1], [1], [1], [1], [1]);
  evacuate(1);
  expect(grow(4)).toEqual({ begunCount: 2, isMoreLeft: true });
  expect(grow(4)).toEqual({ begunCount: 0, isMoreLeft: true });
  expect(partitions().filter(({ adding }) => adding.length > 0)).toHaveLength(2);
});

test("where every other broker holds a replica already the broker keeps its own", () => {
  const { cell, partitions, evacuate, grow } = scene(3, [1, 2, 3]);
  evacuate(1);
  grow();
  expect(partitions()[0]).toMatchObject({ replicas: [1, 2, 3], adding: [], removing: [] });
  expect(evacuationProgress(cell.image, 1)).toEqual({
    heldCount: 1,
    movingCount: 0,
    stuckCount: 1,
    leaderlessCount: 0,
  });
});

test("a move towards a broker that is emptied goes elsewhere", () => {
  const { cell, clusterId, partitions, evacuate, grow } = scene(4, [1, 2]);
  const topics = [{ name: "t", partitions: [{ index: 0, replicas: [1, 3] }] }];
  cell.accept((image, context) =>
    alterPartitionReassignments(image, { clusterId, topics }, context),
  );
  evacuate(3);
  grow();
  expect(partitions()[0]).toMatchObject({ replicas: [1, 4, 2], adding: [4], removing: [2] });
});

describe("nothing new comes to a broker that is emptied", () => {
  test("neither partitions nor moves", () => {
    const { cell, clusterId, partitions, evacuate } = scene(2, [2]);
    evacuate(1);
    const topic = { name: "new", partitionCount: 4, replicationFactor: 1 };
    cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    expect(cell.image.brokerLoads.get(1)).toBeUndefined();
    const topics = [{ name: "t", partitions: [{ index: 0, replicas: [1] }] }];
    const [outcome] = cell.accept((image, context) =>
      alterPartitionReassignments(image, { clusterId, topics }, context),
    );
    expect(outcome).toMatchObject({ message: "broker 1 is draining" });
    expect(partitions()[0]?.adding).toEqual([]);
  });

  test("neither leaderships nor load", () => {
    const { cell, partitions, evacuate } = scene(3, [1, 3, 2]);
    evacuate(1);
    expect(partitions()[0]?.leader).toBe(3);
    cell.accept((image, context) => balanceLeaders(image, { maxMoves: 9 }, context));
    expect(cell.records).toEqual([]);
    cell.accept((image, context) => balanceReplicas(image, { loads: [], maxMoves: 9 }, context));
    expect(cell.records).toEqual([]);
  });
});

test("a leadership that comes back in an election leaves again with the controller's next round", () => {
  const { cell, partitions, evacuate, fence } = scene(3, [1, 2, 3]);
  evacuate(1);
  fence(2);
  expect(partitions()[0]?.leader).toBe(1);
  cell.accept((image, context) => balanceLeaders(image, { maxMoves: 9 }, context));
  expect(partitions()[0]?.leader).toBe(3);
});

test("asked again it is the same drain, and takes leaderships that came back", () => {
  const { cell, partitions, evacuate, fence } = scene(3, [1, 2]);
  const first = evacuate(1);
  fence(2);
  expect(partitions()[0]?.leader).toBe(1);
  expect(evacuate(1)).toEqual(first);
  expect(cell.records).toEqual([]);
});

test("a drain outlives the broker's process and a snapshot, and ends when it is taken back", () => {
  const { cell, evacuate, fence } = scene(2, [1, 2]);
  const { evacuation } = evacuate(1);
  fence(1);
  expect(cell.image.brokers.get(1)?.evacuation).toEqual(evacuation);
  const life = { ...newBroker("1"), brokerId: 1, incarnation: "1-2", storedIncarnations: ["1-1"] };
  cell.accept((image, context) => registerBroker(image, life, context));
  expect(cell.image.brokers.get(1)).toMatchObject({ state: "active", evacuation });
  expect(decodeSnapshot(encodeSnapshot(cell.image))).toEqual(cell.image);
  const end = () => cell.accept((image) => endEvacuation(image, { brokerId: 1 }));
  expect(end()).toEqual({ ended: evacuation });
  expect(cell.image.brokers.get(1)?.evacuation).toBeNull();
  expect(end()).toEqual({ ended: null });
});

test("a drain with nowhere to go, of nobody, or before the cell can write it down is refused", () => {
  const { cell } = scene(2, [1]);
  const drain = (brokerId: number) =>
    cell.reject((image, context) => evacuateBroker(image, { brokerId }, context));
  expect(drain(9).error).toBe("BROKER_ID_NOT_REGISTERED");
  cell.accept((image, context) => evacuateBroker(image, { brokerId: 2 }, context));
  expect(drain(1)).toMatchObject({
    error: "INVALID_REQUEST",
    message: expect.stringContaining("nowhere to move what broker 1 holds"),
  });
  Object.assign(cell.image, { level: 2 });
  expect(drain(1).error).toBe("UNSUPPORTED_VERSION");
});
