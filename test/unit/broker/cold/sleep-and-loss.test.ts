import { afterEach, expect, test } from "vitest";
import { createMemoryDisk } from "../../../../adapters/memory/disk.ts";
import type { BrokerConfig } from "../../../../broker/config.ts";
import { deleteTopic } from "../../../../metadata/commands/delete-topics.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { sleepCell } from "../../../../metadata/commands/sleep-cell.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../../../protocol/messages/find-coordinator.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../../../protocol/messages/offset-commit.ts";
import {
  offsetFetchRequest,
  offsetFetchResponse,
} from "../../../../protocol/messages/offset-fetch.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker, MemoryWorld } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf, recordsIn } from "../../../support/records.ts";

// A cell gives back every disk, or loses it: what it had is in the object store.

const kibibyte = 1024;
const config: Partial<BrokerConfig> = {
  isEphemeral: true,
  log: {
    ringBytes: 64 * kibibyte,
    chunkBytes: 8 * kibibyte,
    fileBytes: 32 * kibibyte,
    minFreeBytes: 0,
  },
  tiering: { segmentBytes: 24 * kibibyte, maxAgeMs: 600_000, localBudgetBytes: 64 * kibibyte },
  packing: { intervalMs: 10_000, packBytes: 1024 * kibibyte },
  groups: { initialRebalanceDelayMs: 0 },
};

const running: MemoryBroker[] = [];
afterEach(async () => {
  for (const broker of running.splice(0)) await broker.close();
});

async function start(world?: MemoryWorld): Promise<MemoryBroker> {
  const broker = await startMemoryBroker({ config, ...(world === undefined ? {} : { world }) });
  running.push(broker);
  return broker;
}

/** The same cell on a new, empty machine. */
const onNewDisk = (world: MemoryWorld): MemoryWorld => ({ ...world, disk: createMemoryDisk() });

const partitionOf = (broker: MemoryBroker, topic: string) =>
  broker.services.topics.byName(broker.clusterId, topic)?.partitions[0];

async function until(broker: MemoryBroker, isSo: () => boolean, seconds = 300): Promise<void> {
  for (let turn = 0; turn < seconds && !isSo(); turn += 1) await broker.clock.advance(1_000);
  if (!isSo()) throw new Error(`never: ${isSo.toString()}`);
}

type Sent = { topic: string; number: number; sequence?: number };

const send = async (broker: MemoryBroker, { topic, number, sequence }: Sent) => {
  const producer =
    sequence === undefined ? {} : { producerId: 77, producerEpoch: 0, baseSequence: sequence };
  const records = batchOf([`${number} ${"d".repeat(900)}`], {
    ...producer,
    timestamp: broker.clock.nowMs(),
  });
  return produceOne(broker, { topic, records });
};

async function fill(broker: MemoryBroker, topic: string, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number += 1) {
    const { errorCode } = await send(broker, { topic, number, sequence: number });
    expect(errorCode).toBe(0);
  }
}

async function readAll(broker: MemoryBroker, topic: string): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  const end = partitionOf(broker, topic)!.log.highWatermark;
  for (let offset = 0; offset < end;) {
    const { errorCode, records } = await fetchOne(broker, { topic, offset });
    expect(errorCode).toBe(0);
    const bytes = records as Uint8Array;
    if (bytes.length === 0) break;
    const read = recordsIn(bytes).filter((record) => record.offset >= offset);
    for (const record of read) found.set(record.offset, Number(record.value?.split(" ")[0]));
    // Behind a recovery's gap there is a control batch first.
    offset = read.length > 0 ? read.at(-1)!.offset + 1 : end;
  }
  return found;
}

const commit = (broker: MemoryBroker, offset: number) =>
  broker.call(offsetCommitRequest, offsetCommitResponse, 7, {
    groupId: "readers",
    generationIdOrMemberEpoch: -1,
    memberId: "",
    topics: [
      {
        name: "kept",
        partitions: [
          {
            partitionIndex: 0,
            committedOffset: offset,
            committedLeaderEpoch: -1,
            committedMetadata: "",
          },
        ],
      },
    ],
  });

const committed = async (broker: MemoryBroker): Promise<number> => {
  const { topics } = await broker.call(offsetFetchRequest, offsetFetchResponse, 5, {
    groupId: "readers",
    topics: [{ name: "kept", partitionIndexes: [0] }],
  });
  return topics[0]?.partitions[0]?.committedOffset ?? -1;
};

