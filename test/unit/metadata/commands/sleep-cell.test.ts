import { describe, expect, test } from "vitest";

import { alterPartitions } from "../../../../metadata/commands/alter-partition.ts";
import { createPartitions } from "../../../../metadata/commands/create-partitions.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import type { NewTopic } from "../../../../metadata/commands/create-topics.ts";
import { deleteTopic } from "../../../../metadata/commands/delete-topics.ts";
import { drainBroker } from "../../../../metadata/commands/drain-broker.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { recoverPartitions } from "../../../../metadata/commands/recover-partitions.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../../../metadata/commands/register-broker.ts";
import { growTopics, replaceReplicas } from "../../../../metadata/commands/replace-replicas.ts";
import { breakSeals, sealPartitions } from "../../../../metadata/commands/seal-partitions.ts";
import {
  fallAsleep,
  sleepCell,
  sleepProgress,
  wakeCell,
} from "../../../../metadata/commands/sleep-cell.ts";
import { unfenceBrokers } from "../../../../metadata/commands/unfence-brokers.ts";
import { wakePartitions } from "../../../../metadata/commands/wake-partitions.ts";
import { createImageChecker } from "../../../../metadata/image/image-checker.ts";
import type { Partition } from "../../../../metadata/image/image.ts";
import { bootstrapAt, isSleeping, refusesRecords } from "../../../../metadata/image/seals.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { newBroker, readyCell } from "../test-cell.ts";
import type { TestCell } from "../test-cell.ts";

type Scene = ReturnType<typeof scene>;

/** A cell whose every entry is held against the invariants. */
function scene(brokerCount: number, ...topics: NewTopic[]) {
  const cell = readyCell(brokerCount);
  const checker = createImageChecker();
  checker.check(cell.image, [{ kind: "reloaded" }]);
  const accept: TestCell["accept"] = (command) => {
    const result = cell.accept(command);
    expect(checker.check(cell.image, cell.changes)).toEqual([]);
    return result;
  };
  const { clusterId } = cell;
  for (const topic of topics) {
    accept((image, context) => createTopic(image, { clusterId, topic }, context));
  }
  return Object.assign({}, cell, { accept, image: cell.image, clusterId });
}

function partitionsOf({
  image,
}: Pick<Scene, "image">): { topicId: string; partition: Partition }[] {
  return [...image.topics.values()].flatMap(({ topicId, partitions }) =>
    partitions.map((partition) => ({ topicId, partition })),
  );
}

function refOf({ image }: Pick<Scene, "image">, brokerId: number) {
  return { brokerId, brokerEpoch: image.brokers.get(brokerId)?.epoch ?? -1 };
}

/** Every leader seals what it leads, at 100 and the partition's index. */
function sealAll(cell: Scene): void {
  for (const brokerId of Array.from(cell.image.brokers.keys())) {
    const seals = partitionsOf(cell)
      .filter(({ partition }) => partition.leader === brokerId)
      .map(({ topicId, partition: { index, leaderEpoch } }) => {
        return { topicId, index, leaderEpoch, end: 100 + index };
      });
    if (seals.length === 0) continue;
    const request = { ...refOf(cell, brokerId), seals };
    const outcomes = cell.accept((image, context) => sealPartitions(image, request, context));
    for (const outcome of outcomes) expect(outcome.kind).toBe("done");
  }
}

function fence(cell: Scene, ...brokerIds: number[]): void {
  const brokers = brokerIds.map((brokerId) => refOf(cell, brokerId));
  cell.accept((image, context) => fenceBrokers(image, { brokers }, context));
}

function sleep(cell: Scene): void {
  cell.accept(sleepCell);
  sealAll(cell);
  cell.accept(fallAsleep);
  expect(cell.image.sleep.state).toBe("asleep");
  fence(cell, ...cell.image.brokers.keys());
}

function register(cell: Scene, name: string, request: Partial<RegisterBrokerRequest> = {}): number {
  const broker = { ...newBroker(name), ...request };
  return cell.accept((image, context) => registerBroker(image, broker, context)).brokerId;
}

