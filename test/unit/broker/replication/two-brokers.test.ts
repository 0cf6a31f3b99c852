import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import {
  alterPartitionRequest,
  toWire,
} from "../../../../broker/replication/alter-partition-message.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { alterPartitionResponse } from "../../../../protocol/messages/alter-partition.ts";
import { fetchRequest, fetchResponse } from "../../../../protocol/messages/fetch.ts";
import { produceRequest, produceResponse } from "../../../../protocol/messages/produce.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";

// Two whole brokers of one cell, over one metadata log and one network.

let first: MemoryBroker;
let second: MemoryBroker;
let topicId: string;

beforeEach(async () => {
  first = await startMemoryBroker();
  second = await startMemoryBroker({
    world: { ...first.world, disk: createMemoryDisk(), seed: 77 },
    network: first.network,
    config: { slot: 2, zone: "zone-2", listen: { host: "127.0.0.1", port: 9093 } },
  });
  ({ topicId } = await first.createTopic("orders", { partitionCount: 1, replicationFactor: 2 }));
});
afterEach(async () => {
  await second.close();
  await first.close();
});

const partitionOf = (broker: MemoryBroker) => {
  const found = broker.services.topics.local(topicId)?.partitions[0];
  if (found === undefined) throw new Error("no such partition");
  return found;
};

async function until(what: () => boolean): Promise<void> {
  for (let turn = 0; turn < 3_000 && !what(); turn++) await new Promise((go) => setTimeout(go, 1));
  if (!what()) throw new Error(`never: ${what.toString()}`);
}

const leader = () => (partitionOf(first).isLeader ? first : second);
const follower = () => (partitionOf(first).isLeader ? second : first);

async function produce(value: string, acks = -1): Promise<number> {
  const records = buildBatch([{ key: null, value: Buffer.from(value), timestamp: 1 }]);
  const topicData = [{ name: "orders", partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: null, acks, timeoutMs: 5_000, topicData };
  const { responses } = await leader().call(produceRequest, produceResponse, 9, body);
  const answer = responses[0]?.partitionResponses[0];
  expect(answer?.errorCode).toBe(0);
  return answer?.baseOffset ?? -1;
}

test("a record is acknowledged once both have it, and both show it", async () => {
  await until(() => follower().services.topics.local(topicId)?.partitions[0] !== undefined);
  for (let at = 0; at < 5; at++) expect(await produce(`${at}`)).toBe(at);
  expect(partitionOf(follower()).log.logEndOffset).toBe(5);
  expect(partitionOf(leader()).log.highWatermark).toBe(5);
  await until(() => partitionOf(follower()).log.highWatermark === 5);
});

test("a consumer sees nothing that the follower does not have", async () => {
  await until(() => follower().services.topics.local(topicId)?.partitions[0] !== undefined);
  await produce("a");
  await follower().services.fetchers.stop();
  await produce("b", 1);
  const body = {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [
      { topic: "orders", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }] },
    ],
    forgottenTopicsData: [],
  };
  const { responses } = await leader().call(fetchRequest, fetchResponse, 11, body);
  expect(responses[0]?.partitions[0]?.highWatermark).toBe(1);
  expect(partitionOf(leader()).log.logEndOffset).toBe(2);
});

test("a follower that is gone leaves the in-sync set, and is taken in again once it has caught up", async () => {
  await until(() => follower().services.topics.local(topicId)?.partitions[0] !== undefined);
  await produce("a");
  const state = () => leader().image.topics.get(topicId)?.partitions[0];
  const [leading, gone] = [leader(), follower()];
  await gone.broker.close();
  const whenRemoved = until(() => state()?.isr.length === 1);
  await leading.clock.advance(15_000);
  await whenRemoved;
  await produce("alone", 1);
  const again = await startMemoryBroker({
    world: gone.world,
    network: first.network,
    config: gone === first ? {} : { slot: 2, listen: { host: "127.0.0.1", port: 9093 } },
  });
  if (gone === first) first = again;
  else second = again;
  await until(() => state()?.isr.length === 2);
  await until(() => partitionOf(again).log.logEndOffset === 2);
  expect(await produce("together")).toBe(2);
});

test("a leader asks the controller, and believes nobody else", async () => {
  await until(() => first.image.controller.brokerId === first.broker.brokerId);
  const self = second.broker.brokerId;
  const selfEpoch = first.image.brokers.get(self)?.epoch ?? -1;
  const assignments = [{ index: 0, brokerIds: [self, first.broker.brokerId] }];
  const created = await first.createTopic("elsewhere", { assignments });
  const led = () => second.services.topics.local(created.topicId);
  await until(() => led()?.partitions[0]?.isLeader === true);
  const state = led()?.topic.partitions[0];
  const proposal = {
    topicId: created.topicId,
    index: 0,
    leaderEpoch: state?.leaderEpoch ?? -1,
    partitionEpoch: state?.partitionEpoch ?? -1,
    isr: [{ brokerId: self, brokerEpoch: selfEpoch }],
  };
  const request = { brokerId: self, brokerEpoch: selfEpoch, partitions: [proposal] };
  const [answer] = await second.services.controller.alterPartitions(request);
  expect(answer).toMatchObject({ error: null, partition: { isr: [self] } });
  // Who is not the controller says so.
  const body = toWire(request);
  const refused = await second.call(alterPartitionRequest, alterPartitionResponse, 3, body);
  expect(refused.errorCode).toBe(errorCodes.NOT_CONTROLLER);
  const stale = { ...request, brokerEpoch: 1 };
  await expect(second.services.controller.alterPartitions(stale)).rejects.toThrow(
    "STALE_BROKER_EPOCH",
  );
});

test("a consumer in the follower's zone is sent there, and reads there what is committed", async () => {
  await until(() => follower().services.topics.local(topicId)?.partitions[0] !== undefined);
  await produce("a");
  await until(() => partitionOf(follower()).log.highWatermark === 1);
  const ask = async (broker: MemoryBroker, rackId: string) => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }];
    const body = {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: "orders", partitions }],
      forgottenTopicsData: [],
      rackId,
    };
    const { responses } = await broker.call(fetchRequest, fetchResponse, 11, body);
    return responses[0]?.partitions[0];
  };
  const zone = follower() === second ? "zone-2" : "";
  if (zone !== "") {
    const far = await ask(leader(), zone);
    expect(far).toMatchObject({ errorCode: 0, preferredReadReplica: follower().broker.brokerId });
  }
  const near = await ask(follower(), "anywhere");
  expect(near).toMatchObject({ errorCode: 0, highWatermark: 1 });
  expect(near?.records?.length).toBeGreaterThan(0);
  // Without a rack a consumer reads from leaders only.
  expect((await ask(follower(), ""))?.errorCode).toBe(6);
});
