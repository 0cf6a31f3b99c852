import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createPartitions } from "../../../../broker/handlers/create-partitions.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from "../../../../protocol/messages/create-partitions.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

let broker: MemoryBroker;
let topic: string;
let made = 0;

beforeAll(async () => {
  broker = await startMemoryBroker();
});
beforeEach(async () => {
  topic = `growing-${made++}`;
  await broker.createTopic(topic, { partitionCount: 2 });
});
afterAll(() => broker.close());

type Asked = { name?: string; count: number; assignments?: { brokerIds: number[] }[] | null };

async function ask(version: number, asked: Asked[], { validateOnly = false } = {}) {
  const answer = await broker.call(createPartitionsRequest, createPartitionsResponse, version, {
    topics: asked.map((each) => ({ name: topic, assignments: null, ...each })),
    timeoutMs: 5_000,
    validateOnly,
  });
  return answer.results;
}

const countNow = () =>
  broker.services.topics.byName(broker.clusterId, topic)?.partitions.length ?? 0;

describe.each(versionsOf(createPartitions))("in version %i", (version) => {
  test("a topic grows, and its new partitions take records", async () => {
    expect(await ask(version, [{ count: 4 }])).toEqual([
      { name: topic, errorCode: 0, errorMessage: null },
    ]);
    expect(countNow()).toBe(4);
    const records = batchOf(["a"], { timestamp: broker.clock.nowMs() });
    expect((await produceOne(broker, { topic, partition: 3, records })).errorCode).toBe(0);
  });

  test.each<[string, Asked, keyof typeof errorCodes]>([
    ["the count it has", { count: 2 }, "INVALID_PARTITIONS"],
    ["fewer than it has", { count: 1 }, "INVALID_PARTITIONS"],
    ["none", { count: 0 }, "INVALID_PARTITIONS"],
    ["more than a topic may have", { count: 10_001 }, "INVALID_PARTITIONS"],
    [
      "assignments for too few",
      { count: 4, assignments: [{ brokerIds: [1] }] },
      "INVALID_REPLICA_ASSIGNMENT",
    ],
    [
      "an assignment to nobody",
      { count: 3, assignments: [{ brokerIds: [77] }] },
      "INVALID_REPLICA_ASSIGNMENT",
    ],
    ["an unknown topic", { name: "absent", count: 3 }, "UNKNOWN_TOPIC_OR_PARTITION"],
  ])("%s is refused", async (_what, asked, error) => {
    const [answer] = await ask(version, [asked]);
    expect(answer?.errorCode).toBe(errorCodes[error]);
    expect(answer?.errorMessage).not.toBeNull();
    expect(countNow()).toBe(2);
  });

  test("a topic named twice is refused both times", async () => {
    const answers = await ask(version, [{ count: 3 }, { count: 4 }]);
    const invalid = errorCodes.INVALID_REQUEST;
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([invalid, invalid]);
    expect(countNow()).toBe(2);
  });

  test("it can be tried without effect", async () => {
    const [answer] = await ask(version, [{ count: 3 }], { validateOnly: true });
    expect(answer?.errorCode).toBe(0);
    expect(countNow()).toBe(2);
  });

  test("new partitions can be placed by hand", async () => {
    const assignments = [{ brokerIds: [broker.broker.brokerId] }];
    const [answer] = await ask(version, [{ count: 3, assignments }]);
    expect(answer?.errorCode).toBe(0);
    expect(countNow()).toBe(3);
  });
});
