import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTopics } from "../../../../broker/handlers/create-topics.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import {
  createTopicsRequest,
  createTopicsResponse,
} from "../../../../protocol/messages/create-topics.ts";
import type { CreateTopicsRequest } from "../../../../protocol/messages/create-topics.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";
import { produceOne } from "../../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { startMemoryBroker } from "../../../support/memory-broker.ts";
import { batchOf } from "../../../support/records.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(createTopics);

let broker: MemoryBroker;

beforeAll(async () => {
  broker = await startMemoryBroker();
  await broker.createTopic("existing", { partitionCount: 1 });
  await broker.createTopic("dotted.name", { partitionCount: 1 });
});
afterAll(() => broker.close());

type Asked = Partial<CreateTopicsRequest["topics"][number]>;

async function ask(version: number, topics: Asked[], { validateOnly = false } = {}) {
  const answer = await broker.call(createTopicsRequest, createTopicsResponse, version, {
    topics: topics.map((topic) => ({
      name: "unnamed",
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
      ...topic,
    })),
    timeoutMs: 5_000,
    ...(version >= 1 ? { validateOnly } : {}),
  });
  return answer.topics;
}

async function askOne(version: number, topic: Asked, options = {}) {
  const [answer] = await ask(version, [topic], options);
  if (answer === undefined) throw new Error("the answer has no topic");
  return answer;
}

const find = (name: string) => broker.services.topics.byName(broker.clusterId, name);

describe.each(versions)("in version %i", (version) => {
  test("a topic is created, answered in the version's own shape, and ready for records", async () => {
    const name = `created-${version}`;
    const configs = [{ name: "retention.ms", value: "60000" }];
    const answer = await askOne(version, { name, numPartitions: 2, configs });
    const { configs: shown, ...rest } = answer;
    expect(rest).toEqual({
      name,
      topicId: version >= 7 ? find(name)?.topic.topicId : zeroUuid,
      errorCode: 0,
      errorMessage: version >= 1 ? null : "",
      topicConfigErrorCode: 0,
      numPartitions: version >= 5 ? 2 : -1,
      replicationFactor: version >= 5 ? 1 : -1,
    });
    const retention = shown?.find((each) => each.name === "retention.ms");
    if (version >= 5) expect(retention).toMatchObject({ value: "60000", configSource: 1 });
    else expect(shown).toEqual([]);
    const records = batchOf(["a"], { timestamp: broker.clock.nowMs() });
    expect((await produceOne(broker, { topic: name, partition: 1, records })).errorCode).toBe(0);
  });

  test.each<[string, Asked, keyof typeof errorCodes]>([
    ["a topic that is there already", { name: "existing" }, "TOPIC_ALREADY_EXISTS"],
    ["a name no topic can have", { name: "no/slashes" }, "INVALID_TOPIC_EXCEPTION"],
    ["an empty name", { name: "" }, "INVALID_TOPIC_EXCEPTION"],
    ["a dot as name", { name: "." }, "INVALID_TOPIC_EXCEPTION"],
    ["two dots as name", { name: ".." }, "INVALID_TOPIC_EXCEPTION"],
    ["a name of 250 characters", { name: "x".repeat(250) }, "INVALID_TOPIC_EXCEPTION"],
    ["a name that collides with another's", { name: "dotted_name" }, "INVALID_TOPIC_EXCEPTION"],
    ["a topic of the cell's own", { name: "__consumer_offsets" }, "INVALID_TOPIC_EXCEPTION"],
    ["no partitions", { name: "refused", numPartitions: 0 }, "INVALID_PARTITIONS"],
    ["less than no partitions", { name: "refused", numPartitions: -2 }, "INVALID_PARTITIONS"],
    ["no replicas", { name: "refused", replicationFactor: 0 }, "INVALID_REPLICATION_FACTOR"],
    [
      "more replicas than brokers",
      { name: "refused", replicationFactor: 2 },
      "INVALID_REPLICATION_FACTOR",
    ],
    [
      "an unknown setting",
      { name: "refused", configs: [{ name: "no.such", value: "1" }] },
      "INVALID_CONFIG",
    ],
    [
      "a setting out of bounds",
      { name: "refused", configs: [{ name: "retention.ms", value: "-5" }] },
      "INVALID_CONFIG",
    ],
    [
      "a setting without a value",
      { name: "refused", configs: [{ name: "retention.ms", value: null }] },
      "INVALID_CONFIG",
    ],
    [
      "assignments beside counts",
      { name: "refused", assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      "INVALID_REQUEST",
    ],
    [
      "an assignment to a broker that is not there",
      {
        name: "refused",
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [77] }],
      },
      "INVALID_REPLICA_ASSIGNMENT",
    ],
  ])("%s is refused", async (_what, topic, error) => {
    const answer = await askOne(version, topic);
    expect(answer.errorCode).toBe(errorCodes[error]);
    expect(answer.topicId).toBe(zeroUuid);
    if (version >= 1) expect(answer.errorMessage).not.toBe("");
    expect(find("refused")).toBeUndefined();
  });

  test("each topic of a request is decided by itself; one named twice is refused both times", async () => {
    const name = `one-of-many-${version}`;
    const answers = await ask(version, [
      { name: "existing" },
      { name: "twice" },
      { name },
      { name: "twice" },
    ]);
    expect(answers.map(({ errorCode }) => errorCode)).toEqual([
      errorCodes.TOPIC_ALREADY_EXISTS,
      errorCodes.INVALID_REQUEST,
      0,
      errorCodes.INVALID_REQUEST,
    ]);
    expect(find(name)).toBeDefined();
    expect(find("twice")).toBeUndefined();
  });

  test("replicas can be placed by hand", async () => {
    const name = `placed-${version}`;
    const brokerIds = [broker.broker.brokerId];
    const answer = await askOne(version, {
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [
        { partitionIndex: 1, brokerIds },
        { partitionIndex: 0, brokerIds },
      ],
    });
    expect(answer.errorCode).toBe(0);
    expect(find(name)?.topic.partitions).toHaveLength(2);
  });
});

