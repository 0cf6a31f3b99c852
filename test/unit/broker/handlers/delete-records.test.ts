import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deleteRecords } from "../../../../broker/handlers/delete-records.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "../../../../protocol/messages/delete-records.ts";
import { fetchOne, produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker, worldAfter } from "../../../support/memory-broker.ts";
import { batchOf, valuesIn } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

let broker: MemoryBroker;
let topic: string;
let made = 0;

beforeAll(async () => {
  broker = await startMemoryBroker();
  await broker.createTopic("compacted", {
    partitionCount: 1,
    configs: { "cleanup.policy": "compact" },
  });
});
beforeEach(async () => {
  topic = `shrinking-${made++}`;
  await broker.createTopic(topic, { partitionCount: 1 });
  for (const value of ["a", "b", "c"]) {
    const records = batchOf([value], { timestamp: broker.clock.nowMs() });
    await produceOne(broker, { topic, records });
  }
});
afterAll(() => broker.close());

async function ask(version: number, offset: number, { name = topic, partitionIndex = 0 } = {}) {
  await broker.clock.advance(100);
  const answer = await broker.call(deleteRecordsRequest, deleteRecordsResponse, version, {
    topics: [{ name, partitions: [{ partitionIndex, offset }] }],
    timeoutMs: 5_000,
  });
  return answer.topics[0]?.partitions[0];
}

describe.each(versionsOf(deleteRecords))("in version %i", (version) => {
  test("what lies below the offset is gone, and asking for it is out of range", async () => {
    expect(await ask(version, 2)).toEqual({ partitionIndex: 0, errorCode: 0, lowWatermark: 2 });
    const below = await fetchOne(broker, { topic, offset: 1 });
    expect(below.errorCode).toBe(errorCodes.OFFSET_OUT_OF_RANGE);
    const rest = await fetchOne(broker, { topic, offset: 2 });
    expect(rest.logStartOffset).toBe(2);
    expect(valuesIn(rest.records)).toEqual(["c"]);
  });

  test("-1 means everything that is committed", async () => {
    expect(await ask(version, -1)).toMatchObject({ errorCode: 0, lowWatermark: 3 });
    const records = batchOf(["d"], { timestamp: broker.clock.nowMs() });
    expect((await produceOne(broker, { topic, records })).baseOffset).toBe(3);
  });

  test("what is gone already stays gone", async () => {
    await ask(version, 2);
    expect(await ask(version, 1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
  });

  test.each([
    ["beyond the end", 4, {}, "OFFSET_OUT_OF_RANGE"],
    ["below -1", -2, {}, "OFFSET_OUT_OF_RANGE"],
    ["of an unknown topic", 1, { name: "absent" }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["of an unknown partition", 1, { partitionIndex: 9 }, "UNKNOWN_TOPIC_OR_PARTITION"],
    ["of a topic that is only compacted", 0, { name: "compacted" }, "POLICY_VIOLATION"],
  ] as const)("an offset %s is refused", async (_what, offset, where, error) => {
    const answer = await ask(version, offset, where);
    expect(answer).toMatchObject({ errorCode: errorCodes[error], lowWatermark: -1 });
  });
});

test("a restart does not bring deleted records back", async () => {
  await ask(2, 2);
  await broker.close();
  broker = await startMemoryBroker({ world: worldAfter(broker) });
  const below = await fetchOne(broker, { topic, offset: 0 });
  expect(below.errorCode).toBe(errorCodes.OFFSET_OUT_OF_RANGE);
  expect((await fetchOne(broker, { topic, offset: 2 })).logStartOffset).toBe(2);
});