function breakAll(cell: Scene, brokerId: number) {
  const partitions = partitionsOf(cell)
    .filter(({ partition }) => partition.leader === brokerId)
    .map(({ topicId, partition: { index, leaderEpoch } }) => ({ topicId, index, leaderEpoch }));
  const request = { ...refOf(cell, brokerId), partitions };
  return cell.accept((image, context) => breakSeals(image, request, context));
}

const wide: NewTopic = { name: "wide", partitionCount: 6, replicationFactor: 3 };
const safe: NewTopic = {
  name: "safe",
  partitionCount: 1,
  replicationFactor: 3,
  configs: { "min.insync.replicas": "2" },
};

describe("a cell that falls asleep", () => {
  test("refuses records at once, and sleeps when the last partition is sealed", () => {
    const cell = scene(3, wide);
    cell.accept(sleepCell);
    expect(isSleeping(cell.image)).toBe(true);
    expect(sleepProgress(cell.image)).toMatchObject({ restingCount: 0, partitionCount: 6 });
    cell.accept(fallAsleep);
    expect(cell.image.sleep.state).toBe("fallingAsleep");
    sealAll(cell);
    expect(sleepProgress(cell.image).restingCount).toBe(6);
    cell.accept(fallAsleep);
    expect(cell.image.sleep.state).toBe("asleep");
    expect(partitionsOf(cell)[2]?.partition.sealed).toEqual({ end: 102, epoch: 0 });
  });

  test("is the same sleep however often it is asked for, and sleeps at once with nothing to seal", () => {
    const cell = scene(0);
    const first = cell.accept(sleepCell);
    expect(first.state).toBe("asleep");
    expect(cell.accept(sleepCell)).toEqual(first);
    expect(cell.accept(wakeCell)).toEqual({ ended: first });
    expect(cell.image.sleep).toEqual({ state: "awake", revision: 0, startedAtMs: 0 });
    expect(cell.accept(wakeCell)).toEqual({ ended: null });
  });

  test("waits for a partition without a leader, and says so", () => {
    const cell = scene(3, { name: "one", assignments: [{ index: 0, brokerIds: [2] }] });
    fence(cell, 2);
    cell.accept(sleepCell);
    cell.accept(fallAsleep);
    expect(cell.image.sleep.state).toBe("fallingAsleep");
    expect(sleepProgress(cell.image)).toEqual({
      restingCount: 0,
      partitionCount: 1,
      leaderlessCount: 1,
    });
  });

  test("goes on with the next leader where one is lost before it has sealed", () => {
    const cell = scene(3, wide);
    cell.accept(sleepCell);
    fence(cell, 1);
    sealAll(cell);
    cell.accept(fallAsleep);
    expect(cell.image.sleep.state).toBe("asleep");
  });

  test("keeps its seals whoever of the members goes", () => {
    const cell = scene(3, wide, safe);
    sleep(cell);
    for (const { partition } of partitionsOf(cell)) expect(partition.sealed).not.toBeNull();
  });

  test("makes no replicas anew", () => {
    const cell = scene(3, { name: "t", partitionCount: 4, replicationFactor: 2 });
    cell.accept(sleepCell);
    fence(cell, 1);
    const request = { brokerIds: [1], maxMoving: 10 };
    cell.accept((image, context) => replaceReplicas(image, request, context));
    cell.accept((image, context) => growTopics(image, { maxMoving: 10 }, context));
    for (const { partition } of partitionsOf(cell)) expect(partition.adding).toEqual([]);
  });

  test("is awake again when its sleep is taken back, and leaders break their own seals", () => {
    const cell = scene(3, wide);
    cell.accept(sleepCell);
    sealAll(cell);
    cell.accept(wakeCell);
    const { partition } = partitionsOf(cell)[0] as { partition: Partition };
    expect(refusesRecords(cell.image, partition)).toBe(true);
    for (const id of [1, 2, 3]) breakAll(cell, id);
    for (const each of partitionsOf(cell)) {
      expect(each.partition).toMatchObject({ sealed: null, leaderEpoch: 0 });
      expect(refusesRecords(cell.image, each.partition)).toBe(false);
    }
  });

  test("needs a level that knows sleep", () => {
    const cell = readyCell(1, 5);
    expect(cell.reject(sleepCell).error).toBe("UNSUPPORTED_VERSION");
  });
});

