import { afterEach, expect, test } from "vitest";
import { createMemoryNetwork } from "../../../../adapters/memory/network.ts";
import { createNodeClock } from "../../../../adapters/node/clock.ts";
import { createPeer, type Peer } from "../../../../broker/peers/peer.ts";
import type { Connection } from "../../../../ports/network.ts";
import {
  readRequestBody,
  readRequestHead,
  writeResponseFrame,
} from "../../../../protocol/api-frame.ts";
import {
  brokerHeartbeatRequest,
  brokerHeartbeatResponse,
} from "../../../../protocol/messages/broker-heartbeat.ts";
import { DecodeError } from "../../../../protocol/schema/decode-error.ts";

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close();
});

type Asked = { connection: Connection; correlationId: number; brokerId: number };

/** A broker at the other end: `onRequest` sees every heartbeat that arrives. */
async function otherBroker(onRequest: (asked: Asked) => void) {
  const network = createMemoryNetwork();
  const connections: Connection[] = [];
  const listener = await network.listen({ host: "127.0.0.1", port: 0 }, (connection) => {
    connections.push(connection);
    const memory = Buffer.alloc(4096);
    let filled = 0;
    connection.start({
      buffer: () => memory.subarray(filled),
      received(count) {
        filled += count;
        if (filled < 4 || filled < memory.readInt32BE(0) + 4) return;
        const frame = memory.subarray(4, filled);
        filled = 0;
        const head = readRequestHead(frame);
        if (head instanceof DecodeError) throw head;
        const body = readRequestBody(brokerHeartbeatRequest, head, frame);
        if (body instanceof DecodeError) throw body;
        const { correlationId } = head.header;
        onRequest({ connection, correlationId, brokerId: body.brokerId });
      },
      closed: () => undefined,
    });
  });
  opened.push(listener);
  return { network, address: listener.address, connections };
}

function send({ connection, correlationId }: Asked, errorCode: number, pieceBytes = 1_000): void {
  const { parts } = writeResponseFrame(brokerHeartbeatResponse, 1, correlationId, {
    throttleTimeMs: 0,
    errorCode,
    isCaughtUp: true,
    isFenced: false,
    shouldShutDown: false,
  });
  for (const part of parts as Uint8Array[]) {
    for (let at = 0; at < part.length; at += pieceBytes)
      connection.write([part.slice(at, at + pieceBytes)], () => undefined);
  }
}

function peerTo(
  { network, address }: Awaited<ReturnType<typeof otherBroker>>,
  onLost: () => void = () => undefined,
): Peer {
  const peer = createPeer({
    network,
    clock: createNodeClock(),
    address,
    clientId: "broker-1",
    maxFrameBytes: 1_000_000,
    onLost,
  });
  opened.push(peer);
  return peer;
}

const heartbeat = (brokerId: number, timeoutMs = 5_000) => ({
  request: brokerHeartbeatRequest,
  response: brokerHeartbeatResponse,
  version: 1,
  body: { brokerId, currentMetadataOffset: 0, wantFence: false, wantShutDown: false },
  timeoutMs,
});

test("asks one thing after the other over one connection", async () => {
  const other = await otherBroker((asked) => send(asked, asked.brokerId));
  const peer = peerTo(other);
  for (const id of [3, 1, 4, 1, 5]) expect((await peer.call(heartbeat(id))).errorCode).toBe(id);
  expect(other.connections).toHaveLength(1);
});

test("reads answers that come byte by byte", async () => {
  const other = await otherBroker((asked) => send(asked, asked.brokerId, 1));
  const peer = peerTo(other);
  for (const id of [7, 8]) expect((await peer.call(heartbeat(id))).errorCode).toBe(id);
});

test("an answer that does not come in time is an error, and the next call dials anew", async () => {
  let silent = true;
  const other = await otherBroker((asked) => {
    if (!silent) send(asked, 0);
  });
  const peer = peerTo(other);
  await expect(peer.call(heartbeat(1, 30))).rejects.toMatchObject({ code: "timedOut" });
  silent = false;
  expect((await peer.call(heartbeat(1))).errorCode).toBe(0);
  expect(other.connections).toHaveLength(2);
});

test("a connection lost under a call fails it; one lost in between is told", async () => {
  let lostCount = 0;
  let isRude = true;
  const other = await otherBroker((asked) => {
    if (isRude) asked.connection.destroy();
    else send(asked, 0);
  });
  let lost: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (lost = resolve));
  const peer = peerTo(other, () => {
    lostCount++;
    lost();
  });
  await expect(peer.call(heartbeat(1))).rejects.toMatchObject({ code: "lost" });
  expect(lostCount).toBe(0);
  isRude = false;
  await peer.call(heartbeat(1));
  other.connections.at(-1)?.destroy();
  await told;
  expect(lostCount).toBe(1);
  expect((await peer.call(heartbeat(1))).errorCode).toBe(0);
});

test("nobody listening is told from silence", async () => {
  const other = await otherBroker(() => undefined);
  const peer = createPeer({
    network: other.network,
    clock: createNodeClock(),
    address: { host: "127.0.0.1", port: other.address.port + 1 },
    clientId: "broker-1",
    maxFrameBytes: 1_000,
  });
  opened.push(peer);
  await expect(peer.call(heartbeat(1))).rejects.toMatchObject({ code: "refused" });
});

test("an answer to another question, or of absurd size, ends the connection", async () => {
  const other = await otherBroker((asked) => {
    if (asked.brokerId === 1) send({ ...asked, correlationId: asked.correlationId + 1 }, 0);
    else if (asked.brokerId === 2)
      asked.connection.write([Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3])], () => undefined);
    else send(asked, 0);
  });
  const peer = peerTo(other);
  await expect(peer.call(heartbeat(1))).rejects.toMatchObject({ code: "corrupt" });
  await expect(peer.call(heartbeat(2))).rejects.toMatchObject({ code: "corrupt" });
  expect((await peer.call(heartbeat(3))).errorCode).toBe(0);
});

test("closing gives up the call under way and refuses later ones", async () => {
  const other = await otherBroker(() => peer.close());
  const peer: Peer = peerTo(other);
  await expect(peer.call(heartbeat(1))).rejects.toMatchObject({ code: "lost" });
  await expect(peer.call(heartbeat(1))).rejects.toMatchObject({ code: "lost" });
});