async function asleep(broker: MemoryBroker): Promise<MemoryWorld> {
  const outcome = await broker.metadata.submit((image, context) => sleepCell(image, context));
  expect(outcome.kind).toBe("accepted");
  await until(broker, () => broker.image.sleep.state === "asleep");
  running.splice(running.indexOf(broker), 1);
  await broker.close();
  return { ...broker.world, startMs: broker.clock.nowMs() };
}

test("a cell that slept goes on, on empty disks, with the same records, offsets, groups and producers", async () => {
  const before = await start();
  await before.createTopic("kept", { partitionCount: 1 });
  await before.createTopic("empty", { partitionCount: 1 });
  await before.createTopic("short-lived", { partitionCount: 1 });
  await fill(before, "kept", 0, 120);
  // The first who asks for a coordinator has the offsets' topic made.
  await before.call(findCoordinatorRequest, findCoordinatorResponse, 2, {
    key: "readers",
    keyType: 0,
  });
  for (let turn = 0; turn < 20 && (await committed(before)) !== 63; turn += 1) {
    await commit(before, 63);
    await before.clock.advance(500);
  }
  expect(await committed(before)).toBe(63);
  const world = await asleep(before);

  const woken = await start(onNewDisk(world));
  await until(woken, () => partitionOf(woken, "kept")?.isLeader === true);
  const found = await readAll(woken, "kept");
  expect([...found]).toEqual(Array.from({ length: 120 }, (_, number) => [number, number]));
  for (let turn = 0; turn < 40 && (await committed(woken)) < 0; turn += 1)
    await woken.clock.advance(500);
  expect(await committed(woken)).toBe(63);
  await until(woken, () => woken.image.sealedCount === 0);
  // The retry of the last batch before the sleep is known, and the next one follows it.
  expect(await send(woken, { topic: "kept", number: 119, sequence: 119 })).toMatchObject({
    errorCode: 0,
    baseOffset: 119,
  });
  expect(await send(woken, { topic: "kept", number: 120, sequence: 120 })).toMatchObject({
    errorCode: 0,
    baseOffset: 120,
  });
  expect(await send(woken, { topic: "empty", number: 0 })).toMatchObject({
    errorCode: 0,
    baseOffset: 0,
  });
});

test("while it falls asleep and sleeps it takes no records; topics come and go all the same", async () => {
  const before = await start();
  await before.createTopic("kept", { partitionCount: 1 });
  await before.createTopic("gone", { partitionCount: 1 });
  await fill(before, "kept", 0, 5);
  await fill(before, "gone", 0, 5);
  await before.metadata.submit((image, context) => sleepCell(image, context));
  expect((await send(before, { topic: "kept", number: 5 })).errorCode).not.toBe(0);
  await until(before, () => before.image.sleep.state === "asleep");
  const { clusterId } = before;
  const made = await before.metadata.submit((image, context) =>
    createTopic(image, { clusterId, topic: { name: "made", partitionCount: 1 } } as never, context),
  );
  expect(made.kind).toBe("accepted");
  const dropped = await before.metadata.submit((image, context) =>
    deleteTopic(image, { clusterId, topic: { name: "gone" } } as never, context),
  );
  expect(dropped.kind).toBe("accepted");
  running.splice(0);
  await before.close();
  const woken = await start(onNewDisk({ ...before.world, startMs: before.clock.nowMs() }));
  await until(
    woken,
    () =>
      partitionOf(woken, "kept")?.isLeader === true &&
      partitionOf(woken, "made")?.isLeader === true,
  );
  await until(woken, () => woken.image.sealedCount === 0);
  expect((await send(woken, { topic: "made", number: 0 })).errorCode).toBe(0);
  expect((await readAll(woken, "kept")).size).toBe(5);
  expect(woken.services.topics.byName(clusterId, "gone")).toBeUndefined();
});

