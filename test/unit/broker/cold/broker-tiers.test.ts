import { afterEach, expect, test } from "vitest";
import type { BrokerConfig } from "../../../../broker/config.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "../../../../protocol/messages/delete-records.ts";
import {
  listOffsetsRequest,
  listOffsetsResponse,
} from "../../../../protocol/messages/list-offsets.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker, MemoryWorld } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf, recordsIn } from "../../../support/records.ts";
import { smallLog } from "../../../support/small-log.ts";

// A whole broker with small segments and a small disk: what it has written long ago is in the object store, and is read from there.

const kibibyte = 1024;
const small: Partial<BrokerConfig> = {
  log: smallLog,
  tiering: {
    segmentBytes: 24 * kibibyte,
    maxAgeMs: 60_000,
    localBudgetBytes: 0,
    graceMs: 600_000,
    checkMs: 1_000,
  },
  retentionCheckMs: 10_000,
};

let running: MemoryBroker | null = null;
afterEach(async () => {
  await running?.close();
  running = null;
});

async function start(world?: MemoryWorld): Promise<MemoryBroker> {
  running = await startMemoryBroker({ config: small, ...(world === undefined ? {} : { world }) });
  return running;
}

const partitionOf = (broker: MemoryBroker) => {
  const partition = broker.services.topics.byName(broker.clusterId, "cold")?.partitions[0];
  if (partition === undefined) throw new Error("no such partition");
  return partition;
};

const startMs = (broker: MemoryBroker) => broker.world.startMs;

async function fill(broker: MemoryBroker, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number += 1) {
    const timestamp = startMs(broker) + number * 1_000;
    const records = batchOf([`${number} ${"c".repeat(1_000)}`], { timestamp });
    expect((await produceOne(broker, { topic: "cold", records })).errorCode).toBe(0);
  }
}

/** Until the loop has been round often enough for what was produced to be cold. */
async function until(broker: MemoryBroker, isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !isSo(); turn += 1) {
    await broker.clock.advance(1_000);
  }
  expect(isSo()).toBe(true);
}

