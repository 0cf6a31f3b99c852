import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offsetForLeaderEpoch } from "../../../../broker/handlers/offset-for-leader-epoch.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "../../../../protocol/messages/offset-for-leader-epoch.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker, worldAfter } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(offsetForLeaderEpoch);

let broker: MemoryBroker;
/** Of the first life, which wrote two records, and of the third, which wrote one; the second wrote none. */
let first: number;
let last: number;

const epochNow = () =>
  broker.services.topics.byName(broker.clusterId, "full")?.partitions[0]?.leaderEpoch ?? -1;

async function write(value: string): Promise<void> {
  const records = batchOf([value], { timestamp: broker.clock.nowMs() });
  expect((await produceOne(broker, { topic: "full", records })).errorCode).toBe(0);
}

async function restart(): Promise<void> {
  await broker.close();
  broker = await startMemoryBroker({ world: worldAfter(broker) });
}

beforeAll(async () => {
  broker = await startMemoryBroker();
  await broker.createTopic("full", { partitionCount: 1 });
  await write("a");
  await write("b");
  first = epochNow();
  await restart();
  await restart();
  await write("c");
  last = epochNow();
});
afterAll(() => broker.close());

async function ask(
  version: number,
  leaderEpoch: number,
  { topic = "full", currentLeaderEpoch = -1 } = {},
) {
  await broker.clock.advance(100);
  const answer = await broker.call(
    offsetForLeaderEpochRequest,
    offsetForLeaderEpochResponse,
    version,
    { topics: [{ topic, partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }] },
  );
  const [partition] = answer.topics[0]?.partitions ?? [];
  if (partition === undefined) throw new Error("the answer has no partition");
  return partition;
}

describe.each(versions)("in version %i", (version) => {
  const shaped = (leaderEpoch: number, endOffset: number) => ({
    errorCode: 0,
    partition: 0,
    leaderEpoch: version >= 1 ? leaderEpoch : -1,
    endOffset,
  });

  test("an epoch ends where the next one that wrote begins", async () => {
    expect(await ask(version, first)).toEqual(shaped(first, 2));
  });

  test("the current epoch ends with the log", async () => {
    expect(await ask(version, last)).toEqual(shaped(last, 3));
  });

  test("an epoch that wrote nothing is answered with the one before it", async () => {
    expect(last - first).toBeGreaterThan(1);
    expect(await ask(version, first + 1)).toEqual(shaped(first, 2));
  });

  test("an epoch we never saw has no end", async () => {
    expect(await ask(version, last + 1)).toEqual(shaped(-1, -1));
  });

  test("an unknown topic is said to be so", async () => {
    const { errorCode } = await ask(version, first, { topic: "absent" });
    expect(errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

test.each(versions.slice(2))(
  "version %i checks the epoch the client believes in",
  async (version) => {
    const older = await ask(version, first, { currentLeaderEpoch: first });
    const newer = await ask(version, first, { currentLeaderEpoch: last + 1 });
    expect(older.errorCode).toBe(errorCodes.FENCED_LEADER_EPOCH);
    expect(newer.errorCode).toBe(errorCodes.UNKNOWN_LEADER_EPOCH);
  },
);
