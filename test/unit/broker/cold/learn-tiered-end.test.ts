import { afterEach, expect, test } from "vitest";
import type { BrokerConfig } from "../../../../broker/config.ts";
import { learnTieredEnd } from "../../../../broker/cold/learn-tiered-end.ts";
import { createPartition } from "../../../../broker/replication/partition.ts";
import type { PartitionLog } from "../../../../broker/log/partition-log.ts";
import type { Manifest } from "../../../../broker/tiering/manifest.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  listOffsetsRequest,
  listOffsetsResponse,
} from "../../../../protocol/messages/list-offsets.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker, MemoryWorld } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { smallLog } from "../../../support/small-log.ts";

// A broker that starts again, and has nothing to put: it learns what is in the object store when somebody needs to know.

const kibibyte = 1024;
const hourMs = 3_600_000;
const tiering = {
  segmentBytes: 24 * kibibyte,
  localBudgetBytes: 1_024 ** 3,
  graceMs: 600_000,
  checkMs: 1_000,
};
/** The first life moves everything soon, the second nothing before an hour has passed. */
const first: Partial<BrokerConfig> = {
  log: smallLog,
  tiering: { ...tiering, maxAgeMs: 60_000 },
};
const second: Partial<BrokerConfig> = {
  log: smallLog,
  tiering: { ...tiering, maxAgeMs: hourMs, isEager: false },
};

let running: MemoryBroker | null = null;
afterEach(async () => {
  await running?.close();
  running = null;
});

async function start(config: Partial<BrokerConfig>, world?: MemoryWorld): Promise<MemoryBroker> {
  running = await startMemoryBroker({ config, ...(world === undefined ? {} : { world }) });
  return running;
}

const partitionOf = (broker: MemoryBroker) => {
  const partition = broker.services.topics.byName(broker.clusterId, "cold")?.partitions[0];
  if (partition === undefined) throw new Error("no such partition");
  return partition;
};

async function until(broker: MemoryBroker, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !isSo(); turn += 1) await broker.clock.advance(1_000);
  expect(isSo()).toBe(true);
}

/** As another life of the broker finds it, and what that asks of the object store about its topic. */
async function again(before: MemoryBroker) {
  const { topicId } = partitionOf(before);
  const world = before.crash();
  const { objects } = world;
  const asked: string[] = [];
  for (const operation of ["get", "put", "head", "list"] as const) {
    const call = objects[operation].bind(objects) as (key: string, ...rest: never[]) => never;
    Object.assign(objects, {
      [operation](key: string, ...rest: never[]) {
        if (key.includes(topicId)) asked.push(operation);
        return call(key, ...rest);
      },
    });
  }
  return { broker: await start(second, world), asked };
}

async function filled(configs: Record<string, string> = {}, count = 200): Promise<MemoryBroker> {
  const broker = await start(first);
  await broker.createTopic("cold", { partitionCount: 1, configs });
  for (let number = 0; number < count; number += 1) {
    const records = batchOf([`${number} ${"c".repeat(1_000)}`], {
      timestamp: broker.clock.nowMs(),
    });
    expect((await produceOne(broker, { topic: "cold", records })).errorCode).toBe(0);
  }
  return broker;
}

async function tiered(configs: Record<string, string> = {}): Promise<MemoryBroker> {
  const broker = await filled(configs);
  await until(broker, () => partitionOf(broker).tieredEnd === 200);
  expect(partitionOf(broker).log.localStartOffset).toBe(0);
  return broker;
}

const latestTiered = -5;
const earliestPendingUpload = -6;

async function listOffset(broker: MemoryBroker, timestamp: number) {
  const { topics } = await broker.call(listOffsetsRequest, listOffsetsResponse, 11, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "cold", partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  return topics[0]!.partitions[0]!;
}

test("after a restart ListOffsets says where the tier ends, and asks the object store once", async () => {
  const { broker, asked } = await again(await tiered());
  expect(partitionOf(broker).tieredEnd).toBe(-1);
  expect((await listOffset(broker, latestTiered)).offset).toBe(199);
  expect((await listOffset(broker, earliestPendingUpload)).offset).toBe(200);
  expect(asked).toEqual(["get"]);
});

test("while the object store is away ListOffsets has its caller ask again", async () => {
  const { broker } = await again(await tiered());
  broker.world.objects.failNext("get");
  expect((await listOffset(broker, latestTiered)).errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR);
  expect((await listOffset(broker, latestTiered)).offset).toBe(199);
});

test("local.retention.ms lets go of what is in the object store after a restart, though nobody writes", async () => {
  const { broker, asked } = await again(await tiered({ "local.retention.ms": "1200000" }));
  await broker.clock.advance(600_000);
  expect(asked).toEqual([]);
  broker.world.objects.failNext("get");
  await broker.clock.advance(500_000);
  await until(broker, () => partitionOf(broker).tieredEnd === 200);
  // The one that failed, and the one that did not.
  expect(asked).toEqual(["get", "get"]);
  await until(broker, () => partitionOf(broker).log.localStartOffset > 100);
  expect((await listOffset(broker, latestTiered)).offset).toBe(199);
});

test.each([{}, { "local.retention.ms": "1200000" }])(
  "nothing is asked for a partition at rest that has nothing there: %j",
  async (configs) => {
    const { broker, asked } = await again(await filled(configs, 10));
    for (let minute = 0; minute < 15; minute += 1) await broker.clock.advance(60_000);
    expect(partitionOf(broker).tieredEnd).toBe(-1);
    expect(asked).toEqual([]);
  },
);

test("that nothing is there is asked once", async () => {
  const { broker, asked } = await again(await filled({ "local.retention.ms": "60000" }, 10));
  for (let minute = 0; minute < 15; minute += 1) await broker.clock.advance(60_000);
  expect((await listOffset(broker, latestTiered)).offset).toBe(-1);
  expect((await listOffset(broker, earliestPendingUpload)).offset).toBe(0);
  expect(asked).toEqual(["get"]);
  expect(partitionOf(broker).log.localStartOffset).toBe(0);
});

test.each([
  ["ends above the log", { logStartOffset: 0, endOffset: 101 }],
  ["begins above the log start", { logStartOffset: 11, endOffset: 100 }],
])("a manifest that %s is not believed before it is claimed", async (_, found) => {
  const log = { logStartOffset: 10, logEndOffset: 100 } as PartitionLog;
  const partition = createPartition("t", 0, log);
  partition.isLeader = true;
  const { logStartOffset, endOffset } = found;
  const manifest = { logStartOffset, pages: [], segments: [{ endOffset }] } as unknown as Manifest;
  await learnTieredEnd({ manifest: () => Promise.resolve(manifest) }, partition);
  expect(partition.tieredEnd).toBe(-1);
});

test("of a term that has ended meanwhile nothing is learned", async () => {
  const partition = createPartition("t", 0, { logStartOffset: 0, logEndOffset: 9 } as PartitionLog);
  partition.isLeader = true;
  const ends = () => {
    partition.isLeader = false;
    return Promise.resolve(null);
  };
  await learnTieredEnd({ manifest: ends }, partition);
  expect(partition.tieredEnd).toBe(-1);
});
