import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { metadata } from "../../../../broker/handlers/metadata.ts";
import { createCluster } from "../../../../metadata/commands/cluster-commands.ts";
import { createTopic } from "../../../../metadata/commands/create-topics.ts";
import { errorCodes } from "../../../../protocol/errors.ts";
import { metadataRequest, metadataResponse } from "../../../../protocol/messages/metadata.ts";
import type { MetadataResponse } from "../../../../protocol/messages/metadata.ts";
import type { Encodable } from "../../../../protocol/schema/message.ts";
import { zeroUuid } from "../../../../protocol/schema/types.ts";
import type { MemoryBroker } from "../../../support/memory-broker.ts";
import { openReplicaElsewhere, startMemoryBroker } from "../../../support/memory-broker.ts";
import { versionsOf } from "../../../support/versions.ts";

const versions = versionsOf(metadata);
const operationsNotRequested = -2147483648;

let broker: MemoryBroker;
let orders: string;

beforeAll(async () => {
  broker = await startMemoryBroker();
  orders = (await broker.createTopic("orders", { partitionCount: 2 })).topicId;
  await broker.createTopic("returns", { partitionCount: 1 });
});
afterAll(() => broker.close());

async function ask(
  version: number,
  body: Encodable<typeof metadataRequest>,
  on: MemoryBroker = broker,
): Promise<MetadataResponse> {
  // Past the time between two looks at the metadata log for the sake of unknown topics.
  await on.clock.advance(100);
  return on.call(metadataRequest, metadataResponse, version, body);
}

const names = ({ topics }: MetadataResponse) => topics.map(({ name }) => name);
const asked = (name: string) => [{ name }];

describe.each(versions)("in version %i", (version) => {
  test("a topic is described with its partitions, leaders and what the version has beside them", async () => {
    const answer = await ask(version, { topics: asked("orders") });
    const nodeId = broker.broker.brokerId;
    expect(answer.brokers).toEqual([{ nodeId, host: "127.0.0.1", port: 9092, rack: null }]);
    expect(answer.controllerId).toBe(version >= 1 ? nodeId : -1);
    expect(answer.clusterId).toBe(version >= 2 ? broker.clusterId : null);
    expect(answer.errorCode).toBe(0);
    const partition = (partitionIndex: number) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch: version >= 7 ? 0 : -1,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
      offlineReplicas: [],
    });
    expect(answer.topics).toEqual([
      {
        errorCode: 0,
        name: "orders",
        topicId: version >= 10 ? orders : zeroUuid,
        isInternal: false,
        partitions: [partition(0), partition(1)],
        topicAuthorizedOperations: operationsNotRequested,
      },
    ]);
  });

  test("all topics are asked for by null, in version 0 by an empty list", async () => {
    const answer = await ask(version, { topics: version === 0 ? [] : null });
    expect(names(answer)).toEqual(expect.arrayContaining(["orders", "returns"]));
  });

  test("a name no topic can have is an invalid topic, said with the name", async () => {
    const answer = await ask(version, { topics: asked("no/slashes") });
    expect(answer.topics[0]).toMatchObject({
      errorCode: errorCodes.INVALID_TOPIC_EXCEPTION,
      name: "no/slashes",
      topicId: zeroUuid,
      partitions: [],
    });
  });

  test("an unknown topic is created on demand, and has a leader in the same answer", async () => {
    const name = `on-demand-${version}`;
    const answer = await ask(version, { topics: asked(name) });
    expect(answer.topics).toMatchObject([
      { errorCode: 0, name, partitions: [{ errorCode: 0, leaderId: broker.broker.brokerId }] },
    ]);
  });
});

test.each([10, 11])(
  "version %i takes no question by id: the request is invalid",
  async (version) => {
    const answer = await ask(version, { topics: [{ name: "orders", topicId: orders }] });
    expect(answer.topics).toMatchObject([
      { errorCode: errorCodes.INVALID_REQUEST, partitions: [] },
    ]);
    expect(answer.brokers).not.toEqual([]);
  },
);

test.each([10, 11])("version %i refuses a topic without a name", async (version) => {
  const answer = await ask(version, { topics: [{ name: null, topicId: zeroUuid }] });
  expect(answer.topics).toMatchObject([{ errorCode: errorCodes.INVALID_REQUEST, name: "" }]);
});

test.each([12, 13])("version %i finds a topic by its id alone", async (version) => {
  const answer = await ask(version, { topics: [{ name: null, topicId: orders }] });
  expect(answer.topics).toMatchObject([{ errorCode: 0, name: "orders", topicId: orders }]);
});

