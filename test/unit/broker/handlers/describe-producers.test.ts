import { afterAll, beforeAll, expect, test } from "vitest";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  describeProducersRequest,
  describeProducersResponse,
} from "../../../../protocol/messages/describe-producers.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";

let broker: MemoryBroker;

beforeAll(async () => {
  broker = await startMemoryBroker();
  await broker.createTopic("written", { partitionCount: 2 });
});
afterAll(() => broker.close());

async function ask(topics: { name: string; partitionIndexes: number[] }[]) {
  await broker.clock.advance(100);
  const answer = await broker.call(describeProducersRequest, describeProducersResponse, 0, {
    topics,
  });
  return answer.topics;
}

test("who writes to a partition is told with the last sequence number and time", async () => {
  const timestamp = broker.clock.nowMs();
  const producer = { producerId: 42, producerEpoch: 3, timestamp };
  for (const [baseSequence, values] of [
    [0, ["a", "b"]],
    [2, ["c"]],
  ] as const) {
    const records = batchOf(values, { ...producer, baseSequence });
    await produceOne(broker, { topic: "written", records });
  }
  await produceOne(broker, { topic: "written", records: batchOf(["d"], { timestamp }) });
  expect(await ask([{ name: "written", partitionIndexes: [0, 1] }])).toEqual([
    {
      name: "written",
      partitions: [
        {
          partitionIndex: 0,
          errorCode: 0,
          errorMessage: null,
          activeProducers: [
            {
              producerId: 42,
              producerEpoch: 3,
              lastSequence: 2,
              lastTimestamp: timestamp,
              coordinatorEpoch: -1,
              currentTxnStartOffset: -1,
            },
          ],
        },
        { partitionIndex: 1, errorCode: 0, errorMessage: null, activeProducers: [] },
      ],
    },
  ]);
});

test("unknown topics and partitions are said to be so", async () => {
  const answer = await ask([
    { name: "absent", partitionIndexes: [0] },
    { name: "written", partitionIndexes: [9, -1] },
  ]);
  const unknown = errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  const codes = answer.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
  expect(codes).toEqual([[unknown], [unknown, unknown]]);
});

test("a partition named many times is described once", async () => {
  const entry = { name: "written", partitionIndexes: Array.from({ length: 1_000 }, () => 0) };
  const answer = await ask([entry, entry]);
  expect(answer.map(({ partitions }) => partitions.length)).toEqual([1]);
});
