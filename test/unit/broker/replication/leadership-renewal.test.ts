import { afterEach, beforeEach, expect, test } from "vitest";
import { createLeadershipRenewal } from "../../../../broker/replication/leadership-renewal.ts";
import type { LeadershipRenewal } from "../../../../broker/replication/leadership-renewal.ts";
import type { FailedLeadership } from "../../../../metadata/commands/resign-leaderships.ts";
import type { Partition } from "../../../../broker/replication/partition.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";

let broker: MemoryBroker;
let renewal: LeadershipRenewal;

beforeEach(async () => {
  broker = await startMemoryBroker();
  await broker.createTopic("orders", { partitionCount: 2 });
  renewal = renewalOf(broker.image.brokers.get(broker.broker.brokerId)?.epoch ?? -1);
});
afterEach(async () => {
  renewal.stop();
  await broker.close();
});

function renewalOf(brokerEpoch: number): LeadershipRenewal {
  const { metadata, clock, services } = broker;
  const { brokerId, log } = services;
  return createLeadershipRenewal({ brokerId, brokerEpoch, metadata, clock, log });
}

const partition = (index = 0): Partition => {
  const found = broker.services.topics.byName(broker.clusterId, "orders")?.partitions[index];
  if (found === undefined) throw new Error("no such partition");
  return found;
};

function failBoth(): FailedLeadership[] {
  return broker.services.topics.failed([partition(0).log, partition(1).log]);
}

test("partitions whose write failed are led again, in a new term", async () => {
  renewal.resign(failBoth());
  await expect.poll(() => [partition(0).isLeader, partition(1).isLeader]).toEqual([true, true]);
  expect([partition(0).leaderEpoch, partition(1).leaderEpoch]).toEqual([1, 1]);
});

test("a disk that goes on failing makes a term a second, not more", async () => {
  renewal.resign(failBoth());
  await expect.poll(() => partition().leaderEpoch).toBe(1);
  const { revision } = broker.image;
  for (let count = 0; count < 5; count++) renewal.resign(failBoth());
  await broker.clock.advance(500);
  expect(broker.image.revision).toBe(revision);
  await broker.clock.advance(600);
  await expect.poll(() => partition().leaderEpoch).toBe(2);
});

test("it asks again until the metadata log answers", async () => {
  for (let count = 0; count < 8; count++)
    broker.world.metadata.failNext("append", { takesEffect: false });
  renewal.resign(failBoth());
  for (let second = 0; second < 60; second++) await broker.clock.advance(1_000);
  await expect.poll(() => partition().isLeader).toBe(true);
  expect(partition().leaderEpoch).toBe(1);
});

test("who was registered anew elsewhere leads nothing again", async () => {
  renewal.stop();
  renewal = renewalOf(1);
  const { revision } = broker.image;
  renewal.resign(failBoth());
  await broker.clock.advance(10_000);
  expect(broker.image.revision).toBe(revision);
  expect(partition().isLeader).toBe(false);
});
