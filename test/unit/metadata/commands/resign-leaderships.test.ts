import { expect, test } from "vitest";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { fenceBrokers } from "../../../../metadata/commands/fence-brokers.ts";
import { resignLeaderships } from "../../../../metadata/commands/resign-leaderships.ts";
import { topicByName } from "../../../../metadata/image/image.ts";
import { maxMetadataEntryBytes } from "../../../../ports/metadata-log.ts";
import { readyCell } from "../test-cell.ts";

type Failed = { index?: number; leaderEpoch?: number; isDamaged?: boolean };

function scene(brokerCount: number) {
  const cell = readyCell(brokerCount);
  const { clusterId } = cell;
  const brokerIds = Array.from({ length: brokerCount }, (_, index) => index + 1);
  const assignments = [
    { index: 0, brokerIds },
    { index: 1, brokerIds },
  ];
  const { topicId } = cell.accept((image, context) =>
    createTopic(image, { clusterId, topic: { name: "t", assignments } }, context),
  );
  const partition = (index = 0) => {
    const found = topicByName(cell.image, clusterId, "t")?.partitions[index];
    if (found === undefined) throw new Error("no such partition");
    return found;
  };
  const requestOf = (failed: Failed[]) => {
    return {
      brokerId: 1,
      brokerEpoch: cell.image.brokers.get(1)?.epoch ?? -1,
      failed: failed.map(({ index = 0, isDamaged = false, leaderEpoch }) => ({
        topicId,
        index,
        isDamaged,
        leaderEpoch: leaderEpoch ?? partition(index).leaderEpoch,
      })),
    };
  };
  const resign = (failed: Failed[]) =>
    cell.accept((image) => resignLeaderships(image, requestOf(failed)));
  return { cell, partition, resign, requestOf };
}

test("a sole replica leads on, in a new term", () => {
  const { partition, resign } = scene(1);
  const before = partition();
  resign([{}]);
  expect(partition()).toEqual({
    ...before,
    leaderEpoch: before.leaderEpoch + 1,
    partitionEpoch: before.partitionEpoch + 1,
  });
  expect(partition(1)).toEqual({ ...before, index: 1 });
});

test("another replica in sync is preferred, and need not wait for the one that could not write", () => {
  const { partition, resign } = scene(3);
  resign([{}]);
  expect(partition()).toMatchObject({ leader: 2, isr: [2, 3], elr: [], lastIsr: [2, 3] });
});

test("one without which too few would be in sync stays in the set, though another leads", () => {
  const { cell, partition, resign } = scene(3);
  const brokers = [{ brokerId: 3, brokerEpoch: cell.image.brokers.get(3)?.epoch ?? -1 }];
  cell.accept((image, context) => fenceBrokers(image, { brokers }, context));
  resign([{}]);
  expect(partition()).toMatchObject({ leader: 2, isr: [1, 2], elr: [] });
});

test("a damaged replica leaves the in-sync set; where it was alone nobody leads, and it is remembered who did", () => {
  const many = scene(3);
  many.resign([{ isDamaged: true }]);
  expect(many.partition()).toMatchObject({ leader: 2, isr: [2, 3], lastIsr: [2, 3] });
  const alone = scene(1);
  alone.resign([{ isDamaged: true }]);
  expect(alone.partition()).toMatchObject({ leader: -1, isr: [], lastIsr: [1] });
});

test("several partitions resign in one entry", () => {
  const { cell, partition, resign } = scene(1);
  const revision = cell.image.revision;
  resign([{ index: 0 }, { index: 1 }]);
  expect(cell.image.revision).toBe(revision + 1);
  expect([partition(0).leaderEpoch, partition(1).leaderEpoch]).toEqual([1, 1]);
});

test("a term that has ended meanwhile is let be", () => {
  const { cell, partition, resign } = scene(1);
  resign([{}]);
  const { revision } = cell.image;
  const after = partition();
  resign([{ leaderEpoch: 0 }]);
  expect(partition()).toEqual(after);
  expect(cell.image.revision).toBe(revision);
});

test("more than one entry holds is resigned from in several", () => {
  const cell = readyCell(1);
  const { clusterId } = cell;
  const { topicId } = cell.accept((image, context) =>
    createTopic(image, { clusterId, topic: { name: "wide", partitionCount: 9_000 } }, context),
  );
  const failed = Array.from({ length: 9_000 }, (_, index) => ({
    topicId,
    index,
    leaderEpoch: 0,
    isDamaged: false,
  }));
  const brokerEpoch = cell.image.brokers.get(1)?.epoch ?? -1;
  cell.accept((image) => resignLeaderships(image, { brokerId: 1, brokerEpoch, failed }));
  expect(cell.largestEntryBytes).toBeLessThanOrEqual(maxMetadataEntryBytes);
  const epochs = topicByName(cell.image, clusterId, "wide")?.partitions.map(
    ({ leaderEpoch }) => leaderEpoch,
  );
  expect(new Set(epochs)).toEqual(new Set([1]));
});

test("an earlier life of the broker has nothing to resign from", () => {
  const { cell, partition, requestOf } = scene(1);
  const before = partition();
  const request = { ...requestOf([{}]), brokerEpoch: 1 };
  const { error } = cell.reject((image) => resignLeaderships(image, request));
  expect(error).toBe("STALE_BROKER_EPOCH");
  expect(partition()).toEqual(before);
});
