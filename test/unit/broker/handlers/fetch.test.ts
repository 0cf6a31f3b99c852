import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetch } from "../../../../broker/handlers/fetch.ts";
import { deleteTopics } from "../../../../metadata/commands/delete-topics.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { fetchRequest, fetchResponse } from "../../../../protocol/messages/fetch.ts";
import type { FetchResponse } from "../../../../protocol/messages/fetch.ts";
import { readResponse } from "../../../../protocol/api-frame.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";
import type { Encodable } from "../../../../protocol/schema/message.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";
import type { Caller } from "../../../support/kafka-calls.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf, recordsIn, valuesIn } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(fetch);

let broker: MemoryBroker;
const topicIds = new Map<string, string>();

async function makeTopic(name: string, partitionCount = 1): Promise<void> {
  topicIds.set(name, (await broker.createTopic(name, { partitionCount })).topicId);
}

async function fill(topic: string, values: string[], partition = 0): Promise<void> {
  for (const value of values) {
    const { errorCode } = await produceOne(broker, { topic, partition, records: fresh(value) });
    expect(errorCode).toBe(0);
  }
}

const fresh = (...values: string[]) => batchOf(values, { timestamp: broker.clock.nowMs() });

beforeAll(async () => {
  broker = await startMemoryBroker();
  await makeTopic("full");
  await fill("full", ["a", "b", "c"]);
  await makeTopic("empty");
  await makeTopic("wide", 4);
  for (const partition of [0, 1, 2, 3]) await fill("wide", ["x".repeat(1000)], partition);
});
afterAll(() => broker.close());

type Part = {
  topic: string;
  partition?: number;
  offset?: number;
  maxBytes?: number;
  currentLeaderEpoch?: number;
  lastFetchedEpoch?: number;
};
type Ask = {
  maxWaitMs?: number;
  minBytes?: number;
  maxBytes?: number;
  isolationLevel?: number;
  sessionId?: number;
  sessionEpoch?: number;
  forgotten?: { topic: string; partitions: number[] }[];
};

const nameOrId = (version: number, topic: string) =>
  version >= 13 ? { topicId: topicIds.get(topic) ?? topic } : { topic };

function bodyOf(
  version: number,
  parts: Part[],
  { maxWaitMs = 0, minBytes = 1, forgotten = [], ...rest }: Ask,
): Encodable<typeof fetchRequest> {
  return {
    maxWaitMs,
    minBytes,
    ...rest,
    topics: parts.map(({ topic, partition = 0, offset = 0, maxBytes = 1_000_000, ...epochs }) => ({
      ...nameOrId(version, topic),
      partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes, ...epochs }],
    })),
    forgottenTopicsData: forgotten.map(({ topic, partitions }) => ({
      ...nameOrId(version, topic),
      partitions,
    })),
  };
}

async function ask(
  version: number,
  parts: Part[],
  options: Ask = {},
  caller: Caller = broker,
): Promise<FetchResponse> {
  await broker.clock.advance(100);
  return caller.call(fetchRequest, fetchResponse, version, bodyOf(version, parts, options));
}

const partitionsOf = ({ responses }: FetchResponse) =>
  responses.flatMap(({ partitions }) => partitions);

async function askOne(version: number, part: Part, options: Ask = {}) {
  const [partition] = partitionsOf(await ask(version, [part], options));
  if (partition === undefined) throw new Error("the answer has no partition");
  return partition;
}

function watchersOf(topic: string, index = 0): number {
  const local = broker.services.topics.byName(broker.clusterId, topic);
  return local?.partitions[index]?.watchers.size ?? 0;
}

