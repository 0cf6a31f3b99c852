import { afterEach, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import { topicsPrefix } from "../../../../broker/tiering/object-keys.ts";
import { sleepCell, wakeCell } from "../../../../metadata/commands/sleep-cell.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "../../../../protocol/messages/delete-records.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker, MemoryWorld } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";

const running: MemoryBroker[] = [];
afterEach(async () => {
  for (const broker of running.splice(0)) await broker.close();
});

async function start(world?: MemoryWorld): Promise<MemoryBroker> {
  const config = { isEphemeral: true, retentionCheckMs: 1_000 };
  const broker = await startMemoryBroker({ config, ...(world === undefined ? {} : { world }) });
  running.push(broker);
  return broker;
}

const logOf = (broker: MemoryBroker, topic: string) =>
  broker.services.topics.byName(broker.clusterId, topic)!.partitions[0]!.log;

async function until(broker: MemoryBroker, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 3_000 && !isSo(); turn += 1) await broker.clock.advance(100);
  if (!isSo()) throw new Error(`never: ${isSo.toString()}`);
}

const send = async (broker: MemoryBroker, topic: string) =>
  (await produceOne(broker, { topic, records: batchOf(["a record"]) })).errorCode;

const sleep = (broker: MemoryBroker) =>
  broker.metadata.submit((image, context) => sleepCell(image, context));

async function deleteBelow(broker: MemoryBroker, offset: number) {
  const { topics } = await broker.call(deleteRecordsRequest, deleteRecordsResponse, 2, {
    topics: [{ name: "kept", partitions: [{ partitionIndex: 0, offset }] }],
    timeoutMs: 1_000,
  });
  return topics[0]?.partitions[0];
}

/** Closes it once it sleeps; the same cell on an empty disk. */
async function onceAsleep(broker: MemoryBroker): Promise<MemoryBroker> {
  await until(broker, () => broker.image.sleep.state === "asleep");
  running.splice(0);
  await broker.close();
  const woken = await start({
    ...broker.world,
    disk: createMemoryDisk(),
    startMs: broker.clock.nowMs(),
  });
  await until(woken, () => woken.image.leaderlessCount === 0 && woken.image.sealedCount === 0);
  return woken;
}

test("a sleep that is taken back and begins anew while a large partition goes up leaves nothing behind", async () => {
  const broker = await start();
  await broker.createTopic("small", { partitionCount: 1 });
  const { topicId } = await broker.createTopic("large", { partitionCount: 1 });
  expect([await send(broker, "small"), await send(broker, "large")]).toEqual([0, 0]);
  const { objects } = broker.world;
  const before = { ...objects };
  let letGo: () => void = () => undefined;
  const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
  let isHeld = false;
  objects.put = async (key, ...rest) => {
    if (key.startsWith(`${topicsPrefix("local")}${topicId}/`)) {
      isHeld = true;
      await isLetGo;
    }
    return before.put(key, ...rest);
  };
  await sleep(broker);
  await until(broker, () => isHeld);
  await broker.clock.advance(5_000);
  await broker.metadata.submit((image) => wakeCell(image));
  expect(await send(broker, "small")).toBe(0);
  await sleep(broker);
  letGo();
  const woken = await onceAsleep(broker);
  expect(logOf(woken, "small").logEndOffset).toBe(2);
});

test("what was deleted before the sleep is not there again behind it", async () => {
  const broker = await start();
  await broker.createTopic("kept", { partitionCount: 1 });
  for (let count = 0; count < 10; count += 1) await send(broker, "kept");
  await broker.services.tierWriter.cut(
    broker.services.topics.byName(broker.clusterId, "kept")!.partitions[0]!,
    1_000_000,
  );
  expect(await deleteBelow(broker, 7)).toMatchObject({ errorCode: 0, lowWatermark: 7 });
  await sleep(broker);
  await until(broker, () => broker.image.sealedCount > 0);
  // What the seal stands for says nothing of it, so nobody is told that it is done.
  expect(await deleteBelow(broker, 9)).toMatchObject({ errorCode: errorCodes.KAFKA_STORAGE_ERROR });
  const woken = await onceAsleep(broker);
  expect(logOf(woken, "kept").logStartOffset).toBe(7);
});

test("nobody is told that records are deleted whose log start moves when their partition has been sealed", async () => {
  const broker = await start();
  await broker.createTopic("kept", { partitionCount: 1 });
  for (let count = 0; count < 10; count += 1) await send(broker, "kept");
  const log = logOf(broker, "kept");
  let letGo: () => void = () => undefined;
  const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
  let isHeld = false;
  Object.assign(log, {
    async moveLogStart(offset: number) {
      isHeld = true;
      await isLetGo;
      Reflect.deleteProperty(log, "moveLogStart");
      return log.moveLogStart(offset);
    },
  });
  const deleting = deleteBelow(broker, 9);
  await until(broker, () => isHeld);
  await sleep(broker);
  await until(broker, () => broker.image.sealedCount > 0);
  letGo();
  expect(await deleting).toMatchObject({ errorCode: errorCodes.KAFKA_STORAGE_ERROR });
});

test("what expires while its cell sleeps goes when it has woken, not behind its seal", async () => {
  const broker = await start();
  await broker.createTopic("kept", { partitionCount: 1, configs: { "retention.ms": "60000" } });
  for (let count = 0; count < 10; count += 1) await send(broker, "kept");
  await sleep(broker);
  await until(broker, () => broker.image.sleep.state === "asleep");
  await broker.clock.advance(90_000);
  expect(logOf(broker, "kept").logStartOffset).toBe(0);
  const woken = await onceAsleep(broker);
  await until(woken, () => logOf(woken, "kept").logStartOffset === 10);
});