/** Everything from an offset on, as a consumer reads it. */
async function readAll(broker: MemoryBroker, from: number, to: number): Promise<number[]> {
  const found: number[] = [];
  for (let offset = from; offset < to;) {
    const { errorCode, records } = await fetchOne(broker, { topic: "cold", offset });
    expect(errorCode).toBe(0);
    const read = recordsIn(records as Uint8Array).filter((record) => record.offset >= offset);
    if (read.length === 0) throw new Error(`nothing at ${offset}`);
    for (const record of read) {
      expect(record.value?.startsWith(`${record.offset} `)).toBe(true);
      found.push(record.offset);
    }
    offset = read.at(-1)!.offset + 1;
  }
  return found;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

const listOffset = async (broker: MemoryBroker, timestamp: number) => {
  const { topics } = await broker.call(listOffsetsRequest, listOffsetsResponse, 11, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "cold", partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  return topics[0]!.partitions[0]!;
};

async function cold(configs: Record<string, string> = {}): Promise<MemoryBroker> {
  const broker = await start();
  await broker.createTopic("cold", { partitionCount: 1, configs });
  await fill(broker, 0, 200);
  // What the budget does not press stays until it is old enough.
  await until(broker, () => partitionOf(broker).tieredEnd === 200);
  await until(broker, () => partitionOf(broker).log.localStartOffset > 100);
  return broker;
}

test("records that are no longer here are read from the object store, whatever offset one begins at", async () => {
  const broker = await cold();
  const { log, tieredEnd: end } = partitionOf(broker);
  expect(log.logStartOffset).toBe(0);
  expect(end).toBeGreaterThanOrEqual(log.localStartOffset);
  expect(await readAll(broker, 0, 200)).toEqual(range(0, 200));
  expect(await readAll(broker, 57, 120)).toEqual(expect.arrayContaining(range(57, 120)));
});

test("offsets are found by time in both, and the special ones say where what is", async () => {
  const broker = await cold();
  const { log, tieredEnd: end } = partitionOf(broker);
  for (const number of [0, 1, 63, 150, 199]) {
    const found = await listOffset(broker, startMs(broker) + number * 1_000);
    expect([found.offset, found.timestamp]).toEqual([number, startMs(broker) + number * 1_000]);
  }
  expect((await listOffset(broker, -2)).offset).toBe(0);
  expect((await listOffset(broker, -3)).offset).toBe(199);
  expect((await listOffset(broker, -4)).offset).toBe(log.localStartOffset);
  expect((await listOffset(broker, -5)).offset).toBe(end - 1);
  expect((await listOffset(broker, -6)).offset).toBe(end);
});

test.each(["a clean end", "a crash"])(
  "after %s all of it is there, and the tier goes on",
  async (how) => {
    const broker = await cold();
    const world = how === "a crash" ? broker.crash() : broker.world;
    if (how === "a clean end") await broker.close();
    const again = await start(world);
    expect(await readAll(again, 0, 200)).toEqual(range(0, 200));
    await fill(again, 200, 320);
    await until(again, () => partitionOf(again).tieredEnd > 250);
    expect(await readAll(again, 0, 320)).toEqual(range(0, 320));
  },
);

test("deleted records are not read again, leave the manifest first, and their objects after a while", async () => {
  const broker = await cold();
  const before = broker.world.objects;
  const objectCount = async () =>
    (await before.list("cells/")).filter(({ key }) => key.endsWith(".segment")).length;
  const count = await objectCount();
  const { topics } = await broker.call(deleteRecordsRequest, deleteRecordsResponse, 2, {
    timeoutMs: 1_000,
    topics: [{ name: "cold", partitions: [{ partitionIndex: 0, offset: 90 }] }],
  });
  expect(topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 90 });
  const manifest = await broker.services.tier.manifest(partitionOf(broker));
  expect(manifest!.logStartOffset).toBe(90);
  expect(manifest!.leaving.length).toBeGreaterThan(0);
  expect((await fetchOne(broker, { topic: "cold", offset: 89 })).errorCode).toBe(1);
  expect(await readAll(broker, 90, 200)).toEqual(range(90, 200));
  expect(await objectCount()).toBe(count);
  await broker.clock.advance(601_000);
  await until(broker, () => broker.services.tierWriter.hasLeft(partitionOf(broker)) === false);
  expect(await objectCount()).toBeLessThan(count);
  expect(await readAll(broker, 90, 200)).toEqual(range(90, 200));
});

test("retention by time takes what has expired out of the object store too", async () => {
  const broker = await cold({ "retention.ms": "3600000" });
  await broker.clock.advance(3_500_000);
  await until(broker, () => partitionOf(broker).log.logStartOffset > 20);
  const { log } = partitionOf(broker);
  expect((await listOffset(broker, -2)).offset).toBe(log.logStartOffset);
  expect(await readAll(broker, log.logStartOffset, 200)).toEqual(range(log.logStartOffset, 200));
  // The local log begins within a segment, which is neither wholly here nor wholly gone.
  const { segments } = (await broker.services.tier.manifest(partitionOf(broker)))!;
  const isWithin = ({ baseOffset, endOffset }: (typeof segments)[number]) =>
    baseOffset < log.localStartOffset && log.localStartOffset < endOffset;
  expect(segments.some(isWithin)).toBe(true);
  await broker.clock.advance(3_600_000);
  await until(broker, () => log.logStartOffset === 200);
});

test("an object store that is away makes readers wait and leaders keep what they have; all goes on when it is back", async () => {
  const broker = await start();
  await broker.createTopic("cold", { partitionCount: 1 });
  await fill(broker, 0, 100);
  await until(broker, () => partitionOf(broker).log.localStartOffset > 20);
  const { objects } = broker.world;
  const present = { ...objects };
  const away = () =>
    Promise.reject(
      Object.assign(new Error("away"), { name: "ObjectStoreError", code: "unavailable" }),
    );
  Object.assign(objects, { get: away, put: away });
  const end = partitionOf(broker).tieredEnd;
  await fill(broker, 100, 200);
  for (let turn = 0; turn < 60; turn += 1) {
    await broker.clock.advance(1_000);
  }
  expect(partitionOf(broker).tieredEnd).toBe(end);
  expect(await readAll(broker, partitionOf(broker).log.localStartOffset, 200)).toEqual(
    range(partitionOf(broker).log.localStartOffset, 200),
  );
  Object.assign(objects, present);
  await until(broker, () => partitionOf(broker).tieredEnd > 150);
  expect(await readAll(broker, 0, 200)).toEqual(range(0, 200));
});