/** Resolves when a fetch is parked on the partition. */
async function untilParked(topic: string, count = 1): Promise<void> {
  for (let turn = 0; watchersOf(topic) < count; turn++) {
    if (turn > 1_000) throw new Error("no fetch was parked");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.each(versions)("in version %i", (version) => {
  test("records come with their watermarks, in the version's own shape", async () => {
    const answer = await ask(version, [{ topic: "full", offset: 1 }]);
    const [partition] = partitionsOf(answer);
    expect(answer).toMatchObject({ throttleTimeMs: 0, errorCode: 0, sessionId: 0 });
    expect(answer.responses[0]).toMatchObject(
      version >= 13
        ? { topic: "", topicId: topicIds.get("full") }
        : { topic: "full", topicId: zeroUuid },
    );
    const { records, ...rest } = partition ?? { records: null };
    expect(valuesIn(records)).toEqual(["b", "c"]);
    expect(rest).toEqual({
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 3,
      lastStableOffset: 3,
      logStartOffset: version >= 5 ? 0 : -1,
      divergingEpoch: { epoch: -1, endOffset: -1 },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1, epoch: -1 },
      abortedTransactions: null,
      preferredReadReplica: -1,
    });
  });

  test("at the end of the log there are no records, which is not null", async () => {
    const { errorCode, records, highWatermark } = await askOne(version, {
      topic: "full",
      offset: 3,
    });
    expect({ errorCode, highWatermark }).toEqual({ errorCode: 0, highWatermark: 3 });
    expect(records).toEqual(Buffer.alloc(0));
  });

  test("an offset beyond the log is out of range", async () => {
    const answer = await askOne(version, { topic: "full", offset: 4 });
    expect(answer).toMatchObject({
      errorCode: errorCodes.OFFSET_OUT_OF_RANGE,
      highWatermark: -1,
      lastStableOffset: -1,
    });
    expect(answer.records).toEqual(Buffer.alloc(0));
  });

  test("an unknown topic and an unknown partition are said to be so, the rest is served", async () => {
    const unknown = version >= 13 ? "ZZZZZZZZZZZZZZZZZZZZZQ" : "absent";
    const answer = await ask(version, [
      { topic: unknown },
      { topic: "full", partition: 5 },
      { topic: "wide" },
    ]);
    const codes = partitionsOf(answer).map(({ errorCode }) => errorCode);
    expect(codes).toEqual([
      version >= 13 ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
      0,
    ]);
  });

  test("who reads committed records gets an empty list of aborted transactions", async () => {
    const { abortedTransactions, records } = await askOne(
      version,
      { topic: "full" },
      { isolationLevel: 1 },
    );
    expect(abortedTransactions).toEqual([]);
    expect(valuesIn(records)).toEqual(["a", "b", "c"]);
  });

  test("where we do not lead, version 16 and later name who does", async () => {
    const partition = broker.services.topics.byName(broker.clusterId, "full")?.partitions[0];
    if (partition === undefined) throw new Error("no such partition");
    partition.isLeader = false;
    const answer = await ask(version, [{ topic: "full" }]);
    partition.isLeader = true;
    const [refused] = partitionsOf(answer);
    const nodeId = broker.broker.brokerId;
    expect(refused?.errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER);
    expect(refused?.currentLeader.leaderId).toBe(version >= 16 ? nodeId : -1);
    expect(answer.nodeEndpoints.map((each) => each.nodeId)).toEqual(version >= 16 ? [nodeId] : []);
  });
});

describe.each(versions.filter((version) => version >= 7))("sessions in version %i", (version) => {
  const open = (parts: Part[]) => ask(version, parts, { sessionId: 0, sessionEpoch: 0 });

  test("tell only what is new", async () => {
    const { sessionId, responses } = await open([{ topic: "full", offset: 3 }, { topic: "empty" }]);
    expect(sessionId).toBeGreaterThan(0);
    expect(responses).toHaveLength(2);
    const nothing = await ask(version, [], { sessionId, sessionEpoch: 1 });
    expect(nothing).toMatchObject({ sessionId, responses: [] });
    const moved = await ask(version, [{ topic: "full", offset: 2 }], {
      sessionId,
      sessionEpoch: 2,
    });
    expect(partitionsOf(moved).map(({ records }) => valuesIn(records))).toEqual([["c"]]);
  });

  test("forget what they are told to", async () => {
    const { sessionId } = await open([{ topic: "full" }, { topic: "wide" }]);
    const answer = await ask(version, [], {
      sessionId,
      sessionEpoch: 1,
      forgotten: [{ topic: "full", partitions: [0] }],
    });
    const [only, ...others] = answer.responses;
    expect(others).toEqual([]);
    expect(only).toMatchObject(nameOrId(version, "wide"));
  });

  test("go on only with the next number", async () => {
    const { sessionId } = await open([{ topic: "full" }]);
    const answer = await ask(version, [], { sessionId, sessionEpoch: 2 });
    expect(answer).toMatchObject({
      errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH,
      sessionId: 0,
      responses: [],
    });
  });

  test("that nobody knows are said to be so", async () => {
    const answer = await ask(version, [], { sessionId: 123_456, sessionEpoch: 1 });
    expect(answer).toMatchObject({
      errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND,
      sessionId: 0,
      responses: [],
    });
  });

  test("end when asked to, and the request is served without one", async () => {
    const { sessionId } = await open([{ topic: "full" }]);
    const last = await ask(version, [{ topic: "full" }], { sessionId, sessionEpoch: -1 });
    expect(last).toMatchObject({ errorCode: 0, sessionId: 0 });
    const gone = await ask(version, [], { sessionId, sessionEpoch: 1 });
    expect(gone.errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND);
  });
});

test("a session is kept to the way its topics were named", async () => {
  const { sessionId } = await ask(12, [{ topic: "full" }], { sessionId: 0, sessionEpoch: 0 });
  const answer = await ask(13, [], { sessionId, sessionEpoch: 1 });
  expect(answer.errorCode).toBe(errorCodes.FETCH_SESSION_TOPIC_ID_ERROR);
});

describe("limits on bytes", () => {
  const sizes = (answer: FetchResponse) =>
    partitionsOf(answer).map(({ records }) => (records ?? []).length > 0);
  const all = [0, 1, 2, 3].map((partition) => ({ topic: "wide", partition }));

  test("of the request end the answer at whole batches", async () => {
    const answer = await ask(12, all, { maxBytes: 2_500 });
    expect(sizes(answer)).toEqual([true, true, false, false]);
    for (const { records } of partitionsOf(answer)) expect(() => recordsIn(records)).not.toThrow();
  });

  test("of the partition do too", async () => {
    const { records } = await askOne(12, { topic: "full", maxBytes: 150 });
    expect(valuesIn(records)).toEqual(["a", "b"]);
  });

  test.each([
    ["request", { maxBytes: 1 }, {}],
    ["partition", {}, { maxBytes: 1 }],
  ])(
    "of the %s give way to the first batch, of the first partition that has one",
    async (_of, options, part) => {
      const answer = await ask(
        12,
        [{ topic: "empty" }, ...all.map((each) => ({ ...each, ...part }))],
        options,
      );
      expect(sizes(answer)).toEqual([false, true, false, false, false]);
    },
  );

  test("below zero are as zero", async () => {
    const answer = await ask(12, [{ topic: "wide", maxBytes: -1 }], { maxBytes: -1 });
    expect(sizes(answer)).toEqual([true]);
  });

  test("a batch is given whole to who asks for its middle", async () => {
    await makeTopic("whole");
    await produceOne(broker, { topic: "whole", records: fresh("a", "b", "c") });
    const { records } = await askOne(12, { topic: "whole", offset: 1 });
    expect(valuesIn(records)).toEqual(["a", "b", "c"]);
  });
});

describe("epochs", () => {
  test("an older leader epoch than ours is fenced, a newer one unknown to us", async () => {
    await makeTopic("restarted");
    // As after a restart of the broker.
    const partition = broker.services.topics.byName(broker.clusterId, "restarted")?.partitions[0];
    if (partition === undefined) throw new Error("no such partition");
    partition.leaderEpoch = 5;
    const codes = [];
    for (const currentLeaderEpoch of [4, 6, 5, -1])
      codes.push((await askOne(9, { topic: "restarted", currentLeaderEpoch })).errorCode);
    const { FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH } = errorCodes;
    expect(codes).toEqual([FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, 0, 0]);
  });

  test("who fetched further in an epoch than it went is told where it ended, and gets no records", async () => {
    // As after a restart: epoch 0 ends where epoch 1 begins.
    await makeTopic("lineage");
    await fill("lineage", ["a", "b"]);
    const partition = broker.services.topics.byName(broker.clusterId, "lineage")?.partitions[0];
    if (partition === undefined) throw new Error("no such partition");
    partition.log.startLeaderEpoch(1);
    partition.leaderEpoch = 1;
    await fill("lineage", ["c"]);
    const diverged = await askOne(12, { topic: "lineage", offset: 3, lastFetchedEpoch: 0 });
    expect(diverged).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 2 } });
    expect(diverged.records).toEqual(Buffer.alloc(0));
    const fine = await askOne(12, { topic: "lineage", offset: 2, lastFetchedEpoch: 0 });
    expect(fine.divergingEpoch.epoch).toBe(-1);
    expect(valuesIn(fine.records)).toEqual(["c"]);
  });
});

