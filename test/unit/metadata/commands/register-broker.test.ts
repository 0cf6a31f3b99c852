import { describe, expect, test } from "vitest";

import { allocateProducerIds } from "../../../../metadata/commands/allocate-producer-ids.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { accepted } from "../../../../metadata/commands/command.ts";
import { createTopic, createTopics } from "../../../../metadata/commands/create-topics.ts";
import { registerBroker } from "../../../../metadata/commands/register-broker.ts";
import type { RegisterBrokerRequest } from "../../../../metadata/commands/register-broker.ts";
import { topicByName } from "../../../../metadata/image/image.ts";
import { maxMetadataEntryBytes } from "../../../../ports/metadata-log.ts";
import { newBroker, readyCell, seededRandom, testCell } from "../test-cell.ts";
import type { TestCell } from "../test-cell.ts";

function register(cell: TestCell, request: RegisterBrokerRequest) {
  return cell.accept((image, context) => registerBroker(image, request, context));
}

function restart(
  brokerId: number,
  life: number,
  previousEnd: RegisterBrokerRequest["previousEnd"],
): RegisterBrokerRequest {
  return {
    ...newBroker(String(brokerId), "abc"[(brokerId - 1) % 3]),
    brokerId,
    incarnation: `${brokerId}-${life}`,
    storedIncarnations: [`${brokerId}-${life - 1}`],
    previousEnd,
  };
}

function withTopic(brokerCount: number, configs: Record<string, string> = {}) {
  const cell = readyCell(brokerCount);
  const { clusterId } = cell;
  const brokerIds = Array.from({ length: brokerCount }, (_, index) => index + 1);
  const topic = { name: "t", assignments: [{ index: 0, brokerIds }], configs };
  cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
  const partition = () => topicByName(cell.image, clusterId, "t")?.partitions[0];
  return { cell, partition };
}

describe("registering a broker", () => {
  test("with a new directory gives it a new id, and the entry's revision as epoch", () => {
    const cell = testCell();
    const first = register(cell, newBroker("1"));
    const second = register(cell, newBroker("2"));
    expect(first).toEqual({ brokerId: 1, brokerEpoch: 2, isNewId: true });
    expect(second).toEqual({ brokerId: 2, brokerEpoch: 3, isNewId: true });
    expect(cell.image.brokers.get(2)).toMatchObject({ state: "active", previousEnd: "new" });
  });

  test("again on the same directory keeps the id, with a larger epoch", () => {
    const cell = readyCell();
    const before = cell.image.brokers.get(1)?.epoch ?? 0;
    const again = register(cell, restart(1, 2, "clean"));
    expect(again).toMatchObject({ brokerId: 1, isNewId: false });
    expect(again.brokerEpoch).toBeGreaterThan(before);
  });

  test("from a copy of its directory that was rolled back gives it a new id", () => {
    const cell = readyCell();
    register(cell, restart(1, 2, "clean"));
    register(cell, restart(1, 3, "clean"));
    const copy = { ...restart(1, 9, "hostCrash"), storedIncarnations: ["1-1"] };
    expect(register(cell, copy)).toMatchObject({ brokerId: 2, isNewId: true });
  });

  test("after a start that stopped between its registration and its first service keeps the id", () => {
    const cell = readyCell();
    register(cell, restart(1, 2, "clean"));
    const next = { ...restart(1, 3, "processCrash"), storedIncarnations: ["1-1", "1-2"] };
    expect(register(cell, next)).toMatchObject({ brokerId: 1, isNewId: false });
  });

  test("with an id the cell does not know, or another's directory, gives it a new id", () => {
    const cell = readyCell();
    expect(register(cell, { ...newBroker("x"), brokerId: 7 })).toMatchObject({ brokerId: 2 });
    const stolen = { ...restart(1, 2, "clean"), directoryId: "another" };
    expect(register(cell, stolen)).toMatchObject({ brokerId: 3, isNewId: true });
  });

  test("asked twice for one start, as after a lost reply, changes nothing the second time", () => {
    const cell = readyCell();
    const request = restart(1, 2, "clean");
    const first = register(cell, request);
    expect(register(cell, request)).toEqual(first);
    expect(cell.records).toEqual([]);
  });

  test("of a rolled-back copy, asked twice for one start, gives one new id", () => {
    const cell = readyCell();
    register(cell, restart(1, 2, "clean"));
    const copy = { ...restart(1, 9, "hostCrash"), storedIncarnations: ["1-7"] };
    const first = register(cell, copy);
    expect(register(cell, copy)).toEqual(first);
    expect(first).toMatchObject({ brokerId: 2, isNewId: true });
    expect(cell.image.brokers.size).toBe(2);
  });

  test("that was the controller leaves the cell without one", () => {
    const cell = readyCell();
    cell.accept(() => ({
      kind: "accepted",
      records: [{ kind: "controller", brokerId: 1, epoch: 4 }],
      result: null,
    }));
    register(cell, restart(1, 2, "clean"));
    expect(cell.image.controller).toEqual({ brokerId: null, epoch: 4 });
  });
});