test("a broker that wakes and dies at once costs nothing: the seals stay until enough have what is sealed", async () => {
  const before = await start();
  await before.createTopic("kept", { partitionCount: 1 });
  await fill(before, "kept", 0, 50);
  const world = await asleep(before);
  const first = await start(onNewDisk(world));
  running.splice(0);
  const left = first.crash();
  const second = await start(onNewDisk({ ...left, startMs: first.clock.nowMs() }));
  await until(second, () => partitionOf(second, "kept")?.isLeader === true, 1_200);
  expect((await readAll(second, "kept")).size).toBe(50);
});

test("every disk is lost without a word: what packs and segments hold is there, at its offsets, and nothing new gets those of what is missing", async () => {
  const before = await start();
  await before.createTopic("kept", { partitionCount: 1 });
  await fill(before, "kept", 0, 80);
  // Segments and a pack or two behind them.
  await until(before, () => partitionOf(before, "kept")!.packedEnd === 80);
  await fill(before, "kept", 80, 85);
  running.splice(0);
  const left = before.crash();
  const after = await start(onNewDisk({ ...left, startMs: before.clock.nowMs() }));
  // The lost directory was one that dies with its host: waited for ten minutes, and then given up.
  await until(after, () => partitionOf(after, "kept")?.isLeader === true, 1_200);
  const found = await readAll(after, "kept");
  const below = [...found].filter(([offset]) => offset < 85);
  expect(below).toEqual(Array.from({ length: 80 }, (_, number) => [number, number]));
  const next = await send(after, { topic: "kept", number: 1_000 });
  expect(next.errorCode).toBe(0);
  expect(Number(next.baseOffset)).toBeGreaterThan(2 ** 40);
});

const keysOf = async (broker: MemoryBroker, topicId: string) =>
  (await broker.world.objects.list(`cells/local/topics/${topicId}/`)).map(({ key }) => key);

test("what the object store has of a topic goes with it, whether it was deleted awake or asleep", async () => {
  const before = await start();
  const { clusterId } = before;
  await before.createTopic("kept", { partitionCount: 1 });
  const awake = await before.createTopic("awake", { partitionCount: 1 });
  const sleeping = await before.createTopic("sleeping", { partitionCount: 1 });
  for (const topic of ["kept", "awake", "sleeping"]) await fill(before, topic, 0, 60);
  await until(
    before,
    () => ["kept", "awake", "sleeping"].every((topic) => partitionOf(before, topic)!.tieredEnd > 0),
    700,
  );
  const drop = (broker: MemoryBroker, name: string) =>
    broker.metadata.submit((image, context) =>
      deleteTopic(image, { clusterId, topic: { name } } as never, context),
    );
  await drop(before, "awake");
  await until(before, () => before.image.topics.size === 2);
  for (let turn = 0; turn < 200 && (await keysOf(before, awake.topicId)).length > 0; turn += 1)
    await before.clock.advance(1_000);
  expect(await keysOf(before, awake.topicId)).toEqual([]);
  expect((await keysOf(before, sleeping.topicId)).length).toBeGreaterThan(0);

  await before.metadata.submit((image, context) => sleepCell(image, context));
  await until(before, () => before.image.sleep.state === "asleep");
  await drop(before, "sleeping");
  running.splice(0);
  await before.close();
  const woken = await start(onNewDisk({ ...before.world, startMs: before.clock.nowMs() }));
  for (let turn = 0; turn < 300 && (await keysOf(woken, sleeping.topicId)).length > 0; turn += 1)
    await woken.clock.advance(1_000);
  expect(await keysOf(woken, sleeping.topicId)).toEqual([]);
  expect((await readAll(woken, "kept")).size).toBe(60);
});

test("a broker that stops with the last copy, and its disk with it, leaves all of it behind, and takes no more meanwhile", async () => {
  const before = await start();
  await before.createTopic("kept", { partitionCount: 1 });
  await fill(before, "kept", 0, 40);
  running.splice(0);
  const closing = before.close();
  const late = await send(before, { topic: "kept", number: 40, sequence: 40 }).then(
    ({ errorCode }) => errorCode,
    () => -1,
  );
  await closing;
  const woken = await start(onNewDisk({ ...before.world, startMs: before.clock.nowMs() }));
  await until(woken, () => partitionOf(woken, "kept")?.isLeader === true, 1_200);
  const found = await readAll(woken, "kept");
  const numbers = Array.from({ length: late === 0 ? 41 : 40 }, (_, number) => [number, number]);
  expect([...found]).toEqual(numbers);
});
