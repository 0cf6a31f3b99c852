import { afterEach, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { keepUnknownTopics } from "../../../../broker/cold/kept-topics.ts";
import { startPackSweep, type PackSweepOptions } from "../../../../broker/cold/pack-sweep.ts";
import { silentLog } from "../../../../broker/log-output.ts";
import { packKey } from "../../../../broker/tiering/object-keys.ts";
import { createPackBuilder } from "../../../../broker/tiering/pack.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { internalTopic } from "../../../../metadata/image/image.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../../../protocol/messages/find-coordinator.ts";
import { snapshotKey } from "../../../../metadata/log/object-keys.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { openReplicaElsewhere, startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../tiering/objects.ts";

let broker: MemoryBroker | null = null;
afterEach(() => broker?.close());

async function sweepOnce(
  { services, metadata }: MemoryBroker,
  clock: ReturnType<typeof createManualClock>,
  rounds = 1,
  partitionOf: PackSweepOptions["partitionOf"] = ({ topicId, index }) =>
    services.topics.local(topicId)?.partitions[index],
): Promise<void> {
  const stop = startPackSweep({
    cell: "local",
    tier: services.tier,
    metadata,
    partitionOf,
    isController: () => true,
    clock,
    log: silentLog,
    intervalMs: 1_000,
  });
  for (let round = 0; round < rounds; round += 1) await clock.advance(1_000);
  await stop();
}

test("a pack of a topic that the metadata log has, and this broker has not heard of yet, is kept", async () => {
  broker = await startMemoryBroker({ hearsOfAppends: false });
  const { objects } = broker.world;
  const cell = "local";
  const clock = createManualClock();
  // Another broker's, which was gone again before anybody here knew of it.
  const elsewhere = await openReplicaElsewhere(broker.world, clock);
  const { clusterId } = broker;
  const made = await elsewhere.submit((image, context) =>
    createTopic(image, { clusterId, topic: { name: "new", partitionCount: 1 } }, context),
  );
  if (made.kind === "rejected") throw new Error(made.message);
  const { topicId } = made.result;
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add({ topicId, index: 0 }, batchOf({ baseOffset: 0 }));
  const key = packKey(cell, { broker: 77, brokerEpoch: 5, sequence: 0 });
  await objects.put(key, builder.finish().bytes);
  expect(broker.image.topics.has(topicId)).toBe(false);
  await sweepOnce(broker, clock);
  expect(await objects.head(key)).not.toBeNull();
  await elsewhere.close();
});

test("a pack of a topic that is gone goes, and stays where a restored cell keeps what it does not know", async () => {
  broker = await startMemoryBroker();
  const { objects } = broker.world;
  const cell = "local";
  const put = async (topicId: string, sequence: number) => {
    const builder = createPackBuilder(new Uint8Array(4_096));
    builder.add({ topicId, index: 0 }, batchOf({ baseOffset: 0 }));
    const key = packKey(cell, { broker: 77, brokerEpoch: 5, sequence });
    await objects.put(key, builder.finish().bytes);
    return key;
  };
  const unknown = await put("BBBBBBBBBBBBBBBBBBBBBA", 0);
  const to = { objects, cell };
  const marked = await keepUnknownTopics(broker.image, { to, places: [to] });
  expect(marked).toEqual(["BBBBBBBBBBBBBBBBBBBBBA"]);
  const gone = await put("CCCCCCCCCCCCCCCCCCCCCA", 1);
  await sweepOnce(broker, createManualClock());
  expect(await objects.head(gone)).toBeNull();
  expect(await objects.head(unknown)).not.toBeNull();
});

test("a pack of another cell that was restored over the same objects stays", async () => {
  broker = await startMemoryBroker();
  const { objects } = broker.world;
  const cell = "local";
  const builder = createPackBuilder(new Uint8Array(4_096));
  builder.add({ topicId: "DDDDDDDDDDDDDDDDDDDDDA", index: 0 }, batchOf({ baseOffset: 0 }));
  const key = packKey(cell, { broker: 1_077, brokerEpoch: 2 ** 20 + 5, sequence: 0 });
  await objects.put(key, builder.finish().bytes);
  await objects.put(snapshotKey(cell, 2 ** 20), new Uint8Array());
  await sweepOnce(broker, createManualClock());
  expect(await objects.head(key)).not.toBeNull();
});

test("a pack of a partition without segments goes once its log has been cut behind it, and packs have what was committed by then", async () => {
  broker = await startMemoryBroker();
  const { objects } = broker.world;
  const { topicId } = await broker.createTopic("never-tiered", { partitionCount: 1 });
  for (let count = 0; count < 5; count += 1) {
    const records = batchOf({ baseOffset: 0 });
    const produced = await produceOne(broker, { topic: "never-tiered", records });
    expect(produced.errorCode).toBe(0);
  }
  const put = async (baseOffset: number) => {
    const builder = createPackBuilder(new Uint8Array(4_096));
    builder.add({ topicId, index: 0 }, batchOf({ baseOffset }));
    const key = packKey("local", { broker: 77, brokerEpoch: 5, sequence: baseOffset });
    await objects.put(key, builder.finish().bytes);
    return key;
  };
  const [below, above] = [await put(2), await put(3)];
  const partition = broker.services.topics.local(topicId)!.partitions[0]!;
  await partition.log.moveLogStart(3);
  partition.packedEnd = 4;
  await sweepOnce(broker, createManualClock(), 3);
  expect(await objects.head(below)).not.toBeNull();
  partition.packedEnd = 5;
  await sweepOnce(broker, createManualClock(), 3);
  expect(await objects.head(below)).toBeNull();
  expect(await objects.head(above)).not.toBeNull();
});

/** Made when a client first asks for a coordinator. */
async function coordinatorsTopic(asked: MemoryBroker): Promise<string> {
  const request = { key: "group", keyType: 0, coordinatorKeys: [] };
  await asked.call(findCoordinatorRequest, findCoordinatorResponse, 3, request);
  const topic = internalTopic(asked.image, "__consumer_offsets");
  if (topic === undefined) throw new Error("there is none");
  return topic.topicId;
}

test("a pack of a coordinator that this broker does not lead goes once a later leader has packed the log whole, and not before", async () => {
  broker = await startMemoryBroker();
  const { objects } = broker.world;
  const topicId = await coordinatorsTopic(broker);
  const put = async (
    life: number,
    offsets: readonly number[],
    wholeInEpoch: number | null = null,
  ) => {
    const builder = createPackBuilder(new Uint8Array(4_096));
    for (const baseOffset of offsets) builder.add({ topicId, index: 0 }, batchOf({ baseOffset }));
    if (wholeInEpoch !== null) builder.markWhole({ topicId, index: 0 }, wholeInEpoch);
    const key = packKey("local", { broker: life, brokerEpoch: life, sequence: offsets[0]! });
    await objects.put(key, builder.finish().bytes);
    return key;
  };
  const first = await put(70, [0, 1]);
  const second = await put(70, [2, 3]);
  const isThere = async (key: string) => (await objects.head(key)) !== null;
  const clock = createManualClock();
  await sweepOnce(broker, clock, 3, () => undefined);
  expect([await isThere(first), await isThere(second)]).toEqual([true, true]);
  const whole = await put(71, [1, 2], 6);
  await sweepOnce(broker, clock, 3, () => undefined);
  expect([await isThere(first), await isThere(second)]).toEqual([false, true]);
  const later = await put(72, [1, 2, 3], 7);
  await sweepOnce(broker, clock, 3, () => undefined);
  expect([await isThere(second), await isThere(whole), await isThere(later)]).toEqual([
    false,
    false,
    true,
  ]);
});
