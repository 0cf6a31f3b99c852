import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createNodeClock } from "../../../adapters/node/clock.ts";
import { createNodeNetwork } from "../../../adapters/node/network.ts";
import { apiVersions } from "../../../broker/handlers/api-versions.ts";
import {
  createServerResources,
  type KafkaServer,
  type ServerResources,
  startServer,
} from "../../../broker/server/server.ts";
import { apiTable } from "../../../protocol/api-table.ts";
import {
  apiVersionsRequest,
  apiVersionsResponse,
} from "../../../protocol/messages/api-versions.ts";
import { fetchRequest } from "../../../protocol/messages/fetch.ts";
import { heartbeatRequest, heartbeatResponse } from "../../../protocol/messages/heartbeat.ts";
import { syncGroupRequest, syncGroupResponse } from "../../../protocol/messages/sync-group.ts";
import { createHandlerBench, recordingLog, testRange } from "../../support/handler-bench.ts";
import { createDice, nonsense } from "../../support/nonsense.ts";
import { connectRawClient, type RawClient } from "../../support/raw-client.ts";

const mib = 1024 * 1024;
const network = createNodeNetwork();
const bench = createHandlerBench();
const log = recordingLog();
let server: KafkaServer;
let resources: ServerResources;

beforeAll(async () => {
  resources = createServerResources();
  server = await startServer({
    network,
    clock: createNodeClock(),
    log,
    address: { host: "127.0.0.1", port: 0 },
    clusterId: "cluster-a",
    apis: [...bench.apis, apiVersions(bench.apis)],
    services: { brokerId: 1 },
    resources,
  });
});

afterAll(() => server.close());

function connect(): Promise<RawClient> {
  return connectRawClient(network, server.address);
}

function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function sync(assignment: Uint8Array) {
  return {
    groupId: "g",
    generationId: 1,
    memberId: "m",
    assignments: [{ memberId: "m", assignment }],
  };
}

const heartbeat = { groupId: "now", generationId: 3, memberId: "m" };
const fetch = { maxWaitMs: 0, minBytes: 0, topics: [] };

async function expectServing(): Promise<void> {
  const client = await connect();
  const software = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
  expect((await client.call(apiVersionsRequest, apiVersionsResponse, 5, software)).errorCode).toBe(
    0,
  );
  expect((await client.call(heartbeatRequest, heartbeatResponse, 4, heartbeat)).errorCode).toBe(3);
  await client.close();
}

test("a frame of 50 MiB arrives and goes back intact", async () => {
  const client = await connect();
  const sent = randomBytes(50 * mib);
  const response = await client.call(syncGroupRequest, syncGroupResponse, 5, sync(sent));
  const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  expect(hash(response.assignment)).toBe(hash(sent));
  await client.close();
  expect(resources.pool.lentBytes).toBe(0);
});

test("pipelined requests over many connections are each answered in order", async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, connect));
  await Promise.all(
    clients.map(async (client, clientIndex) => {
      for (let id = 0; id < 200; id++) {
        if (id % 3 === 0)
          client.send(syncGroupRequest, 5, sync(new Uint8Array(id * clientIndex).fill(id)));
        else client.send(heartbeatRequest, 4, heartbeat);
      }
      for (let id = 0; id < 200; id++) {
        const frame = Buffer.from((await client.nextFrame()) ?? []);
        expect(frame.readInt32BE()).toBe(id);
        if (id % 3 === 0 && clientIndex > 0)
          expect(frame.includes(Buffer.alloc(id * clientIndex, id))).toBe(true);
      }
      await client.close();
    }),
  );
});

test("a reader that stops does not grow memory, and reads on intact", async () => {
  const contents = randomBytes(mib);
  const made: ReturnType<typeof testRange>[] = [];
  bench.ranges = () => {
    made.push(testRange(contents));
    return made.slice(-1).map(({ range }) => range);
  };
  const client = await connect();
  client.pause();
  const before = process.memoryUsage();
  // 100 responses of 1 MiB each.
  for (let index = 0; index < 100; index++) client.send(fetchRequest, 12, fetch);
  await pauseMs(300);
  const after = process.memoryUsage();
  const pinned = made.reduce((sum, { state }) => sum + state.pinnedBytes, 0);
  expect(made.length).toBeLessThanOrEqual(resources.limits.maxRequestsInFlight + 10);
  expect(pinned).toBeLessThanOrEqual(resources.limits.writeBytes);
  const heldBefore = before.arrayBuffers + before.heapUsed;
  expect(after.arrayBuffers + after.heapUsed - heldBefore).toBeLessThan(40 * mib);
  client.resume();
  for (let index = 0; index < 100; index++) {
    const frame = await client.nextFrame();
    expect(Buffer.from(frame ?? []).includes(contents)).toBe(true);
  }
  await client.close();
  await pauseMs(20);
  for (const { state } of made) expect(state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
});

test("a reader that stops for good is closed when the log needs its memory, and the log gets it back", async () => {
  const made = testRange(randomBytes(20 * mib));
  bench.ranges = () => [made.range];
  const client = await connect();
  client.pause();
  client.send(fetchRequest, 12, fetch);
  await pauseMs(200);
  expect(made.state.pinnedBytes).toBeGreaterThan(0);
  made.giveUps.at(-1)?.();
  await pauseMs(50);
  expect(made.state).toMatchObject({ pinnedBytes: 0, releaseCount: 1 });
  await client.close();
});

test("frames that are random, cut, or mutated leave the port serving and the memory flat", async () => {
  await expectServing();
  const dice = createDice(20_261_121);
  const served = apiTable.filter(
    ({ key }) => key === 18 || bench.apis.some((api) => api.key === key),
  );
  const before = process.memoryUsage.rss();
  for (let round = 0; round < 300; round++) {
    const client = await connect();
    client.sendBytes(nonsense(dice, served));
    // Some are closed by the server, the others leave in the middle of something.
    if (round % 10 === 0) await Promise.race([client.closed, pauseMs(20)]);
    else await Promise.race([client.closed, pauseMs(1)]);
    await client.close();
  }
  await expectServing();
  await pauseMs(50);
  expect(server.statistics.connectionCount).toBe(0);
  expect(resources.pool.lentBytes).toBe(0);
  expect(process.memoryUsage.rss() - before).toBeLessThan(150 * mib);
  expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
});

test("connections are counted until they are gone", async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, connect));
  await Promise.all(
    clients.map((client) => client.call(heartbeatRequest, heartbeatResponse, 4, heartbeat)),
  );
  expect(server.statistics.connectionCount).toBe(50);
  await Promise.all(clients.map((client) => client.close()));
  await pauseMs(50);
  expect(server.statistics.connectionCount).toBe(0);
});

test("a server that closes lets a request in flight be answered, over real sockets", async () => {
  const other = await startServer({
    network,
    clock: createNodeClock(),
    log,
    address: { host: "127.0.0.1", port: 0 },
    clusterId: "cluster-b",
    apis: bench.apis,
    services: null,
  });
  const client = await connectRawClient(network, other.address);
  client.send(heartbeatRequest, 4, { ...heartbeat, groupId: "wait" });
  while (bench.waiting.length === 0) await pauseMs(1);
  const closed = other.close();
  bench.waiting.pop()?.answer();
  expect(await client.nextFrame()).not.toBeNull();
  await client.closed;
  await closed;
});

test("a port that is taken is refused with a reason", async () => {
  const options = {
    network,
    clock: createNodeClock(),
    log,
    clusterId: "c",
    apis: [],
    services: null,
  };
  await expect(startServer({ ...options, address: server.address })).rejects.toMatchObject({
    code: "inUse",
  });
});
