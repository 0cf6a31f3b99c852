import { afterEach, describe, expect, test } from "vitest";
import { createManualClock } from "../../../../adapters/memory/clock.ts";
import { createMemoryNetwork } from "../../../../adapters/memory/network.ts";
import type { KafkaApi } from "../../../../broker/handlers/kafka-api.ts";
import { createServerResources, startServer } from "../../../../broker/server/server.ts";
import { heartbeatRequest, heartbeatResponse } from "../../../../protocol/messages/heartbeat.ts";
import { metadataRequest } from "../../../../protocol/messages/metadata.ts";
import { produceRequest, produceResponse } from "../../../../protocol/messages/produce.ts";
import { saslAuthenticateRequest } from "../../../../protocol/messages/sasl-authenticate.ts";
import { syncGroupRequest } from "../../../../protocol/messages/sync-group.ts";
import { createHandlerBench, recordingLog } from "../../../support/handler-bench.ts";
import { connectRawClient } from "../../../support/raw-client.ts";
import {
  clearStages,
  correlationIds,
  frameOf,
  heartbeat,
  patterned,
  setStage,
  settle,
  syncOf,
} from "./server-stage.ts";

afterEach(clearStages);

describe("order", () => {
  test("responses leave in the order of the requests, whatever order handlers finish in", async () => {
    const { bench, connect } = await setStage();
    const client = await connect();
    for (let id = 0; id < 4; id++) client.send(heartbeatRequest, 4, heartbeat(id, "wait"));
    await settle();
    expect(bench.started).toEqual(["heartbeat 0", "heartbeat 1", "heartbeat 2", "heartbeat 3"]);
    for (const index of [3, 1, 2]) bench.waiting[index]?.answer();
    await settle();
    expect(client.receivedBytes).toBe(0);
    bench.waiting[0]?.answer();
    expect(await correlationIds(client, 4)).toEqual([0, 1, 2, 3]);
  });

  test("a request that runs alone waits for those before it and holds up those behind it", async () => {
    const { bench, connect } = await setStage();
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    client.send(saslAuthenticateRequest, 2, { authBytes: Uint8Array.of(1) });
    client.send(heartbeatRequest, 4, heartbeat(2));
    await settle();
    expect(bench.started).toEqual(["heartbeat 1"]);
    bench.waiting[0]?.answer();
    expect(await correlationIds(client, 3)).toEqual([0, 1, 2]);
    expect(bench.started).toEqual(["heartbeat 1", "authenticate", "authenticated", "heartbeat 2"]);
  });

  test("no more requests are in flight than the limit, and all are answered in the end", async () => {
    const { bench, connect } = await setStage({ maxRequestsInFlight: 3 });
    const client = await connect();
    for (let id = 0; id < 10; id++) client.send(heartbeatRequest, 4, heartbeat(id, "wait"));
    await settle();
    expect(bench.waiting).toHaveLength(3);
    for (let id = 0; id < 10; id++) {
      bench.waiting[id]?.answer();
      await settle(5);
      expect(bench.waiting.length).toBe(Math.min(10, id + 4));
    }
    expect(await correlationIds(client, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("frames", () => {
  test("a frame that arrives byte by byte is one request", async () => {
    const { connect } = await setStage();
    const client = await connect();
    for (const byte of frameOf(7)) {
      client.sendBytes(Uint8Array.of(byte));
      await settle(1);
    }
    expect(await correlationIds(client, 1)).toEqual([7]);
  });

  test("a thousand frames in one piece are a thousand requests", async () => {
    const { connect } = await setStage();
    const client = await connect();
    const ids = Array.from({ length: 1000 }, (_, index) => index);
    client.sendBytes(Buffer.concat(ids.map((id) => frameOf(id))));
    expect(await correlationIds(client, 1000)).toEqual(ids);
  });

  test.each([1, 1000, 16_383, 65_536, 65_537, 300_000])(
    "an assignment of %i bytes comes back as it was sent, though its frame is lent to others by then",
    async (length) => {
      const { connect } = await setStage();
      const client = await connect();
      const sent = patterned(length);
      client.send(syncGroupRequest, 5, syncOf(sent));
      client.send(syncGroupRequest, 5, syncOf(new Uint8Array(length)));
      const frame = await client.nextFrame();
      expect(Buffer.from(frame ?? []).includes(Buffer.from(sent))).toBe(true);
    },
  );

  test.each([
    ["negative", [0xff, 0xff, 0xff, 0xff], "a frame of negative size -1"],
    ["too large", [0x06, 0x40, 0x00, 0x01], "a frame of 104857601 bytes"],
    ["HTTP", [...Buffer.from("GET / HTTP/1.1")], "an HTTP request: this port speaks Kafka"],
    ["TLS", [0x16, 0x03, 0x01, 0x02, 0x00], "a TLS handshake: this listener speaks plain Kafka"],
    ["empty", [0, 0, 0, 0], ""],
    ["shorter than a header", [0, 0, 0, 3, 0, 18, 0], ""],
  ])(
    "a frame size that is %s closes the connection with a line at debug",
    async (_, bytes, said) => {
      const { connect, log, server } = await setStage();
      const client = await connect();
      client.sendBytes(Uint8Array.from(bytes));
      await client.closed;
      await settle();
      expect(server.statistics.closedCounts.get("badRequest")).toBe(1);
      expect(log.lines.filter(({ level }) => level !== "debug")).toEqual([]);
      expect(log.lines.at(-1)?.message).toContain(said);
    },
  );

  test("bytes that are no request close the connection, after what came before is answered", async () => {
    const { bench, connect } = await setStage();
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    // A heartbeat whose group id is said to be longer than the frame.
    client.sendBytes(Uint8Array.from([0, 0, 0, 12, 0, 12, 0, 0, 0, 0, 0, 9, 0, 0, 0x7f, 0xff]));
    await settle();
    expect(client.isClosed).toBe(false);
    bench.waiting[0]?.answer();
    expect(await correlationIds(client, 1)).toEqual([0]);
    await client.closed;
  });

  test("frames beyond the budget wait with their socket paused, and go on as others are done", async () => {
    const { bench, resources, connect } = await setStage({ frameBudgetBytes: 1024 * 1024 });
    let release: () => void = () => undefined;
    bench.syncing = new Promise((resolve) => {
      release = resolve;
    });
    const clients = await Promise.all([1, 2, 3, 4].map(() => connect()));
    const sent = patterned(400_000);
    for (const client of clients) client.send(syncGroupRequest, 5, syncOf(sent));
    await settle(50);
    // Three quarters of the budget are for large frames, and each costs 512 KiB.
    expect(resources.pool.lentBytes).toBe(512 * 1024);
    expect(resources.pool.waitingCount).toBe(3);
    const small = await connect();
    small.send(heartbeatRequest, 4, heartbeat(5));
    expect(await correlationIds(small, 1)).toEqual([0]);
    release();
    for (const client of clients) {
      const frame = await client.nextFrame();
      expect(Buffer.from(frame ?? []).includes(Buffer.from(sent))).toBe(true);
    }
    expect(resources.pool.lentBytes).toBe(0);
  });

  test("a frame larger than the whole budget is admitted alone", async () => {
    const { connect } = await setStage({ frameBudgetBytes: 256 * 1024 });
    const client = await connect();
    const sent = patterned(1_000_000);
    client.send(syncGroupRequest, 5, syncOf(sent));
    const frame = await client.nextFrame();
    expect(Buffer.from(frame ?? []).includes(Buffer.from(sent))).toBe(true);
  });

  test("a handler that waits without byte fields holds no frame", async () => {
    const { bench, resources, connect } = await setStage();
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    await settle();
    expect(bench.waiting).toHaveLength(1);
    expect(resources.pool.lentBytes).toBe(0);
  });

  test("a connection that is lost in the middle of a frame, or in line for one, gives its memory back", async () => {
    const { resources, connect, network } = await setStage({ frameBudgetBytes: 1024 * 1024 });
    const [first, second] = await Promise.all([connect(), connect()]);
    first.sendBytes(Uint8Array.from([0, 8, 0, 0, 1, 2, 3]));
    await settle();
    second.sendBytes(Uint8Array.from([0, 8, 0, 0, 1, 2, 3]));
    await settle();
    expect(resources.pool.waitingCount).toBe(1);
    network.reset((local, remote) =>
      [local.port, remote.port].includes(second.connection.local.port),
    );
    await settle();
    expect(resources.pool.waitingCount).toBe(0);
    await first.close();
    await settle();
    expect(resources.pool.lentBytes).toBe(0);
  });
});

describe("requests that are not served", () => {
  test("an API that is not in the table closes the connection and is said aloud once", async () => {
    const { connect, log, server } = await setStage();
    for (let time = 0; time < 3; time++) {
      const client = await connect();
      client.send(metadataRequest, 12, { topics: [] });
      await client.closed;
    }
    await settle();
    const warnings = log.lines.filter(({ level }) => level === "warn");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.fields).toMatchObject({
      clientId: "raw-client",
      api: "Metadata",
      key: 3,
      version: 12,
    });
    expect(server.statistics.closedCounts.get("unsupportedVersion")).toBe(3);
  });

  test("a version that is advertised but not served is refused in its own form", async () => {
    const { connect } = await setStage();
    const client = await connect();
    const response = await client.call(produceRequest, produceResponse, 2, {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: "t", partitionData: [{ index: 3, records: null }] }],
    });
    expect(response.responses[0]?.partitionResponses[0]).toMatchObject({ index: 3, errorCode: 35 });
  });

  test("where such a version has no way to say it, the connection is closed", async () => {
    const { connect } = await setStage();
    const client = await connect();
    client.send(produceRequest, 2, { acks: 0, timeoutMs: 1, topicData: [] });
    await client.closed;
  });
});

describe("handlers", () => {
  test.each(["throw", "reject", "unshapeable"])(
    "one that fails (%s) is answered with UNKNOWN_SERVER_ERROR, logged, and harms nobody",
    async (groupId) => {
      const { connect, log, server } = await setStage();
      const client = await connect();
      const failed = await client.call(
        heartbeatRequest,
        heartbeatResponse,
        4,
        heartbeat(1, groupId),
      );
      expect(failed.errorCode).toBe(-1);
      const next = await client.call(heartbeatRequest, heartbeatResponse, 4, heartbeat(2));
      expect(next.errorCode).toBe(2);
      expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
      expect(server.statistics.apis.get(12)?.failureCount).toBe(1);
    },
  );

  test("acks=0 gets no response, and what follows is answered", async () => {
    const { connect } = await setStage();
    const client = await connect();
    client.send(produceRequest, 9, {
      acks: 0,
      timeoutMs: 1,
      topicData: [{ name: "t", partitionData: [] }],
    });
    client.send(heartbeatRequest, 4, heartbeat(2));
    expect(await correlationIds(client, 1)).toEqual([1]);
  });

  test("one that closes the connection leaves earlier responses their turn, and later requests none", async () => {
    const { bench, connect, server } = await setStage();
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    client.send(produceRequest, 9, { acks: 0, timeoutMs: 1, topicData: [] });
    client.send(heartbeatRequest, 4, heartbeat(2));
    await settle();
    bench.waiting[0]?.answer();
    expect(await correlationIds(client, 2)).toEqual([0]);
    await settle();
    expect(server.statistics.closedCounts.get("handler")).toBe(1);
  });

  test("one learns that its client is gone, and its answer goes nowhere", async () => {
    const { bench, connect, server, resources } = await setStage();
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    await settle();
    const connection = bench.waiting[0]?.context.connection;
    let goneCount = 0;
    connection?.onDisconnect(() => {
      throw new Error("a bug");
    });
    connection?.onDisconnect(() => goneCount++);
    const cancel = connection?.onDisconnect(() => (goneCount += 100));
    cancel?.();
    await client.close();
    await settle();
    expect(goneCount).toBe(1);
    bench.waiting[0]?.answer();
    await settle();
    connection?.onDisconnect(() => goneCount++);
    expect(goneCount).toBe(2);
    expect(server.statistics.connectionCount).toBe(0);
    expect(resources.pool.lentBytes).toBe(0);
  });

  test("one sees who asks", async () => {
    const { bench, connect } = await setStage();
    const client = await connect();
    await client.call(heartbeatRequest, heartbeatResponse, 3, heartbeat(1));
    expect(bench.contexts[0]).toMatchObject({
      clusterId: "cluster-a",
      listener: "cluster-a",
      apiVersion: 3,
      correlationId: 0,
      clientId: "raw-client",
      remote: { host: "127.0.0.1" },
    });
  });

  test("a throttled client gets its response at once and is not listened to for that time", async () => {
    const { bench, clock, connect } = await setStage();
    const client = await connect();
    bench.throttleMs = 5_000;
    client.send(heartbeatRequest, 4, heartbeat(1));
    client.send(heartbeatRequest, 4, heartbeat(2));
    expect(await correlationIds(client, 1)).toEqual([0]);
    bench.throttleMs = 0;
    await clock.advance(4_000);
    await settle();
    expect(bench.started).toEqual(["heartbeat 1"]);
    await clock.advance(1_001);
    expect(await correlationIds(client, 1)).toEqual([1]);
  });
});

describe("connections", () => {
  test("an idle one is closed, one with a request in progress is not", async () => {
    const { bench, clock, connect, server } = await setStage({ maxIdleMs: 600_000 });
    const [idle, busy] = await Promise.all([connect(), connect()]);
    busy.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    await settle();
    await clock.advance(590_000);
    await settle();
    expect(idle.isClosed).toBe(false);
    await clock.advance(120_000);
    await settle();
    expect(idle.isClosed).toBe(true);
    expect(busy.isClosed).toBe(false);
    bench.waiting[0]?.answer();
    expect(await correlationIds(busy, 1)).toEqual([0]);
    expect(server.statistics.closedCounts.get("idle")).toBe(1);
  });

  test("one that is used now and then stays", async () => {
    const { clock, connect } = await setStage({ maxIdleMs: 600_000 });
    const client = await connect();
    for (let round = 0; round < 5; round++) {
      await clock.advance(500_000);
      await client.call(heartbeatRequest, heartbeatResponse, 4, heartbeat(round));
    }
    expect(client.isClosed).toBe(false);
  });

  test("one that stops in the middle of a frame is closed much sooner", async () => {
    const { clock, connect, server } = await setStage({ maxFrameStallMs: 60_000 });
    const client = await connect();
    client.sendBytes(frameOf(1).subarray(0, 10));
    await settle();
    await clock.advance(90_000);
    await settle();
    expect(client.isClosed).toBe(true);
    expect(server.statistics.closedCounts.get("stalled")).toBe(1);
  });

  test("one that stops in the middle of a frame is closed also while another of its requests waits", async () => {
    const { clock, connect, resources } = await setStage({ maxFrameStallMs: 60_000 });
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    client.sendBytes(frameOf(2).subarray(0, 10));
    await settle();
    await clock.advance(90_000);
    await settle();
    expect(client.isClosed).toBe(true);
    expect(resources.pool.lentBytes).toBe(0);
  });

  test("one whose frame waits because of us has its time to send the rest afterwards", async () => {
    const { bench, clock, connect } = await setStage({
      maxFrameStallMs: 60_000,
      maxRequestsInFlight: 1,
    });
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "now"));
    client.sendBytes(frameOf(2, "wait"));
    client.sendBytes(frameOf(3).subarray(0, 10));
    await settle();
    await clock.advance(300_000);
    bench.waiting[0]?.answer();
    await settle();
    await clock.advance(40_000);
    await settle();
    expect(client.isClosed).toBe(false);
    client.sendBytes(frameOf(3).subarray(10));
    expect(await correlationIds(client, 3)).toHaveLength(3);
  });

  test("one too many is refused, until another leaves", async () => {
    const { connect, log } = await setStage({ maxConnections: 2 });
    const [first] = await Promise.all([connect(), connect()]);
    const third = await connect();
    await third.closed;
    expect(log.lines.some(({ level }) => level === "warn")).toBe(true);
    await first?.close();
    await settle();
    const fourth = await connect();
    await fourth.call(heartbeatRequest, heartbeatResponse, 4, heartbeat(1));
  });

  test("closing the server answers what is in flight, takes no new requests, and then closes", async () => {
    const { bench, connect, server } = await setStage();
    const [busy, idle] = await Promise.all([connect(), connect()]);
    busy.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    await settle();
    const closed = server.close({ graceMs: 10_000 });
    await idle.closed;
    busy.send(heartbeatRequest, 4, heartbeat(2));
    await settle();
    expect(bench.started).toEqual(["heartbeat 1"]);
    bench.waiting[0]?.answer();
    expect(await correlationIds(busy, 2)).toEqual([0]);
    await closed;
    await expect(connect()).rejects.toThrow("nobody listens");
  });

  test("closing the server waits no longer than it is told to", async () => {
    const { clock, connect, server } = await setStage();
    const client = await connect();
    client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
    await settle();
    const closed = server.close({ graceMs: 1_000 });
    await settle();
    expect(client.isClosed).toBe(false);
    await clock.advance(1_000);
    await closed;
    expect(server.statistics.connectionCount).toBe(0);
  });
});

test("the server counts requests, bytes and latency by API", async () => {
  const { bench, clock, connect, server } = await setStage();
  const client = await connect();
  client.send(heartbeatRequest, 4, heartbeat(1, "wait"));
  await settle();
  await clock.advance(30);
  bench.waiting[0]?.answer();
  const frame = await client.nextFrame();
  const counts = server.statistics.apis.get(12);
  expect(counts).toMatchObject({
    name: "Heartbeat",
    requestCount: 1,
    responseBytes: (frame?.byteLength ?? 0) + 4,
    latencySumMs: 30,
  });
  // 25 ms < 30 ms <= 50 ms.
  expect(counts?.latencyCounts.indexOf(1)).toBe(7);
});

test("several listeners share one memory and one count", async () => {
  const network = createMemoryNetwork();
  const clock = createManualClock();
  const resources = createServerResources({ maxConnections: 1 });
  const apis: readonly KafkaApi<unknown>[] = createHandlerBench().apis;
  const start = (clusterId: string) =>
    startServer({
      network,
      clock,
      log: recordingLog(),
      address: { host: "127.0.0.1", port: 0 },
      clusterId,
      apis,
      services: null,
      resources,
    });
  const [one, two] = await Promise.all([start("one"), start("two")]);
  const first = await connectRawClient(network, one.address);
  const second = await connectRawClient(network, two.address);
  await second.closed;
  expect(first.isClosed).toBe(false);
  await Promise.all([one.close(), two.close()]);
});
