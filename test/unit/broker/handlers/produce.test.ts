import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { produce } from "../../../../broker/handlers/produce.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { produceRequest, produceResponse } from "../../../../protocol/messages/produce.ts";
import type { ProduceResponse } from "../../../../protocol/messages/produce.ts";
import { timestampTypeAt } from "../../../../protocol/records/batch.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import { startTerm } from "../../../../broker/replication/leader-state.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf, valuesIn } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(produce);
const newest = 13;

let broker: MemoryBroker;
let now: number;
let topicIds: Map<string, string>;

async function makeTopic(name: string, configs: Record<string, string> = {}, partitionCount = 1) {
  const { topicId } = await broker.createTopic(name, { partitionCount, configs });
  topicIds.set(name, topicId);
}

beforeAll(async () => {
  broker = await startMemoryBroker();
  topicIds = new Map();
  now = broker.clock.nowMs();
  for (const version of versions) await makeTopic(`topic-${version}`);
  await makeTopic("acks");
  await makeTopic("idempotent", {}, 4);
  await makeTopic("strict", {}, 2);
  await makeTopic("small", { "max.message.bytes": "200" });
  await makeTopic("compacted", { "cleanup.policy": "compact" });
  await makeTopic("stamped", { "message.timestamp.type": "LogAppendTime" });
  await makeTopic("timely", {
    "message.timestamp.before.max.ms": "60000",
    "message.timestamp.after.max.ms": "60000",
  });
  await makeTopic("mixed", {}, 3);
});
afterAll(() => broker.close());

type Part = { topic: string; partition?: number; records: Uint8Array | null };

/** Partitions in the order asked, whatever the version calls their topic. */
async function send(
  version: number,
  parts: Part[],
  { acks = -1, timeoutMs = 30_000 } = {},
): Promise<ProduceResponse> {
  await broker.clock.advance(100);
  return broker.call(produceRequest, produceResponse, version, {
    acks,
    timeoutMs,
    topicData: parts.map(({ topic, partition = 0, records }) => ({
      ...(version >= 13 ? { topicId: topicIds.get(topic) ?? topic } : { name: topic }),
      partitionData: [{ index: partition, records }],
    })),
  });
}

const partitionsOf = ({ responses }: ProduceResponse) =>
  responses.flatMap(({ partitionResponses }) => partitionResponses);

async function sendOne(version: number, part: Part, options = {}) {
  const [partition] = partitionsOf(await send(version, [part], options));
  if (partition === undefined) throw new Error("the answer has no partition");
  return partition;
}

const fresh = (...values: string[]) => batchOf(values, { timestamp: now });