describe("a seal", () => {
  test("is the leader's, in its term, and of one end", () => {
    const cell = scene(3, safe);
    const { topicId, partition } = partitionsOf(cell)[0] as {
      topicId: string;
      partition: Partition;
    };
    const leader = refOf(cell, partition.leader);
    const other = refOf(cell, partition.replicas[1] ?? -1);
    const seal = { topicId, index: 0, leaderEpoch: 0, end: 7 };
    const sealed = (by: typeof leader, wanted = seal) => {
      const request = { ...by, seals: [wanted] };
      return cell.accept((image, context) => sealPartitions(image, request, context))[0];
    };
    // Awake, and the leader stays.
    expect(sealed(leader)).toMatchObject({ error: "INVALID_REQUEST" });
    cell.accept(sleepCell);
    expect(sealed(other)).toMatchObject({ error: "FENCED_LEADER_EPOCH" });
    expect(sealed(leader, { ...seal, leaderEpoch: 1 })).toMatchObject({
      error: "FENCED_LEADER_EPOCH",
    });
    expect(sealed(leader, { ...seal, index: 9 })).toMatchObject({
      error: "UNKNOWN_TOPIC_OR_PARTITION",
    });
    expect(sealed(leader, { ...seal, end: -1 })).toMatchObject({ error: "INVALID_REQUEST" });
    expect(sealed(leader)).toEqual({ kind: "done" });
    expect(sealed(leader)).toEqual({ kind: "done" });
    expect(cell.image.topics.get(topicId)?.partitions[0]?.partitionEpoch).toBe(1);
    expect(sealed(leader, { ...seal, end: 8 })).toMatchObject({ error: "INVALID_REQUEST" });
    const stale = { ...leader, brokerEpoch: leader.brokerEpoch - 1 };
    const request = { ...stale, seals: [seal] };
    expect(cell.reject((image, context) => sealPartitions(image, request, context)).error).toBe(
      "STALE_BROKER_EPOCH",
    );
  });

  test("of the last copy is left by a broker that drains, and another goes on from it", () => {
    const cell = scene(2, { name: "one", assignments: [{ index: 0, brokerIds: [1] }] });
    cell.accept((image, context) => drainBroker(image, refOf(cell, 1), context));
    sealAll(cell);
    fence(cell, 1);
    cell.accept(wakePartitions);
    expect(partitionsOf(cell)[0]?.partition).toMatchObject({
      leader: 2,
      replicas: [2],
      isr: [2],
      leaderEpoch: 2,
      sealed: { end: 100, epoch: 0 },
    });
  });

  test("stays until enough are in sync, so that a waking broker that dies early costs nothing", () => {
    const cell = scene(3, safe);
    sleep(cell);
    register(cell, "new-1");
    register(cell, "new-2");
    cell.accept(wakePartitions);
    const first = partitionsOf(cell)[0]?.partition as Partition;
    expect(first).toMatchObject({ isr: [first.leader], sealed: { end: 100 } });
    expect(breakAll(cell, first.leader)[0]).toMatchObject({ error: "NOT_ENOUGH_REPLICAS" });
    fence(cell, first.leader);
    const second = partitionsOf(cell)[0]?.partition as Partition;
    // No recovery, no gap: it begins where the first had to.
    expect(second).toMatchObject({ sealed: { end: 100 }, recoveries: [] });
    expect(second.leader).not.toBe(first.leader);
    register(cell, "new-3");
    register(cell, "new-4");
    cell.accept((image, context) => growTopics(image, { maxMoving: 10 }, context));
    const { topicId, partition } = partitionsOf(cell)[0] as {
      topicId: string;
      partition: Partition;
    };
    const { leaderEpoch, partitionEpoch, leader } = partition;
    const [third = -1] = partition.adding;
    const isr = [refOf(cell, leader), refOf(cell, third)];
    const proposed = { topicId, index: 0, leaderEpoch, partitionEpoch, isr };
    const request = { ...refOf(cell, leader), partitions: [proposed] };
    cell.accept((image, context) => alterPartitions(image, [request], context));
    expect(partitionsOf(cell)[0]?.partition.sealed).not.toBeNull();
    expect(breakAll(cell, leader)).toEqual([{ kind: "done" }]);
    expect(partitionsOf(cell)[0]?.partition.sealed).toBeNull();
  });

  test("is not broken while the cell sleeps, nor by a leader that is to go", () => {
    const cell = scene(1, { name: "one", partitionCount: 1 });
    cell.accept(sleepCell);
    sealAll(cell);
    expect(breakAll(cell, 1)[0]).toMatchObject({ error: "INVALID_REQUEST" });
    cell.accept(wakeCell);
    cell.accept((image, context) => drainBroker(image, refOf(cell, 1), context));
    expect(breakAll(cell, 1)[0]).toMatchObject({ error: "INVALID_REQUEST" });
  });
});

