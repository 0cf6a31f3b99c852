import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryNetwork } from "../../../adapters/memory/network.ts";
import { listenEarly } from "../../../broker/early-listener.ts";
import { createCluster, deleteCluster } from "../../../metadata/commands/cluster-commands.ts";
import { errorCodes } from "../../../protocol/errors.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "../../../protocol/messages/find-coordinator.ts";
import { joinGroupRequest, joinGroupResponse } from "../../../protocol/messages/join-group.ts";
import { metadataRequest, metadataResponse } from "../../../protocol/messages/metadata.ts";
import type { Connection } from "../../../ports/network.ts";
import { fetchOne } from "../../support/kafka-calls.ts";
import type { MemoryBroker } from "../../support/memory-broker.ts";
import { startMemoryBroker, worldAfter } from "../../support/memory-broker.ts";
import type { RawClient } from "../../support/raw-client.ts";

let broker: MemoryBroker;

beforeEach(async () => {
  broker = await startMemoryBroker();
});
afterEach(() => broker.close());

async function makeCluster(name: string) {
  const made = await broker.metadata.submit((image, context) =>
    createCluster(image, { name }, context),
  );
  if (made.kind === "rejected") throw new Error(made.message);
  return made.result;
}

const ask = (client: RawClient) =>
  client.call(metadataRequest, metadataResponse, 12, { topics: [] });

test("a cluster made while the broker runs is reached at once, at its own port", async () => {
  const { clusterId, portOffset } = await makeCluster("second");
  await expect.poll(() => broker.broker.address(clusterId)).not.toBeNull();
  expect(broker.broker.address(clusterId)).toEqual({ host: "127.0.0.1", port: 9092 + portOffset });
  const client = await broker.connect({ clusterId });
  expect((await ask(client)).clusterId).toBe(clusterId);
  await client.close();
});

test("a restart listens for every cluster", async () => {
  const { clusterId } = await makeCluster("second");
  await broker.close();
  broker = await startMemoryBroker({ world: worldAfter(broker) });
  const client = await broker.connect({ clusterId });
  expect((await ask(client)).clusterId).toBe(clusterId);
  await client.close();
});

test("a deleted cluster's connections are closed, its port is free again", async () => {
  const { clusterId, portOffset } = await makeCluster("second");
  await expect.poll(() => broker.broker.address(clusterId)).not.toBeNull();
  const client = await broker.connect({ clusterId });
  await ask(client);
  await broker.metadata.submit((image, context) => deleteCluster(image, { clusterId }, context));
  await client.closed;
  expect(broker.broker.address(clusterId)).toBeNull();
  const address = { host: "127.0.0.1", port: 9092 + portOffset };
  const listener = await broker.network.listen(address, () => undefined);
  await listener.close();
});

test("a port that is taken concerns that cluster alone", async () => {
  const taken = await broker.network.listen({ host: "127.0.0.1", port: 9192 }, () => undefined);
  const { clusterId } = await makeCluster("second");
  const { clusterId: third } = await makeCluster("third");
  await expect.poll(() => broker.broker.address(third)).not.toBeNull();
  expect(broker.broker.address(clusterId)).toBeNull();
  const client = await broker.connect();
  expect((await ask(client)).clusterId).toBe(broker.clusterId);
  await client.close();
  await taken.close();
});

test("after a stop nobody listens, and a stop can be asked for twice", async () => {
  const client = await broker.connect();
  await Promise.all([broker.broker.close(), broker.broker.close()]);
  await client.closed;
  await expect(
    broker.network.dial({ host: "127.0.0.1", port: 9092 }, { timeoutMs: 100 }),
  ).rejects.toThrow();
});

test("a stop answers who waits for records", async () => {
  await broker.createTopic("quiet", { partitionCount: 1 });
  const client = await broker.connect();
  const answer = fetchOne(client, { topic: "quiet", offset: 0, maxWaitMs: 2 ** 31 - 1 });
  const partition = broker.services.topics.byName(broker.clusterId, "quiet")?.partitions[0];
  await expect.poll(() => partition?.watchers.size).toBe(1);
  await broker.broker.close();
  expect(await answer).toMatchObject({ errorCode: 0, highWatermark: 0 });
  await client.closed;
});

test("a stop answers who waits for the other members of a group", async () => {
  await broker.close();
  broker = await startMemoryBroker({ config: { groups: { initialRebalanceDelayMs: 600_000 } } });
  await broker.call(findCoordinatorRequest, findCoordinatorResponse, 3, { key: "g", keyType: 0 });
  const client = await broker.connect();
  const answer = client.call(joinGroupRequest, joinGroupResponse, 3, {
    groupId: "g",
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 600_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
  });
  await broker.clock.advance(1_000);
  await broker.broker.close();
  expect((await answer).errorCode).toBe(errorCodes.NOT_COORDINATOR);
  await client.closed;
});

test("a start that fails leaves neither lock nor port behind", async () => {
  await broker.close();
  const world = worldAfter(broker);
  world.disk.faults.failNext("writeFile", { path: "identity.json" });
  await expect(startMemoryBroker({ world })).rejects.toThrow();
  broker = await startMemoryBroker({ world });
  const client = await broker.connect();
  await ask(client);
  await client.close();
});

test("connections that come before there is a server wait for it", async () => {
  const network = createMemoryNetwork();
  const early = await listenEarly(network, { host: "127.0.0.1", port: 9 });
  await network.dial(early.address, { timeoutMs: 100 });
  const served: Connection[] = [];
  await early.network.listen(early.address, (connection) => void served.push(connection));
  await expect.poll(() => served.length).toBe(1);
  await network.dial(early.address, { timeoutMs: 100 });
  await expect.poll(() => served.length).toBe(2);
});

test("if no server comes, they are closed", async () => {
  const network = createMemoryNetwork();
  const early = await listenEarly(network, { host: "127.0.0.1", port: 9 });
  const connection = await network.dial(early.address, { timeoutMs: 100 });
  const closed = new Promise<void>((resolve) =>
    connection.start({
      buffer: () => new Uint8Array(1),
      received: () => undefined,
      closed: () => resolve(),
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  await early.close();
  await closed;
  await expect(network.dial(early.address, { timeoutMs: 100 })).rejects.toThrow();
});
