import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { BrokerConfig } from "../../../../broker/config.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { fetchRequest, fetchResponse } from "../../../../protocol/messages/fetch.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { smallLog } from "../../../support/small-log.ts";

// What a follower of Kafka's own hears that asks for what its leader has in the object store only (KIP-405).

const kibibyte = 1024;
const config: Partial<BrokerConfig> = {
  log: smallLog,
  tiering: { segmentBytes: 24 * kibibyte, localBudgetBytes: 0, checkMs: 1_000 },
};

let leader: MemoryBroker;
let replicaId: number;

beforeEach(async () => {
  leader = await startMemoryBroker({ config });
  // It has registered, and is gone: the test speaks for it.
  const follower = await startMemoryBroker({
    world: { ...leader.world, disk: createMemoryDisk(), seed: 77 },
    network: leader.network,
    config: { ...config, slot: 2, zone: "zone-2", listen: { host: "127.0.0.1", port: 9093 } },
  });
  replicaId = follower.broker.brokerId;
  await follower.close();
});
afterEach(() => leader.close());

test("a follower below the local start is told OFFSET_MOVED_TO_TIERED_STORAGE, a consumer gets the records", async () => {
  const assignments = [{ index: 0, brokerIds: [leader.broker.brokerId, replicaId] }];
  const { topicId } = await leader.createTopic("cold", { assignments });
  for (let number = 0; number < 200; number += 1) {
    const records = batchOf([`${number} ${"c".repeat(1_000)}`]);
    expect((await produceOne(leader, { topic: "cold", records })).errorCode).toBe(0);
  }
  const { log, leaderEpoch } = leader.services.topics.local(topicId)!.partitions[0]!;
  for (let second = 0; second < 300 && log.localStartOffset < 50; second += 1) {
    await leader.clock.advance(1_000);
  }
  expect(log.localStartOffset).toBeGreaterThanOrEqual(50);
  const replicaEpoch = leader.image.brokers.get(replicaId)!.epoch;
  const fetchAt = async (fetchOffset: number) => {
    const { responses } = await leader.call(fetchRequest, fetchResponse, 17, {
      replicaState: { replicaId, replicaEpoch },
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1_024 ** 2,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topicId,
          partitions: [
            {
              partition: 0,
              currentLeaderEpoch: leaderEpoch,
              fetchOffset,
              lastFetchedEpoch: -1,
              logStartOffset: 0,
              partitionMaxBytes: 1_024 ** 2,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
    });
    return responses[0]!.partitions[0]!;
  };
  const moved = await fetchAt(log.localStartOffset - 1);
  // With what it needs to begin anew, and without bytes.
  expect(moved).toMatchObject({
    errorCode: errorCodes.OFFSET_MOVED_TO_TIERED_STORAGE,
    highWatermark: 200,
    logStartOffset: 0,
  });
  expect(moved.records?.length ?? 0).toBe(0);
  const present = await fetchAt(log.localStartOffset);
  expect(present.errorCode).toBe(0);
  expect(present.records!.length).toBeGreaterThan(0);
  const consumed = await fetchOne(leader, { topic: "cold", offset: 0 });
  expect([consumed.errorCode, consumed.records!.length > 0]).toEqual([0, true]);
});