describe.each(versions)("in version %i", (version) => {
  test("a batch is appended, and answered with its offset in the version's own shape", async () => {
    const topic = `topic-${version}`;
    await sendOne(version, { topic, records: fresh("a", "b") });
    const answer = await send(version, [{ topic, records: fresh("c") }]);
    expect(answer).toEqual({
      throttleTimeMs: 0,
      nodeEndpoints: [],
      responses: [
        {
          name: version >= 13 ? "" : topic,
          topicId: version >= 13 ? topicIds.get(topic) : zeroUuid,
          partitionResponses: [
            {
              index: 0,
              errorCode: 0,
              baseOffset: 2,
              logAppendTimeMs: -1,
              logStartOffset: version >= 5 ? 0 : -1,
              recordErrors: [],
              errorMessage: null,
              currentLeader: { leaderId: -1, leaderEpoch: -1 },
            },
          ],
        },
      ],
    });
    const { records } = await fetchOne(broker, { topic, offset: 0 });
    expect(valuesIn(records)).toEqual(["a", "b", "c"]);
  });

  test("an unknown topic is said to be unknown, by name or by id", async () => {
    const topic = version >= 13 ? "ZZZZZZZZZZZZZZZZZZZZZQ" : "absent";
    const { errorCode, baseOffset } = await sendOne(version, { topic, records: fresh("a") });
    expect(errorCode).toBe(
      version >= 13 ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    );
    expect(baseOffset).toBe(-1);
  });

  test("a partition the topic does not have is unknown", async () => {
    const topic = `topic-${version}`;
    const answer = await sendOne(version, { topic, partition: 1, records: fresh("a") });
    expect(answer.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });

  test("zstd is for version 7 and later", async () => {
    const topic = `topic-${version}`;
    const records = batchOf(["a"], { codec: "zstd", timestamp: now });
    const { errorCode } = await sendOne(version, { topic, records });
    expect(errorCode).toBe(version >= 7 ? 0 : errorCodes.UNSUPPORTED_COMPRESSION_TYPE);
  });

  test("a record without a key spoils a batch for a compacted topic, and from version 8 on is pointed out", async () => {
    const records = batchOf([{ key: "k", value: "a" }, { value: "b" }], { timestamp: now });
    const answer = await sendOne(version, { topic: "compacted", records });
    expect(answer.errorCode).toBe(errorCodes.INVALID_RECORD);
    const indexes = answer.recordErrors.map(({ batchIndex }) => batchIndex);
    expect(indexes).toEqual(version >= 8 ? [1] : []);
    if (version >= 8) expect(answer.errorMessage).not.toBeNull();
  });

  test("where we do not lead, the version 10 and later names who does", async () => {
    const topic = `topic-${version}`;
    const local = broker.services.topics.byName(broker.clusterId, topic);
    const partition = local?.partitions[0];
    if (partition === undefined) throw new Error("no such partition");
    partition.isLeader = false;
    const answer = await send(version, [{ topic, records: fresh("a") }]);
    partition.isLeader = true;
    const [refused] = partitionsOf(answer);
    const nodeId = broker.broker.brokerId;
    expect(refused?.errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER);
    expect(refused?.currentLeader).toEqual(
      version >= 10
        ? { leaderId: nodeId, leaderEpoch: partition.leaderEpoch }
        : { leaderId: -1, leaderEpoch: -1 },
    );
    const endpoint = { nodeId, host: "127.0.0.1", port: 9092, rack: null };
    expect(answer.nodeEndpoints).toEqual(version >= 10 ? [endpoint] : []);
  });
});

test.each([0, 1, 2])(
  "version %i is refused in its own shape, partition by partition",
  async (version) => {
    const answer = await send(version, [
      { topic: "mixed", partition: 0, records: fresh("a") },
      { topic: "mixed", partition: 1, records: fresh("b") },
    ]);
    expect(partitionsOf(answer)).toMatchObject([
      { index: 0, errorCode: errorCodes.UNSUPPORTED_VERSION, baseOffset: -1 },
      { index: 1, errorCode: errorCodes.UNSUPPORTED_VERSION, baseOffset: -1 },
    ]);
  },
);

describe("acks", () => {
  test.each([-1, 1])("of %i are answered once the batch can be read", async (acks) => {
    const { baseOffset } = await sendOne(9, { topic: "acks", records: fresh("a") }, { acks });
    const { highWatermark } = await fetchOne(broker, { topic: "acks", offset: baseOffset });
    expect(highWatermark).toBe(baseOffset + 1);
  });

  test("of 0 are not answered: the next request's answer is the next on the connection", async () => {
    const client = await broker.connect();
    client.send(produceRequest, 9, {
      acks: 0,
      timeoutMs: 1_000,
      topicData: [{ name: "acks", partitionData: [{ index: 0, records: fresh("silent") }] }],
    });
    const { records } = await fetchOne(client, { topic: "acks", offset: 2, maxWaitMs: 10_000 });
    expect(valuesIn(records)).toEqual(["silent"]);
    await client.close();
  });

  test("of 0 and an error close the connection, after the answers that are due", async () => {
    const client = await broker.connect();
    const produced = produceOne(client, { topic: "acks", records: fresh("before") });
    client.send(produceRequest, 9, {
      acks: 0,
      timeoutMs: 1_000,
      topicData: [{ name: "acks", partitionData: [{ index: 7, records: fresh("a") }] }],
    });
    expect((await produced).errorCode).toBe(0);
    await client.closed;
  });

  test("of all need enough replicas in sync before anything is written; of 1 do not", async () => {
    const partition = broker.services.topics.byName(broker.clusterId, "acks")?.partitions[0];
    if (partition === undefined) throw new Error("no such partition");
    const { nextOffset } = partition.log;
    const alone = [broker.services.brokerId];
    const { leaderEpoch } = partition;
    const sets = { replicas: [...alone, 8, 9], adding: [], isr: [], elr: alone, lastIsr: alone };
    const assignment = { leaderEpoch, partitionEpoch: 99, ...sets };
    const at = { selfId: broker.services.brokerId, nowMs: 0, brokerEpochOf: () => 1 };
    partition.leaderState = startTerm(assignment, { ...at, startOffset: nextOffset });
    const all = await sendOne(9, { topic: "acks", records: fresh("a") }, { acks: -1 });
    expect(all.errorCode).toBe(errorCodes.NOT_ENOUGH_REPLICAS);
    expect(partition.log.nextOffset).toBe(nextOffset);
    const one = await sendOne(9, { topic: "acks", records: fresh("a") }, { acks: 1 });
    expect(one.errorCode).toBe(0);
    partition.leaderState = null;
  });

  test("that refuse a producer's first batch keep those behind it waiting for it", async () => {
    const partition = broker.services.topics.byName(broker.clusterId, "acks")?.partitions[0];
    if (partition === undefined) throw new Error("no such partition");
    const { leaderEpoch } = partition;
    const alone = [broker.services.brokerId];
    const sets = { replicas: [...alone, 8, 9], adding: [], isr: [], elr: alone, lastIsr: alone };
    const at = { selfId: broker.services.brokerId, nowMs: 0, brokerEpochOf: () => 1 };
    const batch = (baseSequence: number, producerEpoch = 0) =>
      batchOf(["x"], { producerId: 7_000, producerEpoch, baseSequence, timestamp: now });
    const send = async (...of: Parameters<typeof batch>) =>
      (await sendOne(9, { topic: "acks", records: batch(...of) }, { acks: -1 })).errorCode;
    partition.leaderState = startTerm(
      { leaderEpoch, partitionEpoch: 99, ...sets },
      { ...at, startOffset: partition.log.nextOffset },
    );
    expect(await send(0)).toBe(errorCodes.NOT_ENOUGH_REPLICAS);
    partition.leaderState = null;
    expect(await send(1)).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(await send(0)).toBe(0);
    expect(await send(1)).toBe(0);
    // Known now, it is judged by its sequence; and whoever gives a batch up begins a new epoch.
    expect(await send(3)).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(await send(0, 1)).toBe(0);
  });

  test.each([2, -2, 32767])("of %i there are none", async (acks) => {
    const { errorCode } = await sendOne(9, { topic: "acks", records: fresh("a") }, { acks });
    expect(errorCode).toBe(errorCodes.INVALID_REQUIRED_ACKS);
  });
});

describe("a batch is refused", () => {
  const good = () => fresh("x");
  const flipped = () => {
    const bytes = good();
    bytes[bytes.length - 1]! ^= 1;
    return bytes;
  };
  const withByte = (at: number, value: number) => {
    const bytes = good();
    bytes[at] = value;
    return bytes;
  };
  test.each([
    ["that is missing", () => null, errorCodes.INVALID_RECORD],
    ["that is empty", () => new Uint8Array(0), errorCodes.INVALID_RECORD],
    ["that comes with another", () => Buffer.concat([good(), good()]), errorCodes.INVALID_RECORD],
    ["of an old format", () => withByte(16, 1), errorCodes.INVALID_RECORD],
    ["that was damaged on the way", flipped, errorCodes.CORRUPT_MESSAGE],
    ["that was cut off", () => good().subarray(0, -3), errorCodes.INVALID_RECORD],
    [
      "that controls",
      () => batchOf(["x"], { isControl: true, timestamp: now }),
      errorCodes.INVALID_RECORD,
    ],
  ])("%s", async (_what, records, expected) => {
    const before = await fetchOne(broker, { topic: "strict", offset: 0 });
    const { errorCode } = await sendOne(9, { topic: "strict", records: records() });
    expect(errorCode).toBe(expected);
    const after = await fetchOne(broker, { topic: "strict", offset: 0 });
    expect(after.highWatermark).toBe(before.highWatermark);
  });

  test("that is larger than the topic allows", async () => {
    const { errorCode } = await sendOne(9, { topic: "small", records: fresh("x".repeat(200)) });
    expect(errorCode).toBe(errorCodes.MESSAGE_TOO_LARGE);
  });

  test("that is larger than this broker's log takes, and nothing behind it waits", async () => {
    await makeTopic("huge", { "max.message.bytes": "100000000" });
    const size = broker.services.store.maxBatchBytes;
    const large = await sendOne(9, { topic: "huge", records: fresh("x".repeat(size)) });
    expect(large.errorCode).toBe(errorCodes.MESSAGE_TOO_LARGE);
    expect((await sendOne(9, { topic: "huge", records: fresh("small") })).errorCode).toBe(0);
  });

  test.each([
    ["old", -120_000],
    ["far in the future", 120_000],
  ])("whose records are too %s, and told which they are", async (_what, distance) => {
    const records = batchOf([{ value: "a" }, { value: "b", timestamp: now + distance }], {
      timestamp: now,
    });
    const answer = await sendOne(9, { topic: "timely", records });
    expect(answer.errorCode).toBe(errorCodes.INVALID_TIMESTAMP);
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1]);
  });

  test("that claims a time of arrival", async () => {
    const records = batchOf(["a"], { timestampType: "LogAppendTime", timestamp: now });
    const { errorCode } = await sendOne(9, { topic: "strict", records });
    expect(errorCode).toBe(errorCodes.INVALID_TIMESTAMP);
  });
});

