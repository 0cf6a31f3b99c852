import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  createTopicsRequest,
  createTopicsResponse,
} from "../../../../protocol/messages/create-topics.ts";
import { produceRequest, produceResponse } from "../../../../protocol/messages/produce.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";

// Three whole brokers of one cell, over one metadata log and one network. Only the simulator can tell what all this is worth under faults; here it is seen
// to be wired.

let first: MemoryBroker;
let second: MemoryBroker;
let third: MemoryBroker;
let running: Set<MemoryBroker>;

async function startBeside(slot: number): Promise<MemoryBroker> {
  return startMemoryBroker({
    world: { ...first.world, disk: createMemoryDisk(), seed: 70 + slot },
    network: first.network,
    // As in AWS, where nothing tells of appends: what they hear they hear of the controller.
    hearsOfAppends: false,
    config: { slot, zone: `zone-${slot}`, listen: { host: "127.0.0.1", port: 9091 + slot } },
  });
}

beforeEach(async () => {
  first = await startMemoryBroker({ hearsOfAppends: false });
  second = await startBeside(2);
  third = await startBeside(3);
  running = new Set([first, second, third]);
  await until(() => second.image.controller.brokerId === first.broker.brokerId);
});
afterEach(async () => {
  // Together: each would else wait for the ones before it.
  await Promise.all([...running].map((broker) => broker.close()));
}, 30_000);

async function until(what: () => boolean, limitMs = 8_000): Promise<void> {
  for (let turn = 0; turn < limitMs / 2 && !what(); turn++)
    await new Promise((go) => setTimeout(go, 2));
  if (!what()) throw new Error(`never: ${what.toString()}`);
}

const partitionAt = (broker: MemoryBroker, topicId: string) =>
  broker.image.topics.get(topicId)?.partitions[0];

function leaderOf(topicId: string): MemoryBroker | undefined {
  return [...running].find(
    (broker) => broker.services.topics.local(topicId)?.partitions[0]?.isLeader === true,
  );
}

/** The error the leader answers, and where the record went. */
async function produce(topic: string, topicId: string): Promise<{ error: number; at: number }> {
  const records = buildBatch([{ key: null, value: Buffer.from("x"), timestamp: 1 }]);
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const leader = leaderOf(topicId);
  if (leader === undefined) return { error: errorCodes.LEADER_NOT_AVAILABLE, at: -1 };
  const body = { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData };
  const { responses } = await leader.call(produceRequest, produceResponse, 9, body);
  const answer = responses[0]?.partitionResponses[0];
  return { error: answer?.errorCode ?? -1, at: answer?.baseOffset ?? -1 };
}

async function made(name: string, brokerIds: readonly number[]): Promise<string> {
  const assignments = [{ index: 0, brokerIds }];
  const { topicId } = await first.createTopic(name, {
    assignments,
    configs: { "min.insync.replicas": "2" },
  });
  await until(() => leaderOf(topicId) !== undefined);
  await until(() => partitionAt(leaderOf(topicId)!, topicId)?.isr.length === 3);
  return topicId;
}

test("when the process of a leader ends, another leads and goes on behind the same records", async () => {
  const [one, two, three] = [first, second, third].map(({ broker }) => broker.brokerId);
  const topicId = await made("orders", [two!, three!, one!]);
  expect(await produce("orders", topicId)).toEqual({ error: 0, at: 0 });
  running.delete(second);
  second.crash();
  // Its memory goes on listening, where a process would be refused: the session has to pass.
  for (let seconds = 0; seconds < 12; seconds++)
    await Promise.all([...running].map(({ clock }) => clock.advance(1_000)));
  await until(() => partitionAt(first, topicId)?.leader === three);
  expect(await produce("orders", topicId)).toEqual({ error: 0, at: 1 });
  expect(partitionAt(first, topicId)?.isr).not.toContain(two);
});

test("a broker that is told to stop hands its leaderships over first", async () => {
  const [one, two, three] = [first, second, third].map(({ broker }) => broker.brokerId);
  const topicId = await made("orders", [two!, three!, one!]);
  const closing = second.close();
  await until(() => partitionAt(third, topicId)?.leader === three);
  running.delete(second);
  expect(await produce("orders", topicId)).toMatchObject({ error: 0 });
  await closing;
  await until(() => first.image.brokers.get(two!)?.state === "fenced");
});

test("the controller's broker hands over too, and another takes the office", async () => {
  const [one, two, three] = [first, second, third].map(({ broker }) => broker.brokerId);
  const topicId = await made("orders", [one!, two!, three!]);
  await first.close();
  running.delete(first);
  await until(() => leaderOf(topicId) !== undefined);
  expect(await produce("orders", topicId)).toMatchObject({ error: 0 });
  await until(() => [two, three].includes(second.image.controller.brokerId ?? -1));
});

test("a topic that a Kafka client has made is known to every broker when the answer comes", async () => {
  const body = {
    topics: [
      { name: "fresh", numPartitions: 3, replicationFactor: 3, assignments: [], configs: [] },
    ],
    timeoutMs: 5_000,
    validateOnly: false,
  };
  const { topics } = await third.call(createTopicsRequest, createTopicsResponse, 7, body);
  expect(topics[0]?.errorCode).toBe(0);
  const { topicId } = topics[0]!;
  for (const { image } of [first, second, third]) expect(image.topics.has(topicId)).toBe(true);
});
