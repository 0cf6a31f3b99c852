import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listOffsets } from "../../../../broker/handlers/list-offsets.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  listOffsetsRequest,
  listOffsetsResponse,
} from "../../../../protocol/messages/list-offsets.ts";
import type { Codec } from "../../../../protocol/compression/codec.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(listOffsets);

let broker: MemoryBroker;
let start: number;

beforeAll(async () => {
  broker = await startMemoryBroker();
  start = broker.clock.nowMs() - 10_000;
  for (const name of ["full", "empty", "gzip", "snappy", "lz4", "zstd"])
    await broker.createTopic(name, { partitionCount: 1 });
  // Offsets 0 to 4; the largest timestamp is at offset 3.
  await append("full", [0, 1_000]);
  await append("full", [2_000, 5_000, 3_000]);
});
afterAll(() => broker.close());

/** One batch of records at these times after the start. */
async function append(topic: string, times: number[], codec: Codec = "none"): Promise<void> {
  const records = batchOf(
    times.map((time) => ({ value: `at ${time}`, timestamp: start + time })),
    { codec },
  );
  expect((await produceOne(broker, { topic, records })).errorCode).toBe(0);
}

type Asked = {
  partitionIndex?: number;
  timestamp: number;
  currentLeaderEpoch?: number;
  maxNumOffsets?: number;
};

async function ask(version: number, topic: string, asked: Asked[], isolationLevel = 0) {
  await broker.clock.advance(100);
  const answer = await broker.call(listOffsetsRequest, listOffsetsResponse, version, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: topic, partitions: asked.map((each) => ({ partitionIndex: 0, ...each })) }],
  });
  return answer.topics[0]?.partitions ?? [];
}

async function askOne(version: number, topic: string, timestamp: number) {
  const [partition] = await ask(version, topic, [{ timestamp }]);
  if (partition === undefined) throw new Error("the answer has no partition");
  return partition;
}

/** The answer of `version` where it is an offset. */
function shaped(version: number, offset: number, timestamp = -1) {
  return {
    partitionIndex: 0,
    errorCode: 0,
    oldStyleOffsets: version === 0 ? [offset] : [],
    offset: version === 0 ? -1 : offset,
    timestamp: version === 0 ? -1 : timestamp,
    leaderEpoch: version >= 4 ? 0 : -1,
  };
}

describe.each(versions)("in version %i", (version) => {
  test("the latest offset is the end of the log", async () => {
    expect(await askOne(version, "full", -1)).toEqual(shaped(version, 5));
  });

  test("the earliest offset is its start", async () => {
    expect(await askOne(version, "full", -2)).toEqual(shaped(version, 0));
  });

  test("a time finds the first record at or after it", async () => {
    const found = await askOne(version, "full", start + 1_500);
    expect(found).toEqual(shaped(version, 2, start + 2_000));
  });

  test("a time after the last record finds none, which is no error", async () => {
    expect(await askOne(version, "full", start + 6_000)).toEqual({
      ...shaped(version, -1),
      oldStyleOffsets: [],
      leaderEpoch: -1,
    });
  });

  test("an unknown topic is said to be so", async () => {
    const { errorCode } = await askOne(version, "absent", -1);
    expect(errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });

  test("a partition named twice is an invalid request", async () => {
    const answers = await ask(version, "full", [{ timestamp: -1 }, { timestamp: -2 }]);
    const invalid = errorCodes.INVALID_REQUEST;
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([invalid, invalid]);
  });

  test.each([
    ["largest timestamp", -3, 7, { offset: 3, timestamp: 5_000 }],
    ["earliest local offset", -4, 8, { offset: 0, timestamp: null }],
    ["latest tiered offset", -5, 9, { offset: -1, timestamp: null }],
    ["earliest offset to be tiered", -6, 11, { offset: 0, timestamp: null }],
  ])("the %s can be asked for from its version on", async (_what, timestamp, since, expected) => {
    const answer = await askOne(version, "full", timestamp);
    if (version < since) {
      expect(answer.errorCode).toBe(errorCodes.UNSUPPORTED_VERSION);
      return;
    }
    expect(answer.errorCode).toBe(0);
    expect(answer.offset).toBe(expected.offset);
    expect(answer.timestamp).toBe(expected.timestamp === null ? -1 : start + expected.timestamp);
  });

  test("a special timestamp that does not exist is not supported", async () => {
    const { errorCode } = await askOne(version, "full", -100);
    expect(errorCode).toBe(errorCodes.UNSUPPORTED_VERSION);
  });

  test.each([
    ["latest", -1, 0],
    ["earliest", -2, 0],
    ["first of a time", 0, -1],
  ])("the %s of an empty partition", async (_what, timestamp, offset) => {
    const answer = await askOne(version, "empty", timestamp);
    expect(answer.errorCode).toBe(0);
    if (version === 0) expect(answer.oldStyleOffsets).toEqual(offset < 0 ? [] : [offset]);
    else expect(answer.offset).toBe(offset);
  });
});

test.each<Codec>(["gzip", "snappy", "lz4", "zstd"])(
  "a time is found inside a batch compressed with %s",
  async (codec) => {
    await append(codec, [100, 200, 300], codec);
    await append(codec, [400, 500], codec);
    const found = await Promise.all(
      [150, 300, 450, 501].map((time) => askOne(7, codec, start + time)),
    );
    expect(found.map(({ offset }) => offset)).toEqual([1, 2, 4, -1]);
    expect((await askOne(7, codec, -3)).offset).toBe(4);
  },
);

test("version 0 gives no more offsets than were asked for", async () => {
  const [answer] = await ask(0, "full", [{ timestamp: -1, maxNumOffsets: 0 }]);
  expect(answer?.oldStyleOffsets).toEqual([]);
});

test("the end of who reads committed records only is the last stable offset", async () => {
  const [answer] = await ask(7, "full", [{ timestamp: -1 }], 1);
  expect(answer?.offset).toBe(5);
});

test.each([
  [4, "UNKNOWN_LEADER_EPOCH", 9],
  [4, "NONE", 0],
] as const)("version %i checks the leader epoch: %s for %i", async (version, error, epoch) => {
  const [answer] = await ask(version, "full", [{ timestamp: -1, currentLeaderEpoch: epoch }]);
  expect(answer?.errorCode).toBe(errorCodes[error]);
});

test("a partition named in two entries of one topic is named twice", async () => {
  const entry = { name: "full", partitions: [{ partitionIndex: 0, timestamp: -1 }] };
  const answer = await broker.call(listOffsetsRequest, listOffsetsResponse, 7, {
    replicaId: -1,
    topics: [entry, entry],
  });
  const codes = answer.topics.map(({ partitions }) => partitions[0]?.errorCode);
  expect(codes).toEqual([errorCodes.INVALID_REQUEST, errorCodes.INVALID_REQUEST]);
});
