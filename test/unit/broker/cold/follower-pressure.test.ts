import { afterEach, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { BrokerConfig } from "../../../../broker/config.ts";
import {
  replicaFetchRequest,
  replicaFetchResponse,
} from "../../../../broker/replication/replica-fetch-message.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { smallLog } from "../../../support/small-log.ts";

// Two brokers of one cell: the leader's disk has room for everything, its follower's does not.

const kibibyte = 1024;
const plenty = 1_024 * kibibyte * kibibyte;
const config = (localBudgetBytes: number): Partial<BrokerConfig> => ({
  log: smallLog,
  // As on a laptop: nothing goes before it is old, or a disk needs the room.
  tiering: {
    isEager: false,
    maxAgeMs: 3_600_000,
    segmentBytes: 24 * kibibyte,
    localBudgetBytes,
    checkMs: 1_000,
  },
});

let roomy: MemoryBroker;
let tight: MemoryBroker;
let topicId: string;

async function start(budgetBytes: number): Promise<void> {
  roomy = await startMemoryBroker({ config: config(plenty) });
  tight = await startMemoryBroker({
    world: { ...roomy.world, disk: createMemoryDisk(), seed: 77 },
    network: roomy.network,
    config: {
      ...config(budgetBytes),
      slot: 2,
      zone: "zone-2",
      listen: { host: "127.0.0.1", port: 9093 },
    },
  });
  const assignments = [{ index: 0, brokerIds: [roomy.broker.brokerId, tight.broker.brokerId] }];
  ({ topicId } = await roomy.createTopic("cold", { assignments }));
  for (let number = 0; number < 200; number += 1) {
    const records = batchOf([`${number} ${"c".repeat(1_000)}`]);
    expect((await produceOne(roomy, { topic: "cold", records })).errorCode).toBe(0);
  }
}

afterEach(async () => {
  await tight.close();
  await roomy.close();
});

const partitionOf = (broker: MemoryBroker) => {
  const partition = broker.services.topics.local(topicId)?.partitions[0];
  if (partition === undefined) throw new Error("no such partition");
  return partition;
};

/** Far less than the hour after which records go by their age. */
async function minutes(isSo: () => boolean): Promise<boolean> {
  for (let second = 0; second < 300 && !isSo(); second += 1) {
    await Promise.all([roomy.clock.advance(1_000), tight.clock.advance(1_000)]);
    // Fetches between them take the machine's time.
    await new Promise((go) => setTimeout(go, 2));
  }
  return isSo();
}

test("a leader puts into the object store what a follower's disk has no room for, and the follower lets go of it", async () => {
  await start(0);
  expect(partitionOf(roomy).isLeader).toBe(true);
  const statistics = () => tight.services.store.statistics();
  expect(await minutes(() => statistics().reclaimedFiles > 3)).toBe(true);
  expect(partitionOf(tight).log.localStartOffset).toBeGreaterThan(80);
  // Whose disk has the room keeps what it has.
  expect(partitionOf(roomy).log.localStartOffset).toBe(0);
  expect(partitionOf(roomy).tieredEnd).toBeGreaterThan(80);
});

// One who is no follower, in a life that is over, or whose log went on further in a term that was lost.
test("nobody has a leader make segments for ever", async () => {
  await start(plenty);
  const { leaderEpoch, log } = partitionOf(roomy);
  const { broker } = tight;
  const brokerEpoch = roomy.image.brokers.get(broker.brokerId)!.epoch;
  const ask = (replicaId: number, replicaEpoch: number) =>
    roomy.call(replicaFetchRequest, replicaFetchResponse, 18, {
      replicaState: { replicaId, replicaEpoch },
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topicId,
          partitions: [
            {
              partition: 0,
              currentLeaderEpoch: leaderEpoch,
              fetchOffset: log.logEndOffset,
              lastFetchedEpoch: leaderEpoch,
              logStartOffset: 0,
              partitionMaxBytes: 1,
              pressedEnd: 2 ** 40,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
    });
  await ask(99, 1);
  await ask(broker.brokerId, brokerEpoch - 1);
  expect(partitionOf(roomy).pressedEnd).toBe(-1);
  await ask(broker.brokerId, brokerEpoch);
  expect(partitionOf(roomy).pressedEnd).toBe(log.logEndOffset);
});

test("where both have room nothing goes before its time", async () => {
  await start(plenty);
  expect(await minutes(() => partitionOf(roomy).tieredEnd > 0)).toBe(false);
});
