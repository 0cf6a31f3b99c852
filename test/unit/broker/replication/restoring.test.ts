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

test("a term that began while the log was being restored for the one before is led as well", async () => {
  const { topicId } = await broker.createTopic("orders", { partitionCount: 1 });
  const { store } = await openTestStore(createMemoryDisk());
  const asked: { epoch: number; answer: (isDone: boolean) => void }[] = [];
  let isRestored = false;
  const restoring: Restoring = {
    isDue: () => !isRestored,
    restore: (_log, { leaderEpoch: epoch }) =>
      new Promise((answer) => void asked.push({ epoch, answer })),
  };
  const { brokerId, epoch: brokerEpoch } = Array.from(broker.image.brokers.values())[0]!;
  const table = createTopicTable({
    brokerId,
    brokerEpoch,
    image: () => broker.image,
    store,
    clock: createManualClock(),
    log: silentLog,
    following: { follow: () => undefined, unfollow: () => undefined },
    restoring,
  });
  table.follow([{ kind: "topicCreated", topicId }]);
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
