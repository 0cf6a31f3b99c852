import { afterEach, beforeEach, expect, test } from "vitest";
import { sealPartitions } from "../../../../metadata/commands/seal-partitions.ts";
import { sleepCell, wakeCell } from "../../../../metadata/commands/sleep-cell.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import type { Command } from "../../../../metadata/commands/command.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";

let broker: MemoryBroker;
let topicId: string;
let said: string[];

beforeEach(async () => {
  said = [];
  broker = await startMemoryBroker({ log: { ...silentLog, info: (text) => said.push(text) } });
  ({ topicId } = await broker.createTopic("orders", { partitionCount: 1 }));
});
afterEach(() => broker.close());

async function submit<Result>(command: Command<Result>): Promise<Result> {
  const outcome = await broker.metadata.submit(command);
  if (outcome.kind === "rejected") throw new Error(outcome.message);
  return outcome.result;
}

const partition = () => broker.image.topics.get(topicId)?.partitions[0];

async function sealAt(end: number): Promise<void> {
  const brokerId = broker.broker.brokerId;
  const brokerEpoch = broker.image.brokers.get(brokerId)?.epoch ?? -1;
  const leaderEpoch = partition()?.leaderEpoch ?? -1;
  const seals = [{ topicId, index: 0, leaderEpoch, end }];
  const request = { brokerId, brokerEpoch, seals };
  const outcomes = await submit((image, context) => sealPartitions(image, request, context));
  expect(outcomes).toEqual([{ kind: "done" }]);
}

const produced = async () => {
  const records = batchOf(["x"], { timestamp: broker.clock.nowMs() });
  return (await produceOne(broker, { topic: "orders", records })).errorCode;
};

test("records are refused while the cell falls asleep, and taken when it is awake and its leader has said so", async () => {
  expect(await produced()).toBe(0);
  await submit(sleepCell);
  expect(await produced()).toBe(errorCodes.NOT_ENOUGH_REPLICAS);
  await sealAt(1);
  await broker.clock.advance(1_000);
  expect(partition()?.sealed).toEqual({ end: 1, epoch: 0 });
  await submit(wakeCell);
  expect(await produced()).toBe(errorCodes.NOT_ENOUGH_REPLICAS);
  await broker.clock.advance(1_000);
  await expect.poll(() => partition()?.sealed).toBeNull();
  expect(await produced()).toBe(0);
});

test("a leader that finds the object store ending elsewhere than the seal takes nothing", async () => {
  await broker.close();
  broker = await startMemoryBroker({ config: { tiering: { maxAgeMs: 1_000 } } });
  ({ topicId } = await broker.createTopic("orders", { partitionCount: 1 }));
  expect(await produced()).toBe(0);
  await broker.clock.advance(10_000);
  await submit(sleepCell);
  await sealAt(7);
  await submit(wakeCell);
  await broker.clock.advance(5_000);
  expect(partition()?.sealed).toEqual({ end: 7, epoch: 0 });
  expect(await produced()).toBe(errorCodes.NOT_ENOUGH_REPLICAS);
});

test("a partition of which nothing was left to be sealed goes on where it ended", async () => {
  await submit(sleepCell);
  await sealAt(7);
  await submit(wakeCell);
  await broker.clock.advance(5_000);
  await expect.poll(() => partition()?.sealed).toBeNull();
  expect(await produced()).toBe(0);
  const log = broker.services.topics.local(topicId)?.partitions[0]?.log;
  expect(log).toMatchObject({ logStartOffset: 7, logEndOffset: 8 });
});

test("leaders seal, the controller tells when all is sealed, and each broker that its cell sleeps", async () => {
  await submit(sleepCell);
  expect(broker.image.sleep.state).toBe("fallingAsleep");
  await broker.clock.advance(5_000);
  expect(partition()?.sealed).toMatchObject({ end: 0 });
  await expect.poll(() => broker.image.sleep.state).toBe("asleep");
  await expect.poll(() => said.join()).toContain("the cell sleeps");
});
