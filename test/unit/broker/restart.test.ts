import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deleteTopics } from "../../../metadata/commands/delete-topics.ts";
import { errorCodes } from "../../../protocol/errors.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../../protocol/messages/find-coordinator.ts";
import { metadataRequest, metadataResponse } from "../../../protocol/messages/metadata.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "../../../protocol/messages/offset-commit.ts";
import {
  offsetFetchRequest,
  offsetFetchResponse,
} from "../../../protocol/messages/offset-fetch.ts";
import { fetchOne, produceOne } from "../../support/kafka-calls.ts";
import type { MemoryBroker, MemoryWorld } from "../../support/memory-broker.ts";
import {
  openReplicaElsewhere,
  startMemoryBroker,
  worldAfter,
} from "../../support/memory-broker.ts";
import { batchOf, recordsIn, valuesIn } from "../../support/records.ts";

const topic = "kept";
const group = "readers";

let broker: MemoryBroker;

beforeEach(async () => {
  broker = await startMemoryBroker();
});
afterEach(() => broker.close());

async function cleanEnd(): Promise<MemoryWorld> {
  await broker.close();
  return worldAfter(broker);
}

/** How a life can end, and what the next one calls it. */
const ends: [string, () => MemoryWorld | Promise<MemoryWorld>, string][] = [
  ["a clean stop", cleanEnd, "clean"],
  ["a crash of the process", () => broker.crash(), "processCrash"],
  ["a crash of the process within a write", () => broker.crash({ tornTail: true }), "processCrash"],
  ["a crash of the host", () => broker.crash({ lostUnflushed: true }), "hostCrash"],
  [
    "a crash of the host that wrote pages out of order",
    () => broker.crash({ lostUnflushed: true, reorderPages: true, seed: 7 }),
    "hostCrash",
  ],
];

async function restartAfter(end: () => MemoryWorld | Promise<MemoryWorld>): Promise<void> {
  broker = await startMemoryBroker({ world: await end() });
}

async function write(value: string, sequence = -1): Promise<number> {
  const producer = sequence < 0 ? {} : { producerId: 1, producerEpoch: 0, baseSequence: sequence };
  const records = batchOf([value], { timestamp: broker.clock.nowMs(), ...producer });
  const { errorCode, baseOffset } = await produceOne(broker, { topic, records });
  expect(errorCode).toBe(0);
  return baseOffset;
}

const leaderEpoch = () =>
  broker.services.topics.byName(broker.clusterId, topic)?.partitions[0]?.leaderEpoch ?? -1;

async function commitOffset(offset: number): Promise<void> {
  await broker.call(findCoordinatorRequest, findCoordinatorResponse, 3, {
    key: group,
    keyType: 0,
  });
  const answer = await broker.call(offsetCommitRequest, offsetCommitResponse, 7, {
    groupId: group,
    memberId: "",
    topics: [
      {
        name: topic,
        partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: "mine" }],
      },
    ],
  });
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0);
}

async function committedOffset() {
  const answer = await broker.call(offsetFetchRequest, offsetFetchResponse, 7, {
    groupId: group,
    topics: [{ name: topic, partitionIndexes: [0] }],
  });
  return answer.topics[0]?.partitions[0];
}

describe.each(ends)("after %s", (_what, end, name) => {
  test("every acknowledged record is there at its offset, and the next one follows", async () => {
    await broker.createTopic(topic, { partitionCount: 1 });
    for (let index = 0; index < 20; index++) await write(`record ${index}`);
    await restartAfter(end);
    const { records, highWatermark } = await fetchOne(broker, { topic, offset: 0 });
    expect(highWatermark).toBe(20);
    expect(recordsIn(records).map(({ offset, value }) => [offset, value])).toEqual(
      Array.from({ length: 20 }, (_, index) => [index, `record ${index}`]),
    );
    expect(await write("next")).toBe(20);
  });

  test("the broker is who it was, knows how it ended, and leads in a later epoch", async () => {
    await broker.createTopic(topic, { partitionCount: 1 });
    const { brokerId } = broker.broker;
    const before = leaderEpoch();
    await restartAfter(end);
    expect(broker.broker.brokerId).toBe(brokerId);
    expect(broker.image.brokers.get(brokerId)?.previousEnd).toBe(name);
    // A host may crash before the log's first entry is flushed: then the only replica is recovered, which is another entry of the metadata log.
    await vi.waitFor(() => expect(leaderEpoch()).toBeGreaterThan(before));
  });

  test("a producer's retry is still known for one", async () => {
    await broker.createTopic(topic, { partitionCount: 1 });
    for (let sequence = 0; sequence < 3; sequence++) await write(`${sequence}`, sequence);
    await restartAfter(end);
    expect(await write("2", 2)).toBe(2);
    const records = batchOf(["gap"], { producerId: 1, producerEpoch: 0, baseSequence: 9 });
    const gap = await produceOne(broker, { topic, records });
    expect(gap.errorCode).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(await write("3", 3)).toBe(3);
  });

  test("a group's offsets are there", async () => {
    await broker.createTopic(topic, { partitionCount: 1 });
    await write("a");
    await commitOffset(1);
    await restartAfter(end);
    expect(await committedOffset()).toMatchObject({
      errorCode: 0,
      committedOffset: 1,
      metadata: "mine",
    });
  });

  test("settings and deletions are as they were", async () => {
    await broker.createTopic(topic, { partitionCount: 3, configs: { "retention.ms": "60000" } });
    await restartAfter(end);
    const local = broker.services.topics.byName(broker.clusterId, topic);
    expect(local?.partitions).toHaveLength(3);
    expect(local?.settings.retentionMs).toBe(60_000);
  });
});

