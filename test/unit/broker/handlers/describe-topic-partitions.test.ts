import { afterAll, beforeAll, expect, test } from "vitest";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from "../../../../protocol/messages/describe-topic-partitions.ts";
import type { DescribeTopicPartitionsResponse } from "../../../../protocol/messages/describe-topic-partitions.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";

let broker: MemoryBroker;
let topicId: string;

beforeAll(async () => {
  broker = await startMemoryBroker();
  for (const [name, partitionCount] of [
    ["b", 3],
    ["a", 2],
    ["c", 1],
  ] as const) {
    const created = await broker.createTopic(name, { partitionCount });
    if (name === "a") topicId = created.topicId;
  }
});
afterAll(() => broker.close());

type Cursor = { topicName: string; partitionIndex: number } | null;

async function ask(names: string[], { limit = 2000, cursor = null as Cursor } = {}) {
  await broker.clock.advance(100);
  return broker.call(describeTopicPartitionsRequest, describeTopicPartitionsResponse, 0, {
    topics: names.map((name) => ({ name })),
    responsePartitionLimit: limit,
    cursor,
  });
}

const shown = ({ topics }: DescribeTopicPartitionsResponse) =>
  topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => `${name}${partitionIndex}`),
  );

test("a topic is described with its partitions and who may lead them", async () => {
  const { topics, nextCursor } = await ask(["a"]);
  const nodeId = broker.broker.brokerId;
  const partition = (partitionIndex: number) => ({
    errorCode: 0,
    partitionIndex,
    leaderId: nodeId,
    leaderEpoch: 0,
    replicaNodes: [nodeId],
    isrNodes: [nodeId],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: [],
  });
  expect(nextCursor).toBeNull();
  expect(topics).toEqual([
    {
      errorCode: 0,
      name: "a",
      topicId,
      isInternal: false,
      partitions: [partition(0), partition(1)],
      topicAuthorizedOperations: expect.any(Number),
    },
  ]);
});

test("topics come in the order of their names, each once; no names mean all topics", async () => {
  const all = ["a0", "a1", "b0", "b1", "b2", "c0"];
  expect(shown(await ask(["c", "a", "b", "a"]))).toEqual(all);
  expect(shown(await ask([]))).toEqual(all);
});

test.each([1, 2, 3, 4, 5, 6, 7])(
  "pages of %i partitions, put together, are the whole",
  async (limit) => {
    const seen: string[] = [];
    let cursor: Cursor = null;
    do {
      const page: DescribeTopicPartitionsResponse = await ask(["a", "b", "c"], { limit, cursor });
      expect(shown(page).length).toBeLessThanOrEqual(limit);
      seen.push(...shown(page));
      cursor = page.nextCursor;
    } while (cursor !== null && seen.length < 10);
    expect(seen).toEqual(["a0", "a1", "b0", "b1", "b2", "c0"]);
  },
);

test("a page is never empty, whatever is asked for", async () => {
  expect(shown(await ask(["a"], { limit: -5 }))).toEqual(["a0"]);
});

test("a cursor at a topic that is gone goes on behind it", async () => {
  const page = await ask(["a", "b", "c"], { cursor: { topicName: "aa", partitionIndex: 1 } });
  expect(shown(page)).toEqual(["b0", "b1", "b2", "c0"]);
});

test("unknown topics are said to be so, and names that cannot be", async () => {
  const { topics } = await ask(["absent", "no/slashes", "a"]);
  expect(topics).toMatchObject([
    { name: "a", errorCode: 0 },
    { name: "absent", errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, topicId: zeroUuid },
    { name: "no/slashes", errorCode: errorCodes.INVALID_TOPIC_EXCEPTION, topicId: zeroUuid },
  ]);
});