test("a topic that stamps the time of arrival tells it, and stores it", async () => {
  const before = broker.clock.nowMs();
  const answer = await sendOne(9, { topic: "stamped", records: batchOf(["a"], { timestamp: 5 }) });
  expect(answer.logAppendTimeMs).toBeGreaterThanOrEqual(before);
  const { records } = await fetchOne(broker, { topic: "stamped", offset: 0 });
  expect(timestampTypeAt(records ?? new Uint8Array(0), 0)).toBe("LogAppendTime");
});

test("each partition of a request is answered for itself", async () => {
  const answer = await send(newest, [
    { topic: "mixed", partition: 0, records: fresh("a") },
    { topic: "mixed", partition: 9, records: fresh("b") },
    { topic: "ZZZZZZZZZZZZZZZZZZZZZQ", records: fresh("c") },
    { topic: "mixed", partition: 1, records: null },
    { topic: "mixed", partition: 2, records: fresh("d", "e") },
  ]);
  expect(partitionsOf(answer).map(({ index, errorCode }) => [index, errorCode])).toEqual([
    [0, 0],
    [9, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    [0, errorCodes.UNKNOWN_TOPIC_ID],
    [1, errorCodes.INVALID_RECORD],
    [2, 0],
  ]);
});

test("requests of one connection are appended in their order, however many are in flight", async () => {
  await makeTopic("ordered");
  const client = await broker.connect();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      produceOne(client, { topic: "ordered", records: fresh(String(index)) }),
    ),
  );
  expect(answers.map(({ baseOffset }) => baseOffset)).toEqual(answers.map((_, index) => index));
  await client.close();
});

