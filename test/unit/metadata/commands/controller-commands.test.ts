import { describe, expect, test } from "vitest";

import { alterPartitions } from "../../../../metadata/commands/alter-partition.ts";
import { alterPartitionReassignments } from "../../../../metadata/commands/alter-partition-reassignments.ts";
import { alterConfigs } from "../../../../metadata/commands/alter-configs.ts";
import { byController } from "../../../../metadata/commands/by-controller.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { declareLost } from "../../../../metadata/commands/declare-lost.ts";
import { drainBroker } from "../../../../metadata/commands/drain-broker.ts";
import { electLeaders } from "../../../../metadata/commands/elect-leaders.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { raiseLevel } from "../../../../metadata/commands/raise-level.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import { replaceReplicas } from "../../../../metadata/commands/replace-replicas.ts";
import { takeOver } from "../../../../metadata/commands/take-over.ts";
import { unfenceBrokers } from "../../../../metadata/commands/unfence-brokers.ts";
import { unregisterBroker } from "../../../../metadata/commands/unregister-broker.ts";
import { topicByName } from "../../../../metadata/image/image.ts";
import { imageProblems } from "../../../../metadata/image/image-checker.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../../metadata/image/snapshot.ts";
import { maxMetadataLevel } from "../../../../metadata/records/table.ts";
import { newBroker, readyCell } from "../test-cell.ts";

/** Brokers 1 to `brokerCount`, and a topic `t` whose one partition is on those named. */
function scene(brokerCount: number, brokerIds: number[], configs: Record<string, string> = {}) {
  const cell = readyCell(brokerCount);
  const { clusterId } = cell;
  const topic = { name: "t", assignments: [{ index: 0, brokerIds }], configs };
  const { topicId } = cell.accept((image, context) =>
    createTopic(image, { clusterId, topic }, context),
  );
  const partition = () => {
    const found = topicByName(cell.image, clusterId, "t")?.partitions[0];
    if (found === undefined) throw new Error("it is there");
    return found;
  };
  const ref = (brokerId: number) => {
    return { brokerId, brokerEpoch: cell.image.brokers.get(brokerId)?.epoch ?? -1 };
  };
  const fence = (...ids: number[]) =>
    cell.accept((image, context) => fenceBrokers(image, { brokers: ids.map(ref) }, context));
  const unfence = (...ids: number[]) =>
    cell.accept((image, context) => unfenceBrokers(image, { brokers: ids.map(ref) }, context));
  const propose = (isr: number[], changed: object = {}) => {
    const { leader, leaderEpoch, partitionEpoch } = partition();
    const proposed = { topicId, index: 0, leaderEpoch, partitionEpoch, isr: isr.map(ref) };
    const request = { ...ref(leader), partitions: [{ ...proposed, ...changed }] };
    const [outcome] = cell.accept((image, context) => alterPartitions(image, [request], context));
    return outcome?.kind === "done" ? outcome.partitions[0]?.error : outcome?.error;
  };
  const move = (replicas: number[] | null) => {
    const partitions = [{ index: 0, replicas }];
    const request = { clusterId, topics: [{ name: "t", partitions }] };
    const [outcome] = cell.accept((image, context) =>
      alterPartitionReassignments(image, request, context),
    );
    return outcome?.kind === "done" ? null : outcome?.error;
  };
  return { cell, topicId, clusterId, partition, ref, fence, unfence, propose, move };
}

