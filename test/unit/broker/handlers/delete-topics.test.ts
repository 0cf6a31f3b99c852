import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deleteTopics } from "../../../../broker/handlers/delete-topics.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  deleteTopicsRequest,
  deleteTopicsResponse,
} from "../../../../protocol/messages/delete-topics.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(deleteTopics);

let broker: MemoryBroker;
let topicId: string;

beforeAll(async () => {
  broker = await startMemoryBroker();
});
beforeEach(async () => {
  topicId = (await broker.createTopic("doomed", { partitionCount: 1 })).topicId;
  return async () => {
    if (isThere()) await ask(5, ["doomed"]);
  };
});
afterAll(() => broker.close());

const isThere = () => broker.services.topics.byName(broker.clusterId, "doomed") !== undefined;

type Asked = { name?: string | null; topicId?: string };

async function askFor(topics: Asked[]) {
  const body = { topics: topics.map((each) => ({ topicId: zeroUuid, ...each })), timeoutMs: 5_000 };
  return (await broker.call(deleteTopicsRequest, deleteTopicsResponse, 6, body)).responses;
}

async function ask(version: number, names: string[]) {
  if (version >= 6) return askFor(names.map((name) => ({ name })));
  const body = { topicNames: names, timeoutMs: 5_000 };
  return (await broker.call(deleteTopicsRequest, deleteTopicsResponse, version, body)).responses;
}

describe.each(versions)("in version %i", (version) => {
  test("a topic is deleted by its name, and its records are gone with it", async () => {
    const records = batchOf(["a"], { timestamp: broker.clock.nowMs() });
    await produceOne(broker, { topic: "doomed", records });
    expect(await ask(version, ["doomed"])).toEqual([
      {
        name: "doomed",
        topicId: version >= 6 ? topicId : zeroUuid,
        errorCode: 0,
        errorMessage: null,
      },
    ]);
    expect(isThere()).toBe(false);
    expect(broker.services.store.partition(topicId, 0)).toBeUndefined();
  });

  test("an unknown topic is said to be so, the others go", async () => {
    const answers = await ask(version, ["absent", "doomed"]);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
      0,
    ]);
    if (version >= 5) expect(answers[0]?.errorMessage).not.toBeNull();
    expect(isThere()).toBe(false);
  });

  test("a topic named twice is refused both times, and stays", async () => {
    const answers = await ask(version, ["doomed", "doomed"]);
    const invalid = errorCodes.INVALID_REQUEST;
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([invalid, invalid]);
    expect(isThere()).toBe(true);
  });

  test("the cell's own topics are unknown", async () => {
    const [answer] = await ask(version, ["__consumer_offsets"]);
    expect(answer?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe("version 6", () => {
  test("deletes by id, and tells the name", async () => {
    expect(await askFor([{ name: null, topicId }])).toMatchObject([
      { name: "doomed", topicId, errorCode: 0 },
    ]);
    expect(isThere()).toBe(false);
  });

  test("does not know every id", async () => {
    const unknown = "ZZZZZZZZZZZZZZZZZZZZZQ";
    expect(await askFor([{ name: null, topicId: unknown }])).toMatchObject([
      { name: null, topicId: unknown, errorCode: errorCodes.UNKNOWN_TOPIC_ID },
    ]);
  });

  test("refuses a topic without name and id, and one with both; the rest is done", async () => {
    const answers = await askFor([
      { name: null },
      { name: "doomed", topicId: "ZZZZZZZZZZZZZZZZZZZZZQ" },
      { name: "doomed" },
    ]);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([
      errorCodes.INVALID_REQUEST,
      errorCodes.INVALID_REQUEST,
      0,
    ]);
  });
});

test("a topic made again under the name is another one: empty, and of a later leader epoch", async () => {
  const epochOf = () =>
    broker.services.topics.byName(broker.clusterId, "doomed")?.partitions[0]?.leaderEpoch ?? -1;
  const records = batchOf(["a"], { timestamp: broker.clock.nowMs() });
  await produceOne(broker, { topic: "doomed", records });
  const before = epochOf();
  await ask(5, ["doomed"]);
  const again = await broker.createTopic("doomed", { partitionCount: 1 });
  expect(again.topicId).not.toBe(topicId);
  expect(epochOf()).toBeGreaterThan(before);
  expect((await fetchOne(broker, { topic: "doomed", offset: 0 })).highWatermark).toBe(0);
});