test("a request that is not committed in its time is told so, and its data stays", async () => {
  await makeTopic("slow");
  const release = broker.world.disk.faults.hold("write");
  const answer = sendOne(9, { topic: "slow", records: fresh("late") }, { timeoutMs: 5_000 });
  await broker.clock.advance(10_000);
  expect((await answer).errorCode).toBe(errorCodes.REQUEST_TIMED_OUT);
  release();
  const { records } = await fetchOne(broker, { topic: "slow", offset: 0, maxWaitMs: 10_000 });
  expect(valuesIn(records)).toEqual(["late"]);
});

describe("an idempotent producer", () => {
  let producerId = 5_000;
  const next = () => ++producerId;
  const sequenced = (id: number, baseSequence: number, { epoch = 0, count = 1 } = {}) =>
    batchOf(
      Array.from({ length: count }, (_, index) => `${id}-${baseSequence + index}`),
      { timestamp: now, producerId: id, producerEpoch: epoch, baseSequence },
    );
  const write = (records: Uint8Array, partition = 0) =>
    sendOne(9, { topic: "idempotent", partition, records });

  test("that sends a batch again gets the first answer again, and nothing is appended", async () => {
    const id = next();
    const first = await write(sequenced(id, 0, { count: 3 }));
    const second = await write(sequenced(id, 3));
    expect(await write(sequenced(id, 0, { count: 3 }))).toEqual(first);
    expect(await write(sequenced(id, 3))).toEqual(second);
    const { highWatermark } = await fetchOne(broker, { topic: "idempotent", offset: 0 });
    expect(highWatermark).toBe(second.baseOffset + 1);
  });

  test("that leaves out a sequence number is out of order", async () => {
    const id = next();
    await write(sequenced(id, 0));
    expect((await write(sequenced(id, 2))).errorCode).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect((await write(sequenced(id, 1))).errorCode).toBe(0);
  });

  test("that repeats what is long past is told that it is there", async () => {
    const id = next();
    for (let sequence = 0; sequence < 8; sequence++) await write(sequenced(id, sequence));
    const { errorCode } = await write(sequenced(id, 1));
    expect(errorCode).toBe(errorCodes.DUPLICATE_SEQUENCE_NUMBER);
  });

  test("of an older epoch is fenced", async () => {
    const id = next();
    await write(sequenced(id, 0, { epoch: 1 }));
    const { errorCode } = await write(sequenced(id, 0, { epoch: 0 }));
    expect(errorCode).toBe(errorCodes.INVALID_PRODUCER_EPOCH);
  });

  test("of a new epoch begins with sequence 0", async () => {
    const id = next();
    await write(sequenced(id, 0));
    const wrong = await write(sequenced(id, 1, { epoch: 1 }));
    expect(wrong.errorCode).toBe(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect((await write(sequenced(id, 0, { epoch: 1 }))).errorCode).toBe(0);
  });

  test("is known to each partition by itself", async () => {
    const id = next();
    expect((await write(sequenced(id, 0), 1)).errorCode).toBe(0);
    expect((await write(sequenced(id, 0), 2)).errorCode).toBe(0);
  });

  test("needs a sequence number", async () => {
    const records = batchOf(["x"], { timestamp: now, producerId: next(), producerEpoch: 0 });
    expect((await write(records)).errorCode).toBe(errorCodes.INVALID_RECORD);
  });
});

test("a transactional batch is refused: nobody would ever end the transaction it opens", async () => {
  const options = { timestamp: now, producerId: 77, producerEpoch: 0, baseSequence: 0 };
  const records = batchOf(["a"], { ...options, isTransactional: true });
  const refused = await sendOne(newest, { topic: "strict", partition: 1, records });
  expect(refused.errorCode).toBe(errorCodes.INVALID_TXN_STATE);
  const stable = broker.services.topics.byName(broker.clusterId, "strict")?.partitions[1]?.log;
  expect(stable?.lastStableOffset).toBe(stable?.highWatermark);
});