describe("a fenced broker", () => {
  test("leaves the in-sync set; below the bound it stays eligible, and lastIsr remembers it", () => {
    const { partition, fence } = scene(3, [1, 2, 3]);
    fence(3);
    expect(partition()).toMatchObject({ leader: 1, isr: [1, 2], elr: [], lastIsr: [1, 2, 3] });
    expect(partition()).toMatchObject({ leaderEpoch: 0, partitionEpoch: 1 });
    fence(1);
    expect(partition()).toMatchObject({ leader: 2, isr: [2], elr: [1], lastIsr: [1, 2] });
    expect(partition().leaderEpoch).toBe(1);
  });

  test("with the last member leaves nobody to lead, and leads again when it is back", () => {
    const { cell, partition, fence, unfence } = scene(3, [1, 2, 3]);
    fence(1, 2, 3);
    expect(partition()).toMatchObject({ leader: -1, isr: [], elr: [1, 2, 3] });
    expect(cell.image.leaderlessCount).toBe(1);
    unfence(2);
    expect(partition()).toMatchObject({ leader: 2, isr: [2], elr: [1, 3], lastIsr: [1, 2, 3] });
    expect(imageProblems(cell.image)).toEqual([]);
  });

  test("of an earlier life is let be", () => {
    const { cell, partition } = scene(3, [1, 2, 3]);
    const brokers = [{ brokerId: 1, brokerEpoch: 1 }];
    cell.accept((image, context) => fenceBrokers(image, { brokers }, context));
    expect(cell.image.brokers.get(1)?.state).toBe("active");
    expect(partition().leader).toBe(1);
  });

  test.each([
    ["in entries that fit, fenced with the last, where each partition is written out", 3, 3],
    ["in one small entry where it is said by position", 4, 1],
  ])("as one of thousands of leaderships goes %s", (_, level, entryCount) => {
    const cell = readyCell(4, level);
    const { clusterId } = cell;
    for (const name of ["a", "b", "c"]) {
      const topic = { name, partitionCount: 10_000, replicationFactor: 3 };
      cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    }
    const brokers = [{ brokerId: 1, brokerEpoch: cell.image.brokers.get(1)?.epoch ?? -1 }];
    cell.accept((image, context) => fenceBrokers(image, { brokers }, context));
    expect(cell.entryCount).toBe(entryCount);
    if (entryCount === 1) expect(cell.largestEntryBytes).toBeLessThan(64 * 1024);
    expect(cell.records.at(-1)).toMatchObject({ kind: "brokerState", state: "fenced" });
    expect(cell.image.brokerLoads.get(1)?.leaderCount).toBe(0);
    expect(imageProblems(cell.image)).toEqual([]);
  });

  test("is in no set again between the entries that fence it, though leaders still hear it", () => {
    const cell = readyCell(4, 3);
    const { clusterId } = cell;
    for (const name of ["a", "b"]) {
      const topic = { name, partitionCount: 10_000, replicationFactor: 3 };
      cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    }
    const refOf = (brokerId: number) => {
      return { brokerId, brokerEpoch: cell.image.brokers.get(brokerId)?.epoch ?? -1 };
    };
    const gone = refOf(1);
    const fence = () => fenceBrokers(cell.image, { brokers: [gone] }, {});
    const part = fence();
    if (part.kind === "rejected" || part.isIncomplete !== true) throw new Error("it fits");
    cell.accept(() => accepted(part.records, null));
    const topicId = topicByName(cell.image, clusterId, "a")?.topicId ?? "";
    const relieved = cell.image.topics.get(topicId)?.partitions.find(({ replicas, isr }) => {
      return replicas.includes(1) && !isr.includes(1);
    });
    if (relieved === undefined) throw new Error("the first part relieves it of some");
    const { index, leader, leaderEpoch, partitionEpoch, replicas } = relieved;
    const proposed = { topicId, index, leaderEpoch, partitionEpoch, isr: replicas.map(refOf) };
    const [outcome] = cell.accept((image, context) =>
      alterPartitions(image, [{ ...refOf(leader), partitions: [proposed] }], context),
    );
    expect(outcome).toMatchObject({ partitions: [{ error: "INELIGIBLE_REPLICA" }] });
    expect(imageProblems(cell.image)).toEqual([]);
    cell.accept((image, context) => fenceBrokers(image, { brokers: [gone] }, context));
    expect(cell.image.brokers.get(1)?.state).toBe("fenced");
  });
});