describe("partitions of a broker that starts again", () => {
  test.each(["clean", "processCrash", "hostCrash"] as const)(
    "with one replica are led by it again, in a new epoch, after a %s end",
    (previousEnd) => {
      const { cell, partition } = withTopic(1);
      register(cell, restart(1, 2, previousEnd));
      expect(partition()).toMatchObject({
        leader: 1,
        isr: [1],
        lastIsr: [1],
        leaderEpoch: 1,
        partitionEpoch: 1,
      });
      expect(cell.entryCount).toBe(1);
      expect(cell.records.at(-1)).toMatchObject({ kind: "broker" });
      expect(cell.changes[0]).toMatchObject({ kind: "partitionChanged", isLeaderChanged: true });
    },
  );

  test("keep it in sync after a process crash", () => {
    const { cell, partition } = withTopic(3);
    register(cell, restart(2, 2, "processCrash"));
    expect(partition()).toMatchObject({ leader: 1, isr: [1, 2, 3], leaderEpoch: 0 });
    expect(partition()?.partitionEpoch).toBe(0);
  });

  test("lose it from the in-sync set after a host crash, but remember who was in it", () => {
    const { cell, partition } = withTopic(3);
    register(cell, restart(1, 2, "hostCrash"));
    expect(partition()).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1 });
    register(cell, restart(3, 2, "hostCrash"));
    expect(partition()).toMatchObject({ leader: 2, isr: [2], lastIsr: [1, 2, 3], leaderEpoch: 1 });
  });

  test("elect nobody, once all hosts have crashed, before the ends of all are known: each was elected while it was not known to be gone", () => {
    const { cell, partition } = withTopic(3);
    for (const id of [1, 2, 3]) register(cell, restart(id, 2, "hostCrash"));
    expect(partition()).toMatchObject({ leader: -1, isr: [], elr: [], lastIsr: [1, 2, 3] });
  });

  test("keep it after a host crash when the topic flushes every record", () => {
    const { cell, partition } = withTopic(3, { durability: "fsync" });
    register(cell, restart(2, 2, "hostCrash"));
    expect(partition()?.isr).toEqual([1, 2, 3]);
  });

  test.each([
    ["says", "fsync", true, [1, 2, 3]],
    ["does not say yet", "fsync", false, [1, 3]],
    ["says", "replicated", true, [1, 3]],
  ] as const)(
    "whose log %s that it was flushed, with durability %s, after a host crash",
    (_, durability, isListed, isr) => {
      const { cell, partition } = withTopic(3, { durability });
      const topicId = topicByName(cell.image, cell.clusterId, "t")?.topicId ?? "";
      const flushed = isListed ? [{ topicId, index: 0 }] : [];
      register(cell, { ...restart(2, 2, "hostCrash"), flushed });
      expect(partition()).toMatchObject({ isr, elr: [], lastIsr: [1, 2, 3] });
    },
  );

  test("lose it where recovery found them damaged", () => {
    const { cell, partition } = withTopic(3);
    const topicId = topicByName(cell.image, cell.clusterId, "t")?.topicId ?? "";
    register(cell, { ...restart(1, 2, "clean"), damaged: [{ topicId, index: 0 }] });
    expect(partition()).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1 });
  });

  test("stay without a leader while somebody who may know more is missing", () => {
    const { cell, partition } = withTopic(2);
    cell.accept(() => ({
      kind: "accepted",
      records: [{ kind: "brokerState", brokerId: 2, state: "fenced", isLost: false }],
      result: null,
    }));
    register(cell, restart(1, 2, "hostCrash"));
    expect(partition()).toMatchObject({ leader: -1, isr: [2], leaderEpoch: 1 });
  });

  test("in great number change in several entries: removals, the registration, then elections", () => {
    // At the second level, where each is written out.
    const cell = readyCell(1, 2);
    const { clusterId } = cell;
    for (const name of ["a", "b", "c"]) {
      const topic = { name, partitionCount: 10_000 };
      cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    }
    const before = cell.image.brokers.get(1)?.epoch;
    register(cell, restart(1, 2, "clean"));
    expect(cell.entryCount).toBe(6);
    const at = cell.records.findIndex(({ kind }) => kind === "broker");
    const leadersIn = (records: typeof cell.records) =>
      new Set(
        records.flatMap((record) =>
          record.kind === "partitionsChanged" ? record.partitions.map(({ leader }) => leader) : [],
        ),
      );
    expect(leadersIn(cell.records.slice(0, at))).toEqual(new Set([-1]));
    expect(leadersIn(cell.records.slice(at))).toEqual(new Set([1]));
    expect(cell.image.brokers.get(1)?.epoch).not.toBe(before);
    for (const topic of cell.image.topics.values()) {
      expect(new Set(topic.partitions.map(({ leader }) => leader))).toEqual(new Set([1]));
    }
  });
});