describe("a fetch that finds too little", () => {
  const long = { maxWaitMs: 60_000 };

  test("waits, and is woken by the records it waits for", async () => {
    await makeTopic("awaited");
    const client = await broker.connect();
    const answer = ask(12, [{ topic: "awaited" }], long, client);
    await untilParked("awaited");
    await fill("awaited", ["at last"]);
    expect(partitionsOf(await answer).map(({ records }) => valuesIn(records))).toEqual([
      ["at last"],
    ]);
    expect(watchersOf("awaited")).toBe(0);
    await client.close();
  });

  test("waits on until there is enough", async () => {
    await makeTopic("enough");
    const client = await broker.connect();
    const answer = ask(12, [{ topic: "enough" }], { ...long, minBytes: 150 }, client);
    await untilParked("enough");
    await fill("enough", ["one"]);
    await untilParked("enough");
    await fill("enough", ["two", "three"]);
    const [partition] = partitionsOf(await answer);
    expect(valuesIn(partition?.records ?? null).length).toBeGreaterThanOrEqual(2);
    await client.close();
  });

  test("is answered with what there is when its time is over", async () => {
    await makeTopic("quiet");
    await fill("quiet", ["little"]);
    const client = await broker.connect();
    const answer = ask(12, [{ topic: "quiet" }], { ...long, minBytes: 10_000 }, client);
    await untilParked("quiet");
    await broker.clock.advance(60_000);
    expect(partitionsOf(await answer).map(({ records }) => valuesIn(records))).toEqual([
      ["little"],
    ]);
    expect(watchersOf("quiet")).toBe(0);
    await client.close();
  });

  test("does not wait for more than an answer may carry", async () => {
    const options = { ...long, minBytes: 1_000_000, maxBytes: 100 };
    const answer = await ask(12, [{ topic: "wide" }], options);
    expect(partitionsOf(answer)[0]?.records?.length).toBeGreaterThan(1_000);
  });

  test.each([
    ["an error", { topic: "full", partition: 9 }],
    ["an offset out of range", { topic: "full", offset: 100 }],
  ])("does not wait beside %s", async (_what, part) => {
    const answer = await ask(12, [{ topic: "empty" }, part], long);
    expect(partitionsOf(answer)).toHaveLength(2);
  });

  test("does not wait if it asks for nothing", async () => {
    expect((await ask(12, [], long)).responses).toEqual([]);
  });

  test("holds up the answers behind it on its connection, and their order", async () => {
    await makeTopic("first");
    const client = await broker.connect();
    client.send(fetchRequest, 12, bodyOf(12, [{ topic: "first" }], long));
    client.send(fetchRequest, 12, bodyOf(12, [{ topic: "full" }], {}));
    await untilParked("first");
    await fill("first", ["go"]);
    const order: (string | null)[][] = [];
    for (let count = 0; count < 2; count++) {
      const frame = await client.nextFrame();
      if (frame === null) throw new Error("the connection was closed");
      const read = readResponse(fetchResponse, 12, frame);
      if (read instanceof DecodeError) throw read;
      order.push(valuesIn(partitionsOf(read.body)[0]?.records ?? null));
    }
    expect(order).toEqual([["go"], ["a", "b", "c"]]);
    await client.close();
  });

  test("hears at once that its topic is deleted", async () => {
    await makeTopic("doomed");
    const client = await broker.connect();
    const answer = ask(12, [{ topic: "doomed" }], long, client);
    await untilParked("doomed");
    await broker.metadata.submit((image, context) =>
      deleteTopics(image, { clusterId: broker.clusterId, topics: [{ name: "doomed" }] }, context),
    );
    const [partition] = partitionsOf(await answer);
    expect([errorCodes.NOT_LEADER_OR_FOLLOWER, errorCodes.UNKNOWN_TOPIC_OR_PARTITION]).toContain(
      partition?.errorCode,
    );
    await client.close();
  });

  test("hears at once that the leadership is lost", async () => {
    await makeTopic("failing");
    const client = await broker.connect();
    const answer = ask(12, [{ topic: "failing" }], long, client);
    await untilParked("failing");
    broker.world.disk.faults.failNext("write", { path: "/log/" });
    await produceOne(broker, { topic: "failing", records: fresh("lost") });
    const [partition] = partitionsOf(await answer);
    expect(partition?.errorCode).toBe(errorCodes.NOT_LEADER_OR_FOLLOWER);
    await client.close();
  });

  test("leaves nothing behind when its client goes away", async () => {
    await makeTopic("left");
    const client = await broker.connect();
    client.send(fetchRequest, 12, bodyOf(12, [{ topic: "left" }], { maxWaitMs: 2 ** 31 - 1 }));
    await untilParked("left");
    await client.close();
    for (let turn = 0; watchersOf("left") > 0 && turn < 1_000; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    expect(watchersOf("left")).toBe(0);
  });
});