test.each(versions.slice(1))("version %i can only look whether it would work", async (version) => {
  const answer = await askOne(version, { name: "only-asked" }, { validateOnly: true });
  expect(answer.errorCode).toBe(0);
  expect(find("only-asked")).toBeUndefined();
});

test.each(versions.slice(4))(
  "in version %i -1 asks for the cluster's defaults",
  async (version) => {
    const name = `defaults-${version}`;
    const answer = await askOne(version, { name, numPartitions: -1, replicationFactor: -1 });
    expect(answer.errorCode).toBe(0);
    expect(find(name)?.topic.partitions).toHaveLength(1);
  },
);

test("settings of Kafka that no longer exist are taken and dropped, for old tools", async () => {
  const configs = [{ name: "message.format.version", value: "2.8-IV0" }];
  const answer = await askOne(7, { name: "old-tools", configs });
  expect(answer.errorCode).toBe(0);
  expect(answer.configs?.map(({ name }) => name)).not.toContain("message.format.version");
});

test("more topics than a request may have are refused, each of them", async () => {
  const many = Array.from({ length: 1_001 }, (_, index) => ({ name: `many-${index}` }));
  const answers = await ask(7, many);
  expect(new Set(answers.map(({ errorCode }) => errorCode))).toEqual(
    new Set([errorCodes.POLICY_VIOLATION]),
  );
  expect(find("many-0")).toBeUndefined();
});

test("while the metadata log does not answer, clients are told to ask again", async () => {
  for (let count = 0; count < 20; count++)
    broker.world.metadata.failNext("read", { takesEffect: false });
  const answer = askOne(7, { name: "unlucky" });
  await broker.clock.advance(60_000);
  expect((await answer).errorCode).toBe(errorCodes.REQUEST_TIMED_OUT);
});