test.each([12, 13])(
  "version %i says of an unknown id just that, without a name",
  async (version) => {
    const topicId = "ZZZZZZZZZZZZZZZZZZZZZQ";
    const answer = await ask(version, { topics: [{ name: null, topicId }] });
    expect(answer.topics).toMatchObject([
      { errorCode: errorCodes.UNKNOWN_TOPIC_ID, name: null, topicId },
    ]);
  },
);

test("version 13 says at the top that a request is invalid", async () => {
  const answer = await ask(13, { topics: [{ name: null, topicId: zeroUuid }] });
  expect(answer.errorCode).toBe(errorCodes.INVALID_REQUEST);
});

test("a topic named twice is described once", async () => {
  const answer = await ask(12, { topics: [{ name: "orders" }, { name: "orders" }] });
  expect(names(answer)).toEqual(["orders"]);
});

test.each([8, 9, 10])(
  "version %i tells authorized operations only when asked to",
  async (version) => {
    const plain = await ask(version, { topics: asked("orders") });
    expect(plain.clusterAuthorizedOperations).toBe(operationsNotRequested);
    const told = await ask(version, {
      topics: asked("orders"),
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    });
    expect(told.clusterAuthorizedOperations).toBeGreaterThan(0);
    expect(told.topics[0]?.topicAuthorizedOperations).toBeGreaterThan(0);
  },
);

test("a name that differs from a topic's only in '.' and '_' is not created", async () => {
  await broker.createTopic("dotted.name");
  const answer = await ask(12, { topics: asked("dotted_name") });
  expect(answer.topics).toMatchObject([{ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }]);
});

test("a topic created elsewhere a moment ago is found: the metadata log is read to its head for it", async () => {
  const deaf = await startMemoryBroker({ hearsOfAppends: false });
  const elsewhere = await openReplicaElsewhere(deaf.world, deaf.clock);
  await elsewhere.submit((image, context) =>
    createTopic(
      image,
      { clusterId: deaf.clusterId, topic: { name: "over-http", partitionCount: 1 } },
      context,
    ),
  );
  expect(deaf.image.topicNames.get(deaf.clusterId)?.byName.has("over-http")).not.toBe(true);
  const body = { topics: asked("over-http"), allowAutoTopicCreation: false };
  const answer = await ask(12, body, deaf);
  expect(answer.topics).toMatchObject([
    { errorCode: 0, partitions: [{ leaderId: deaf.broker.brokerId }] },
  ]);
  await elsewhere.close();
  await deaf.close();
});

test("where the cluster forbids it nothing is created on demand", async () => {
  const strict = await startMemoryBroker();
  await strict.metadata.submit((image, context) =>
    createCluster(
      image,
      { name: "strict", defaults: { "auto.create.topics.enable": "false" } },
      context,
    ),
  );
  const cluster = strict.image.clustersByName.get("strict");
  const client = await strict.connect({ clusterId: cluster?.clusterId ?? "" });
  const answer = await client.call(metadataRequest, metadataResponse, 9, {
    topics: asked("absent"),
  });
  expect(answer.topics).toMatchObject([{ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }]);
  await client.close();
  await strict.close();
});

test("tenants see neither each other's topics nor the cell's own", async () => {
  const made = await broker.metadata.submit((image, context) =>
    createCluster(image, { name: "neighbour" }, context),
  );
  if (made.kind === "rejected") throw new Error(made.message);
  const { clusterId, portOffset } = made.result;
  const secret = await broker.metadata.submit((image, context) =>
    createTopic(image, { clusterId, topic: { name: "secret" } }, context),
  );
  if (secret.kind === "rejected") throw new Error(secret.message);
  const { topicId } = secret.result;

  const byName = await ask(12, { topics: asked("secret"), allowAutoTopicCreation: false });
  expect(byName.topics).toMatchObject([{ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }]);
  const byId = await ask(12, { topics: [{ name: null, topicId }] });
  expect(byId.topics).toMatchObject([{ errorCode: errorCodes.UNKNOWN_TOPIC_ID, name: null }]);
  const all = await ask(12, { topics: null });
  expect(names(all)).not.toContain("secret");
  const internal = await ask(12, { topics: asked("__consumer_offsets") });
  expect(internal.topics).toMatchObject([{ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }]);

  const theirs = await broker.connect({ clusterId });
  const answer = await theirs.call(metadataRequest, metadataResponse, 12, { topics: null });
  expect(names(answer)).toEqual(["secret"]);
  expect(answer.clusterId).toBe(clusterId);
  expect(answer.brokers[0]?.port).toBe(9092 + portOffset);
  await theirs.close();
});