describe("a cell that wakes", () => {
  test("wakes with the first broker that registers, and its partitions go to those that are there", () => {
    const cell = scene(3, wide, safe);
    sleep(cell);
    const ids = ["x", "y", "z"].map((name) => register(cell, name, { zone: name }));
    expect(cell.image.sleep.state).toBe("awake");
    cell.accept(wakePartitions);
    const leaders = new Set<number>();
    for (const { partition } of partitionsOf(cell)) {
      expect(partition.replicas.toSorted((a, b) => a - b)).toEqual(ids);
      expect(partition).toMatchObject({ isr: [partition.leader], lastIsr: [partition.leader] });
      expect(partition.sealed).not.toBeNull();
      expect(partition.leaderEpoch).toBeGreaterThan(partition.sealed?.epoch ?? Infinity);
      leaders.add(partition.leader);
    }
    expect(leaders.size).toBe(3);
    expect(cell.image.leaderlessCount).toBe(0);
  });

  test("is led by those that kept their disks, whatever became of the host", () => {
    const cell = scene(1, wide.replicationFactor === 3 ? { ...wide, replicationFactor: 1 } : wide);
    sleep(cell);
    const again = {
      brokerId: 1,
      incarnation: "1-2",
      storedIncarnations: ["1-1"],
      previousEnd: "hostCrash" as const,
      ends: [],
    };
    register(cell, "1", again);
    for (const { partition } of partitionsOf(cell)) {
      expect(partition).toMatchObject({ leader: 1, isr: [1], recoveries: [] });
      expect(partition.sealed).not.toBeNull();
    }
  });

  test("does not recover with a gap what is sealed", () => {
    const cell = scene(1, { name: "one", partitionCount: 2 });
    sleep(cell);
    register(cell, "new");
    const plans = cell.accept((image, context) => recoverPartitions(image, { ends: [] }, context));
    expect(plans).toEqual([]);
  });

  test("has the topics that were made in its sleep, and not those that were deleted", () => {
    const cell = scene(3, wide);
    const { clusterId } = cell;
    sleep(cell);
    const topic = { name: "night", partitionCount: 2, replicationFactor: 3 };
    cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    const more = { clusterId, topics: [{ name: "night", partitionCount: 3 }] };
    cell.accept((image) => createPartitions(image, more));
    cell.accept((image, context) =>
      deleteTopic(image, { clusterId, topic: { name: "wide" } }, context),
    );
    for (const { partition } of partitionsOf(cell)) expect(partition.replicas).toEqual([]);
    expect(cell.image.sleep.state).toBe("asleep");
    const named = { ...topic, name: "named", replicationFactor: -1, partitionCount: -1 };
    const assigned = { ...named, assignments: [{ index: 0, brokerIds: [1] }] };
    expect(
      cell.reject((image, context) => createTopic(image, { clusterId, topic: assigned }, context))
        .error,
    ).toBe("INVALID_REPLICA_ASSIGNMENT");
    const id = register(cell, "morning");
    expect(partitionsOf(cell)).toHaveLength(3);
    for (const { partition } of partitionsOf(cell)) {
      expect(partition).toMatchObject({ leader: id, replicas: [id], sealed: null });
    }
    const [{ requestedReplicationFactor } = {}] = [...cell.image.topics.values()];
    expect(requestedReplicationFactor).toBe(3);
  });

  test("gives what was made in its sleep to none whose disk went with it, whoever woke it", () => {
    const cell = scene(0);
    const { clusterId } = cell;
    for (const name of ["a", "b", "c"]) register(cell, name, { ephemeral: true });
    fence(cell, ...cell.image.brokers.keys());
    const topic = { name: "by-night", partitionCount: 2 };
    cell.accept(sleepCell);
    cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    cell.accept(wakeCell);
    const news = ["d", "e", "f"].map((name) => register(cell, name, { ephemeral: true }));
    for (let round = 0; round < 4; round++) {
      cell.accept((image, context) => growTopics(image, { maxMoving: 10 }, context));
      for (const { partition } of partitionsOf(cell))
        for (const id of partition.replicas) expect(news).toContain(id);
    }
    expect(cell.image.leaderlessCount).toBe(0);
  });

  test("places what was made while it fell asleep, when that is taken back", () => {
    const cell = scene(2, { name: "t", partitionCount: 1 });
    const { clusterId } = cell;
    cell.accept(sleepCell);
    const topic = { name: "evening", partitionCount: 2 };
    cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    expect(cell.image.leaderlessCount).toBe(2);
    register(cell, "late");
    expect(cell.image.sleep.state).toBe("fallingAsleep");
    cell.accept(wakePartitions);
    expect(cell.image.leaderlessCount).toBe(2);
    cell.accept(wakeCell);
    cell.accept(wakePartitions);
    expect(cell.image.leaderlessCount).toBe(0);
  });

  test("leaves a member that comes back its place", () => {
    const cell = scene(3, wide);
    sleep(cell);
    cell.accept(wakeCell);
    const brokers = [refOf(cell, 2)];
    cell.accept((image, context) => unfenceBrokers(image, { brokers }, context));
    cell.accept(wakePartitions);
    for (const { partition } of partitionsOf(cell)) {
      expect(partition.leader).toBe(2);
      expect(partition.replicas.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    }
  });

  test("is in its snapshot as it is", () => {
    const cell = scene(1, { name: "one", partitionCount: 1 });
    expect(decodeSnapshot(encodeSnapshot(cell.image)).sleep).toEqual(cell.image.sleep);
    cell.accept(sleepCell);
    expect(decodeSnapshot(encodeSnapshot(cell.image)).sleep).toEqual(cell.image.sleep);
    expect(cell.image.sleep.state).toBe("fallingAsleep");
  });
});

describe("the log of whoever leads from a seal", () => {
  const sealed = { sealed: { end: 100, epoch: 4 } } as Partition;
  test.each([
    ["is empty", { logEndOffset: 0, lastEpoch: -1 }, 100],
    ["ends before", { logEndOffset: 90, lastEpoch: 4 }, 100],
    ["ends there in an older term", { logEndOffset: 100, lastEpoch: 3 }, 100],
    ["ends behind", { logEndOffset: 110, lastEpoch: 3 }, 100],
    ["is the one that was sealed", { logEndOffset: 100, lastEpoch: 4 }, null],
    ["has begun a later term there", { logEndOffset: 100, lastEpoch: 6 }, null],
  ])("begins at its end unless it is whole: one that %s", (_, log, at) => {
    expect(bootstrapAt(sealed, log)).toBe(at);
  });

  test("is as it is where nothing is sealed, or nothing was ever there", () => {
    const log = { logEndOffset: 0, lastEpoch: -1 };
    expect(bootstrapAt({ sealed: null } as Partition, log)).toBeNull();
    expect(bootstrapAt({ sealed: { end: 0, epoch: 4 } } as Partition, log)).toBeNull();
  });
});