test("many lives of all kinds, one after the other, lose nothing that was acknowledged", async () => {
  await broker.createTopic(topic, { partitionCount: 1 });
  const written: string[] = [];
  for (let life = 0; life < 12; life++) {
    for (let index = 0; index < 5; index++) {
      const value = `life ${life} record ${index} ${"x".repeat(life * 1_000)}`;
      await write(value);
      written.push(value);
    }
    const [, end] = ends[life % ends.length] ?? [];
    if (end !== undefined) await restartAfter(end);
  }
  const { records } = await fetchOne(broker, { topic, offset: 0 });
  expect(valuesIn(records)).toEqual(written);
});

test("what was written to a topic without flushing survives the process, and is cut cleanly when the host goes", async () => {
  await broker.createTopic(topic, {
    partitionCount: 1,
    configs: { durability: "replicated" },
  });
  for (let index = 0; index < 5; index++) await write(`${index}`);
  await restartAfter(() => broker.crash());
  expect((await fetchOne(broker, { topic, offset: 0 })).highWatermark).toBe(5);
  await write("5");
  await restartAfter(() => broker.crash({ lostUnflushed: true }));
  // What the host took may have been read: its offsets are never used again (replication.md C2b).
  const gap = 2 ** 40;
  const partition = () => broker.services.topics.byName(broker.clusterId, topic)?.partitions[0];
  await vi.waitUntil(() => (partition()?.log.highWatermark ?? 0) > gap);
  const { records } = await fetchOne(broker, { topic, offset: 0 });
  const kept = valuesIn(records);
  expect(kept).toEqual(["0", "1", "2", "3", "4", "5"].slice(0, kept.length));
  const offset = await write("again");
  expect(offset).toBeGreaterThan(gap);
  expect(valuesIn((await fetchOne(broker, { topic, offset })).records)).toEqual(["again"]);
});

test("a directory that was rolled back to an earlier life starts anew, under another id", async () => {
  await broker.createTopic(topic, { partitionCount: 1 });
  await write("old");
  await broker.close();
  const saved = worldAfter(broker);
  const copy = await saved.disk.readFile("/broker-1/identity.json");
  if (copy === null) throw new Error("no identity");
  const { brokerId } = broker.broker;
  for (let life = 0; life < 2; life++) await restartAfter(cleanEnd);
  await broker.close();
  const world = worldAfter(broker);
  await world.disk.writeFile("/broker-1/identity.json", copy);
  broker = await startMemoryBroker({ world });
  expect(broker.broker.brokerId).not.toBe(brokerId);
});

test("a topic deleted while the broker was away leaves no log behind", async () => {
  const { topicId } = await broker.createTopic(topic, { partitionCount: 1 });
  await write("a");
  const { clusterId, clock } = broker;
  const world = await cleanEnd();
  const elsewhere = await openReplicaElsewhere(world, clock);
  const deleted = await elsewhere.submit((image, context) =>
    deleteTopics(image, { clusterId, topics: [{ name: topic }] }, context),
  );
  expect(deleted.kind).toBe("accepted");
  await elsewhere.close();
  broker = await startMemoryBroker({ world });
  expect(broker.services.store.partition(topicId, 0)).toBeUndefined();
  // And the cell hears that nothing is left of it.
  expect(broker.image.purgingTopics.has(topicId)).toBe(true);
  await broker.clock.advance(30_000);
  await expect.poll(() => broker.image.purgingTopics.has(topicId)).toBe(false);
});

