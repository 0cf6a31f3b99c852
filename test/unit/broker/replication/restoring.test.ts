import { afterEach, beforeEach, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { createTopicTable, type Restoring } from "../../../../broker/replication/topic-table.ts";
import { resignLeaderships } from "../../../../metadata/commands/resign-leaderships.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { openTestStore } from "../log/store-fixture.ts";

// A table of its own beside a broker's, on the same image: what the log is restored from answers when the test has it.

let broker: MemoryBroker;
beforeEach(async () => {
  broker = await startMemoryBroker();
});
afterEach(() => broker.close());

/** A table of a topic's one partition, which asks for the log to be restored as it is told to. */
async function tableOf(topicId: string, restoring: Restoring) {
  const { store } = await openTestStore(createMemoryDisk());
  const { brokerId, epoch: brokerEpoch } = Array.from(broker.image.brokers.values())[0]!;
  const clock = createManualClock();
  const table = createTopicTable({
    brokerId,
    brokerEpoch,
    image: () => broker.image,
    store,
    clock,
    log: silentLog,
    following: { follow: () => undefined, unfollow: () => undefined },
    restoring,
  });
  table.follow([{ kind: "topicCreated", topicId }]);
  return { table, clock, brokerId, brokerEpoch };
}

test("a term that began while the log was being restored for the one before is led as well", async () => {
  const { topicId } = await broker.createTopic("orders", { partitionCount: 1 });
  const asked: { epoch: number; answer: (isDone: boolean) => void }[] = [];
  let isRestored = false;
  const { table, brokerId, brokerEpoch } = await tableOf(topicId, {
    isDue: () => !isRestored,
    restore: (_log, { leaderEpoch: epoch }) =>
      new Promise((answer) => void asked.push({ epoch, answer })),
  });
  const partition = table.local(topicId)!.partitions[0]!;
  const first = broker.image.topics.get(topicId)!.partitions[0]!.leaderEpoch;
  await broker.metadata.submit((image) =>
    resignLeaderships(image, {
      brokerId,
      brokerEpoch,
      failed: [{ topicId, index: 0, leaderEpoch: first, isDamaged: false }],
    }),
  );
  expect(broker.image.topics.get(topicId)!.partitions[0]!.leaderEpoch).toBeGreaterThan(first);
  table.follow([{ kind: "partitionChanged", topicId, index: 0, isLeaderChanged: true }]);
  // The store does not answer in time for the former term.
  asked.shift()!.answer(false);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked.length).toBe(1);
  isRestored = true;
  asked.shift()!.answer(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(partition.isLeader).toBe(true);
});

test("what cannot be restored is tried again soon at first, and ever more rarely", async () => {
  const { topicId } = await broker.createTopic("orders", { partitionCount: 1 });
  const triedMs: number[] = [];
  let isAway = true;
  const { table, clock } = await tableOf(topicId, {
    isDue: () => isAway,
    restore: () => {
      triedMs.push(clock.monotonicMs());
      return Promise.resolve(!isAway);
    },
  });
  const partition = table.local(topicId)!.partitions[0]!;
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(1_000);
    }
  };
  await pass(5);
  expect(triedMs.length).toBeGreaterThanOrEqual(4);
  await pass(595);
  expect(triedMs.length).toBeLessThan(50);
  const [last, before] = [triedMs.at(-1)!, triedMs.at(-2)!];
  expect(last - before).toBeGreaterThanOrEqual(30_000);
  isAway = false;
  await pass(32);
  expect(partition.isLeader).toBe(true);
});