describe("partitions without replicas, more than one entry holds", () => {
  function waitingCell() {
    const cell = testCell();
    const { clusterId } = cell.accept((image, context) =>
      createCluster(image, { name: "dev" }, context),
    );
    for (const name of ["a", "b"]) {
      const topic = { name, partitionCount: 10_000 };
      cell.accept((image, context) => createTopic(image, { clusterId, topic }, context));
    }
    return cell;
  }

  test.each([
    ["a new directory", null],
    ["a directory with another cell's id", 7],
  ])("all go to the first broker, one broker, on %s", (_, brokerId) => {
    const cell = waitingCell();
    expect(register(cell, { ...newBroker("1"), brokerId })).toMatchObject({
      brokerId: 1,
      isNewId: true,
    });
    expect(cell.entryCount).toBeGreaterThan(1);
    expect([...cell.image.brokers.keys()]).toEqual([1]);
    for (const { partitions } of cell.image.topics.values()) {
      expect(new Set(partitions.map(({ leader }) => leader))).toEqual(new Set([1]));
    }
  });
});

test("the start of a broker with thousands of small topics, all in epochs of their own, fits its entries", () => {
  const cell = readyCell(3);
  const { clusterId } = cell;
  for (let request = 0; request < 10; request++) {
    const topics = Array.from({ length: 1_000 }, (_, index) => ({ name: `t${request}-${index}` }));
    cell.accept((image, context) => createTopics(image, { clusterId, topics }, context));
  }
  const random = seededRandom(3);
  const below = (bound: number) => Math.floor(random.float() * bound);
  const everyTopic = [...cell.image.topics.values()];
  for (let from = 0; from < everyTopic.length; from += 2_500) {
    const records = everyTopic.slice(from, from + 2_500).map(({ topicId, partitions }) => ({
      kind: "partitionsChanged" as const,
      topicId,
      partitions: partitions.map((partition) => ({
        ...partition,
        leaderEpoch: below(1_000),
        partitionEpoch: 1 + below(5_000),
      })),
    }));
    cell.accept(() => accepted(records, null));
  }
  register(cell, restart(1, 2, "hostCrash"));
  expect(cell.entryCount).toBeGreaterThan(1);
  expect(cell.largestEntryBytes).toBeLessThan(maxMetadataEntryBytes);
});

describe("producer ids", () => {
  test("come in blocks of a thousand, none of them twice", () => {
    const cell = readyCell();
    const brokerEpoch = cell.image.brokers.get(1)?.epoch ?? 0;
    const next = () =>
      cell.accept((image) => allocateProducerIds(image, { brokerId: 1, brokerEpoch }));
    expect(next()).toEqual({ first: 0, count: 1_000 });
    expect(next()).toEqual({ first: 1_000, count: 1_000 });
  });

  test("are refused to an earlier life of a broker", () => {
    const cell = readyCell();
    const brokerEpoch = cell.image.brokers.get(1)?.epoch ?? 0;
    register(cell, restart(1, 2, "clean"));
    expect(
      cell.reject((image) => allocateProducerIds(image, { brokerId: 1, brokerEpoch })),
    ).toMatchObject({ error: "STALE_BROKER_EPOCH" });
  });
});