describe("AlterPartition", () => {
  test("shrinks and expands the set, and confirms who is remembered", () => {
    const { partition, propose } = scene(3, [1, 2, 3]);
    expect(propose([1])).toBeNull();
    expect(partition()).toMatchObject({
      isr: [1],
      elr: [2, 3],
      lastIsr: [1, 2, 3],
      leaderEpoch: 0,
    });
    expect(propose([1, 3])).toBeNull();
    expect(partition()).toMatchObject({ isr: [1, 3], elr: [], lastIsr: [1, 3], partitionEpoch: 2 });
  });

  test("takes a member whose disk went back out of the eligible ones too", () => {
    const { partition, propose } = scene(3, [1, 2, 3]);
    expect(propose([1], { distrusted: [3] })).toBeNull();
    expect(partition()).toMatchObject({ isr: [1], elr: [2] });
  });

  test.each<[string, object, string]>([
    ["an older leader epoch", { leaderEpoch: -1 }, "FENCED_LEADER_EPOCH"],
    ["a leader epoch to come", { leaderEpoch: 7 }, "NOT_CONTROLLER"],
    ["a partition epoch to come", { partitionEpoch: 7 }, "NOT_CONTROLLER"],
    ["an older partition epoch", { partitionEpoch: -1 }, "INVALID_UPDATE_VERSION"],
    ["an unknown topic", { topicId: "no" }, "UNKNOWN_TOPIC_ID"],
    ["an unknown partition", { index: 9 }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["a set without the leader", { isr: [{ brokerId: 2, brokerEpoch: 3 }] }, "INVALID_REQUEST"],
  ])("with %s is refused, as Kafka does", (_, changed, error) => {
    const { partition, propose } = scene(3, [1, 2, 3]);
    const before = partition();
    expect(propose([1, 2, 3], changed)).toBe(error);
    expect(partition()).toBe(before);
  });

  test("refuses a fenced member, one in another life, and a draining one that was not in the set", () => {
    const { cell, partition, propose, fence, ref, unfence } = scene(3, [1, 2, 3]);
    fence(3);
    expect(propose([1, 2, 3])).toBe("INELIGIBLE_REPLICA");
    unfence(3);
    const stale = { isr: [ref(1), ref(2), { brokerId: 3, brokerEpoch: 1 }] };
    expect(propose([], stale)).toBe("INELIGIBLE_REPLICA");
    cell.accept((image, context) => drainBroker(image, ref(3), context));
    expect(propose([1, 2, 3])).toBe("INELIGIBLE_REPLICA");
    expect(partition().isr).toEqual([1, 2]);
  });
});

describe("moves of replicas", () => {
  test("add first, end when the target is in sync, and take the others away in a new term", () => {
    const { cell, partition, propose, move } = scene(6, [1, 2, 3]);
    expect(move([4, 5, 6])).toBeNull();
    expect(partition()).toMatchObject({
      replicas: [4, 5, 6, 1, 2, 3],
      adding: [4, 5, 6],
      removing: [1, 2, 3],
      leader: 1,
      leaderEpoch: 0,
    });
    expect(decodeSnapshot(encodeSnapshot(cell.image))).toEqual(cell.image);
    expect(propose([1, 2, 3, 4])).toBeNull();
    expect(propose([1, 2, 3, 4, 5, 6])).toBe("NEW_LEADER_ELECTED");
    expect(partition()).toMatchObject({ replicas: [4, 5, 6], isr: [4, 5, 6], leader: 4 });
    expect(partition()).toMatchObject({ adding: [], removing: [], leaderEpoch: 1 });
  });

  test("can be taken back", () => {
    const { partition, propose, move } = scene(4, [1, 2, 3]);
    expect(move(null)).toBe("NO_REASSIGNMENT_IN_PROGRESS");
    move([1, 2, 4]);
    propose([1, 2, 3, 4]);
    expect(partition().replicas).toEqual([1, 2, 4]);
    move([1, 2, 3]);
    expect(move(null)).toBeNull();
    expect(partition()).toMatchObject({ replicas: [1, 2, 4], adding: [], removing: [] });
  });

  test("refuse targets that cannot be, and those that would forget who may know most", () => {
    const { cell, move, fence, propose } = scene(5, [1, 2, 3]);
    expect(move([])).toBe("INVALID_REPLICA_ASSIGNMENT");
    expect(move([1, 1])).toBe("INVALID_REPLICA_ASSIGNMENT");
    expect(move([1, 9])).toBe("INVALID_REPLICA_ASSIGNMENT");
    move([1, 4, 5]);
    propose([1, 2, 3, 4]);
    fence(1, 2, 3, 4, 5);
    expect(move(null)).toBe("INVALID_REPLICA_ASSIGNMENT");
    expect(imageProblems(cell.image)).toEqual([]);
  });

  test("that change the number of replicas change what the topic is to have", () => {
    const { cell, clusterId, move } = scene(3, [1, 2, 3]);
    move([1, 2]);
    expect(topicByName(cell.image, clusterId, "t")?.requestedReplicationFactor).toBe(2);
  });
});

test("the replicas of brokers that are back by the time of the decision stay where they are", () => {
  const { cell, fence, unfence, partition } = scene(5, [1, 2, 3]);
  fence(2, 3);
  const replace = () => {
    const request = { brokerIds: [2, 3], maxMoving: 10 };
    cell.accept((image, context) => replaceReplicas(image, request, context));
  };
  unfence(2, 3);
  replace();
  expect(partition()).toMatchObject({ replicas: [1, 2, 3], adding: [] });
  fence(2, 3);
  replace();
  expect(new Set(partition().adding)).toEqual(new Set([4, 5]));
  expect(imageProblems(cell.image)).toEqual([]);
});

describe("elections", () => {
  const elect = (
    { cell, clusterId }: ReturnType<typeof scene>,
    request: Partial<Parameters<typeof electLeaders>[1]>,
  ) => {
    const asked = {
      clusterId,
      electionType: "preferred" as const,
      partitions: [{ topic: "t", index: 0 }],
      ...request,
    };
    const [outcome] = cell.accept((image, context) => electLeaders(image, asked, context));
    return outcome;
  };

  test("give the leadership to the preferred replica if it is in sync", () => {
    const world = scene(3, [1, 2, 3]);
    expect(elect(world, {})).toMatchObject({ error: "ELECTION_NOT_NEEDED" });
    world.fence(1);
    expect(elect(world, {})).toMatchObject({ error: "PREFERRED_LEADER_NOT_AVAILABLE" });
    world.unfence(1);
    world.propose([1, 2, 3]);
    expect(elect(world, {})).toMatchObject({ kind: "done", leader: 1 });
    expect(world.partition()).toMatchObject({ leader: 1, leaderEpoch: 2 });
    expect(elect(world, { partitions: null })).toBeUndefined();
  });

  test("unclean show what they would give up, and go on above a gap", () => {
    const world = scene(3, [1, 2, 3]);
    world.propose([1, 2]);
    world.fence(1, 2);
    const { topicId, ref, partition } = world;
    const log = { lastEpoch: 0, logEndOffset: 40, highWatermark: 30 };
    const ends = [{ topicId, index: 0, ...log, ...ref(3) }];
    const electionType = "unclean" as const;
    const before = partition();
    expect(elect(world, { electionType })).toMatchObject({
      error: "ELIGIBLE_LEADERS_NOT_AVAILABLE",
    });
    const shown = elect(world, { electionType, ends, isValidateOnly: true });
    expect(shown).toMatchObject({ leader: 3, plan: { kind: "lossy", givenUp: [1, 2] } });
    expect(partition()).toBe(before);
    elect(world, { electionType, ends });
    expect(partition()).toMatchObject({ leader: 3, isr: [3], elr: [], lastIsr: [3] });
    const [recovery] = partition().recoveries;
    expect(recovery).toMatchObject({ epoch: partition().leaderEpoch });
    expect((recovery?.start ?? 0) - (recovery?.end ?? 0)).toBe(2 ** 40);
  });
});

test("a lower min.insync.replicas ends the eligibility of those outside, in the same entry", () => {
  const { cell, clusterId, partition, propose } = scene(3, [1, 2, 3]);
  propose([1]);
  const resource = { kind: "topic" as const, name: "t" };
  const resources = [{ resource, configs: { "min.insync.replicas": "1" } }];
  cell.accept((image) => alterConfigs(image, { clusterId, resources }));
  expect(cell.entryCount).toBe(1);
  expect(partition()).toMatchObject({ isr: [1], elr: [] });
});

describe("the office of controller", () => {
  test("goes to the first that missed its holder, who is fenced with it; the second is told", () => {
    const { cell, ref, partition } = scene(3, [1, 2, 3]);
    const missed = { brokerId: null, epoch: 0 };
    cell.accept((image, context) => takeOver(image, { ...ref(1), missed }, context));
    expect(cell.image.controller).toEqual({ brokerId: 1, epoch: 1 });
    expect(
      cell.reject((image, context) => takeOver(image, { ...ref(2), missed }, context)).error,
    ).toBe("STALE_CONTROLLER_EPOCH");
    const first = { brokerId: 1, epoch: 1 };
    cell.accept((image, context) => takeOver(image, { ...ref(2), missed: first }, context));
    expect(cell.image.controller).toEqual({ brokerId: 2, epoch: 2 });
    expect(cell.image.brokers.get(1)?.state).toBe("fenced");
    expect(partition()).toMatchObject({ leader: 2, isr: [2, 3] });
    const late = byController(first, () => accepted([], null));
    expect(cell.reject(late).error).toBe("NOT_CONTROLLER");
  });
});

test("only a fenced broker's disk can be lost; its partitions wait for it no longer", () => {
  const { cell, ref, fence, partition } = scene(2, [2]);
  expect(cell.reject((image, context) => declareLost(image, ref(2), context)).error).toBe(
    "INVALID_REQUEST",
  );
  fence(2);
  cell.accept((image, context) => declareLost(image, ref(2), context));
  expect(cell.image.brokers.get(2)?.isLost).toBe(true);
  expect(partition()).toMatchObject({ leader: -1, isr: [], elr: [], lastIsr: [2] });
});

test("a broker is forgotten only when it is out of service and holds nothing", () => {
  const { cell, fence } = scene(3, [2]);
  const forget = (brokerId: number) => (image: typeof cell.image) =>
    unregisterBroker(image, { brokerId });
  expect(cell.reject(forget(9)).error).toBe("BROKER_ID_NOT_REGISTERED");
  expect(cell.reject(forget(3)).error).toBe("INVALID_REQUEST");
  fence(2, 3);
  expect(cell.reject(forget(2)).error).toBe("INVALID_REQUEST");
  cell.accept(forget(3));
  expect(cell.image.brokers.has(3)).toBe(false);
});

test("a sole replica whose host crashed goes on above every offset it may have handed out", () => {
  const { cell, topicId, partition } = scene(1, [1], { durability: "replicated" });
  const ends = [{ topicId, index: 0, lastEpoch: 0, logEndOffset: 7, highWatermark: 5 }];
  const life = { ...newBroker("1", "a"), brokerId: 1, previousEnd: "hostCrash" as const };
  const restart = (incarnation: string, stored: string, said: typeof ends) => {
    const request = { ...life, incarnation, storedIncarnations: [stored], ends: said };
    cell.accept((image, context) => registerBroker(image, request, context));
  };
  restart("1-2", "1-1", ends);
  expect(partition()).toMatchObject({ leader: 1, leaderEpoch: 1 });
  expect(partition().recoveries).toEqual([{ epoch: 1, end: 7, start: 7 + 2 ** 40 }]);
  restart("1-3", "1-2", []);
  expect(partition()).toMatchObject({ leader: -1, isr: [], lastIsr: [1] });
});

test("a level is raised only to what every broker knows", () => {
  const cell = readyCell(1);
  expect(cell.reject((image) => raiseLevel(image, { level: 9 })).error).toBe("INVALID_REQUEST");
  expect(cell.accept((image) => raiseLevel(image, { level: 1 }))).toEqual({
    level: maxMetadataLevel,
  });
});