describe("a write that fails", () => {
  test("is not acknowledged, ends the term, and the next one goes on at the same offset", async () => {
    await broker.createTopic(topic, { partitionCount: 1 });
    await write("before");
    const before = leaderEpoch();
    broker.world.disk.faults.failNext("write", { path: "/log/" });
    const records = batchOf(["failed"], { timestamp: broker.clock.nowMs() });
    const { errorCode } = await produceOne(broker, { topic, records });
    expect(errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER);
    await expect.poll(leaderEpoch).toBeGreaterThan(before);
    expect(await write("after")).toBe(1);
    const read = await fetchOne(broker, { topic, offset: 0 });
    expect(valuesIn(read.records)).toEqual(["before", "after"]);
    expect(broker.fatalErrors).toEqual([]);
    await restartAfter(cleanEnd);
    const again = await fetchOne(broker, { topic, offset: 0 });
    expect(valuesIn(again.records)).toEqual(["before", "after"]);
  });

  test("does not fence who retries: the producer's sequence goes on", async () => {
    await broker.createTopic(topic, { partitionCount: 1 });
    await write("0", 0);
    const before = leaderEpoch();
    broker.world.disk.faults.failNext("write", { path: "/log/" });
    const producer = { producerId: 1, producerEpoch: 0, baseSequence: 1 };
    const records = batchOf(["1"], { timestamp: broker.clock.nowMs(), ...producer });
    await produceOne(broker, { topic, records });
    await expect.poll(leaderEpoch).toBeGreaterThan(before);
    expect(await write("1", 1)).toBe(1);
  });

  test("costs a group nothing but a moment", async () => {
    await broker.createTopic(topic, { partitionCount: 1 });
    await write("a");
    await commitOffset(1);
    broker.world.disk.faults.failNext("write", { path: "/log/" });
    const body = {
      groupId: group,
      memberId: "",
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: 0, committedOffset: 9, committedMetadata: null }],
        },
      ],
    };
    const commit = () => broker.call(offsetCommitRequest, offsetCommitResponse, 7, body);
    const failed = await commit();
    expect(failed.topics[0]?.partitions[0]?.errorCode).not.toBe(0);
    await expect.poll(async () => (await committedOffset())?.errorCode).toBe(0);
    expect((await committedOffset())?.committedOffset).toBe(1);
    await commitOffset(2);
    expect((await committedOffset())?.committedOffset).toBe(2);
  });
});

test("a flush that fails ends the process, and the next life does not believe the disk", async () => {
  await broker.createTopic(topic, { partitionCount: 1 });
  await write("a");
  broker.world.disk.faults.failNext("flush", { path: "/log/" });
  const records = batchOf(["lost"], { timestamp: broker.clock.nowMs() });
  const answer = produceOne(broker, { topic, records, timeoutMs: 1_000 });
  await expect.poll(() => broker.fatalErrors.length).toBe(1);
  await broker.clock.advance(2_000);
  expect((await answer).errorCode).not.toBe(0);
  await restartAfter(() => broker.crash());
  expect(broker.image.brokers.get(broker.broker.brokerId)?.previousEnd).toBe("hostCrash");
  const { records: read } = await fetchOne(broker, { topic, offset: 0 });
  expect(valuesIn(read)[0]).toBe("a");
});

test("a replica found damaged is read no further and led no longer, and the others do not suffer", async () => {
  await broker.createTopic(topic, { partitionCount: 1 });
  await broker.createTopic("other", { partitionCount: 1 });
  // More than the ring holds, so that the first records are read from the disk.
  for (let index = 0; index < 14; index++) await write(`${index} ${"x".repeat(900_000)}`);
  const files = await broker.world.disk.list("/broker-1/log");
  const first = files.find((name) => name.startsWith("wal-")) ?? "";
  broker.world.disk.faults.flipBit(`/broker-1/log/${first}`, 500_000);
  const client = await broker.connect();
  await fetchOne(client, { topic, offset: 0 }).catch(() => null);
  await expect
    .poll(() => broker.image.topics.get(topicIdOf(topic))?.partitions[0]?.leader)
    .toBe(-1);
  const { errorCode } = await fetchOne(broker, { topic, offset: 0 });
  expect(errorCode).toBe(errorCodes.KAFKA_STORAGE_ERROR);
  const records = batchOf(["a"], { timestamp: broker.clock.nowMs() });
  expect((await produceOne(broker, { topic, records })).errorCode).toBe(
    errorCodes.KAFKA_STORAGE_ERROR,
  );
  expect((await produceOne(broker, { topic: "other", records })).errorCode).toBe(0);
  const answer = await broker.call(metadataRequest, metadataResponse, 12, {
    topics: [{ name: topic }],
  });
  expect(answer.topics[0]?.partitions).toMatchObject([
    { errorCode: errorCodes.LEADER_NOT_AVAILABLE, leaderId: -1 },
  ]);
  await client.close();
});

function topicIdOf(name: string): string {
  return broker.services.topics.byName(broker.clusterId, name)?.topic.topicId ?? "";
}
