import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Connection, Network, NetworkError } from "../../ports/network.ts";

const here = { host: "127.0.0.1", port: 0 };
const dialOptions = { timeoutMs: 2_000 };

type Received = {
  bytes(): Buffer;
  readonly closed: Promise<NetworkError | null>;
  closedCount(): number;
  /** Settles once that many bytes are there. */
  has(count: number): Promise<void>;
};

/** Starts a connection with a reader that keeps everything. */
function collect(
  connection: Connection,
  { bufferBytes = 64 * 1024, onReceived = () => undefined as void } = {},
): Received {
  const parts: Buffer[] = [];
  let total = 0;
  let closedCount = 0;
  let wanted = { count: 0, resolve: (): void => undefined };
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<NetworkError | null>();
  let buffer = new Uint8Array(0);
  connection.start({
    buffer() {
      buffer = new Uint8Array(bufferBytes);
      return buffer;
    },
    received(count) {
      if (closedCount > 0) throw new Error("received after closed");
      parts.push(Buffer.from(buffer.buffer, 0, count));
      total += count;
      if (total >= wanted.count) wanted.resolve();
      onReceived();
    },
    closed(error) {
      closedCount++;
      resolveClosed(error);
    },
  });
  return {
    bytes: () => Buffer.concat(parts),
    closed,
    closedCount: () => closedCount,
    has(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = { count, resolve };
      if (total >= count) resolve();
      return promise;
    },
  };
}

/** Settles once the bytes may be overwritten. */
function taken(connection: Connection, chunks: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve) => {
    if (connection.write(chunks, resolve)) resolve();
  });
}

async function connected(network: Network): Promise<{
  client: Connection;
  server: Connection;
  port: number;
  close: () => Promise<void>;
}> {
  const { promise, resolve } = Promise.withResolvers<Connection>();
  const listener = await network.listen(here, resolve);
  const client = await network.dial(listener.address, dialOptions);
  const server = await promise;
  return {
    client,
    server,
    port: listener.address.port,
    async close() {
      client.destroy();
      server.destroy();
      await listener.close();
    },
  };
}

function patterned(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  for (let index = 0; index < length; index++)
    bytes[index] = (index * 31 + (index >> 8) + seed) & 0xff;
  return bytes;
}

/** What every Network does. */
export function networkContract(name: string, open: () => Network): void {
  describe(`a network: ${name}`, () => {
    test("bytes arrive in the order of writes and chunks, both ways", async () => {
      const { client, server, close } = await connected(open());
      const atServer = collect(server);
      const atClient = collect(client);
      const expected: number[] = [];
      for (let round = 0; round < 50; round++) {
        const chunks = [Uint8Array.of(round, 1), new Uint8Array(0), Uint8Array.of(round, 2)];
        await taken(client, chunks);
        expected.push(round, 1, round, 2);
      }
      await taken(server, [Buffer.from("and back")]);
      await Promise.all([atServer.has(expected.length), atClient.has(8)]);
      expect([...atServer.bytes()]).toEqual(expected);
      expect(atClient.bytes().toString()).toBe("and back");
      await close();
    });

    test("both sides know each other's address", async () => {
      const { client, server, port, close } = await connected(open());
      expect(client.remote.port).toBe(port);
      expect(server.local.port).toBe(port);
      expect(server.remote.port).toBe(client.local.port);
      await close();
    });

    test("bytes land in the reader's memory, asked for once for each read", async () => {
      const { client, server, close } = await connected(open());
      const calls: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      let given = new Uint8Array(0);
      let text = "";
      server.start({
        buffer() {
          calls.push("asked");
          given = new Uint8Array(3);
          return given;
        },
        received(count) {
          calls.push("received");
          text += Buffer.from(given.subarray(0, count)).toString();
          if (text.length === 10) resolve();
        },
        closed: () => undefined,
      });
      await taken(client, [Buffer.from("0123456789")]);
      await promise;
      expect(text).toBe("0123456789");
      const upToLast = calls.slice(0, calls.lastIndexOf("received") + 1);
      expect(upToLast).toEqual(
        upToLast.map((_, index) => (index % 2 === 0 ? "asked" : "received")),
      );
      await close();
    });

    test("nothing is read before start, and nothing is lost by that", async () => {
      const { client, server, close } = await connected(open());
      await taken(client, [Buffer.from("early")]);
      await sleep(20);
      const atServer = collect(server);
      await atServer.has(5);
      expect(atServer.bytes().toString()).toBe("early");
      await close();
    });

    test("one side may write before it starts reading", async () => {
      const { client, server, close } = await connected(open());
      await taken(server, [Buffer.from("hello")]);
      const atClient = collect(client);
      await atClient.has(5);
      const atServer = collect(server);
      await taken(client, [Buffer.from("x")]);
      await atServer.has(1);
      await close();
    });

    test("a paused reader receives nothing until it resumes, even in the middle of what has come", async () => {
      const { client, server, close } = await connected(open());
      let receivedCount = 0;
      const atServer = collect(server, {
        bufferBytes: 4,
        onReceived() {
          receivedCount++;
          server.pause();
        },
      });
      await taken(client, [Buffer.from("0123456789")]);
      for (const expected of ["0123", "01234567", "0123456789"]) {
        await atServer.has(expected.length);
        await sleep(10);
        expect(atServer.bytes().toString()).toBe(expected);
        server.resume();
      }
      expect(receivedCount).toBe(3);
      await close();
    });

    test("readers paused in the middle of what has come keep their bytes apart", async () => {
      const network = open();
      const pairs = await Promise.all([connected(network), connected(network)]);
      const collected = pairs.map(({ server }) => {
        server.pause();
        return collect(server, { bufferBytes: 4, onReceived: () => server.pause() });
      });
      const texts = ["0123456789ab", "ABCDEFGHIJKL"];
      for (const [index, { client }] of pairs.entries()) {
        await taken(client, [Buffer.from(texts[index] ?? "")]);
      }
      await sleep(10);
      for (const count of [4, 8, 12]) {
        for (const [index, { server }] of pairs.entries()) {
          server.resume();
          await collected[index]?.has(count);
        }
      }
      expect(collected.map((one) => one.bytes().toString())).toEqual(texts);
      for (const { close } of pairs) await close();
    });

    test("memory that a stalled peer has not taken is sent as it was, if overwritten only when taken", async () => {
      const { client, server, close } = await connected(open());
      const chunkBytes = 1024 * 1024;
      const ring = patterned(16 * chunkBytes, 3);
      const expected = Buffer.from(ring);
      server.pause();
      const atServer = collect(server);
      const chunks = Array.from({ length: 16 }, (_, index) =>
        ring.subarray(index * chunkBytes, (index + 1) * chunkBytes),
      );
      let isTaken = false;
      const done = new Promise<void>((resolve) => {
        const atOnce = client.write(chunks, () => {
          isTaken = true;
          // From here on the memory is the writer's again.
          ring.fill(0xee);
          resolve();
        });
        expect(atOnce).toBe(false);
      });
      await sleep(50);
      expect(isTaken).toBe(false);
      server.resume();
      await done;
      await atServer.has(expected.byteLength);
      expect(atServer.bytes().equals(expected)).toBe(true);
      await close();
    });

    test("a stalled peer holds the writer back: a bounded number of bytes is taken", async () => {
      const { client, server, close } = await connected(open());
      server.pause();
      collect(server);
      const chunk = new Uint8Array(1024 * 1024);
      let takenCount = 0;
      for (let round = 0; round < 64; round++) {
        if (client.write([chunk], () => takenCount++)) takenCount++;
      }
      await sleep(50);
      expect(takenCount).toBeLessThan(32);
      await close();
    });

    test("taken is called once for each write that was not taken at once, in order, and never for one that was", async () => {
      const { client, server, close } = await connected(open());
      server.pause();
      const atServer = collect(server);
      const calls: number[] = [];
      const late: number[] = [];
      const chunk = new Uint8Array(512 * 1024);
      for (let round = 0; round < 24; round++) {
        if (!client.write([chunk, chunk], () => calls.push(round))) late.push(round);
      }
      expect(late.length).toBeGreaterThan(0);
      server.resume();
      await atServer.has(24 * 1024 * 1024);
      await sleep(20);
      expect(calls).toEqual(late);
      await close();
    });

    test("end sends everything written before it and then closes both sides without an error", async () => {
      const { client, server, close } = await connected(open());
      const atServer = collect(server);
      const atClient = collect(client);
      const bytes = patterned(4 * 1024 * 1024, 9);
      client.write([bytes], () => undefined);
      client.end();
      expect(await atServer.closed).toBeNull();
      expect(await atClient.closed).toBeNull();
      expect(atServer.bytes().equals(Buffer.from(bytes))).toBe(true);
      await close();
    });

    test("the last words before end reach a peer that is still sending, and no reset does", async () => {
      const { client, server, close } = await connected(open());
      const flood = new Uint8Array(64 * 1024);
      client.pause();
      const atClient = collect(client);
      client.write([flood], () => undefined);
      let isAnswered = false;
      const atServer = collect(server, {
        bufferBytes: 1024,
        onReceived() {
          if (isAnswered) return;
          isAnswered = true;
          // More has come, and comes, than is ever received.
          client.write([flood], () => undefined);
          server.write([Buffer.from("no more of that")], () => undefined);
          server.end();
        },
      });
      await atServer.has(1024);
      for (let round = 0; round < 3; round++) {
        await sleep(10);
        client.write([flood], () => undefined);
      }
      client.resume();
      expect(await atClient.closed).toBeNull();
      expect(await atServer.closed).toBeNull();
      expect(atClient.bytes().toString()).toBe("no more of that");
      expect(atServer.bytes()).toHaveLength(1024);
      await close();
    });

    test("destroy closes at once, gives back the memory of unsent writes and closes the peer", async () => {
      const { client, server, close } = await connected(open());
      const atClient = collect(client);
      server.pause();
      const atServer = collect(server);
      const order: string[] = [];
      const atOnce = client.write([patterned(32 * 1024 * 1024, 1)], () => order.push("taken"));
      expect(atOnce).toBe(false);
      client.destroy();
      expect(await atClient.closed).toBeNull();
      order.push("closed");
      expect(order).toEqual(["taken", "closed"]);
      server.resume();
      await atServer.closed;
      expect(atServer.bytes().byteLength).toBeLessThan(32 * 1024 * 1024);
      await close();
    });

    test("after a close, writes are dropped, and closed is called exactly once", async () => {
      const { client, server, close } = await connected(open());
      const atClient = collect(client);
      const atServer = collect(server);
      client.destroy();
      client.destroy();
      client.end();
      await Promise.all([atClient.closed, atServer.closed]);
      const calls: string[] = [];
      expect(client.write([Uint8Array.of(1)], () => calls.push("taken"))).toBe(true);
      server.destroy();
      await sleep(20);
      expect(calls).toEqual([]);
      expect([atClient.closedCount(), atServer.closedCount()]).toEqual([1, 1]);
      await close();
    });

    test("a connection that is gone before it is started tells so when it is", async () => {
      const { client, server, close } = await connected(open());
      client.destroy();
      const atClient = collect(client);
      expect(atClient.closedCount()).toBe(0);
      await atClient.closed;
      const atServer = collect(server);
      await atServer.closed;
      await close();
    });

    test("a reader may close its connection from within received, and receives nothing more", async () => {
      const { client, server, close } = await connected(open());
      collect(client);
      let receivedCount = 0;
      const atServer = collect(server, {
        bufferBytes: 1,
        onReceived() {
          receivedCount++;
          server.destroy();
        },
      });
      await taken(client, [Buffer.from("many bytes")]);
      await atServer.closed;
      expect(receivedCount).toBe(1);
      await close();
    });

    test("dialing a port that nobody listens on is refused", async () => {
      const network = open();
      const listener = await network.listen(here, () => undefined);
      await listener.close();
      await expect(network.dial(listener.address, dialOptions)).rejects.toMatchObject({
        name: "NetworkError",
        code: "refused",
      });
    });

    test("listening on a taken port says so; a closed listener frees it while its connections live on", async () => {
      const network = open();
      const { promise, resolve } = Promise.withResolvers<Connection>();
      const first = await network.listen(here, resolve);
      await expect(network.listen(first.address, () => undefined)).rejects.toMatchObject({
        name: "NetworkError",
        code: "inUse",
      });
      const client = await network.dial(first.address, dialOptions);
      const server = await promise;
      await first.close();
      const second = await network.listen(first.address, () => undefined);
      expect(second.address.port).toBe(first.address.port);
      const atServer = collect(server);
      await taken(client, [Buffer.from("still here")]);
      await atServer.has(10);
      client.destroy();
      server.destroy();
      await second.close();
    });

    test("many connections at once keep their bytes apart", async () => {
      const network = open();
      const echoes: Connection[] = [];
      const shared = new Uint8Array(1024);
      const listener = await network.listen(here, (connection) => {
        echoes.push(connection);
        // All read into the same memory, which is written to only right before received.
        connection.start({
          buffer: () => shared,
          received: (count) => void connection.write([shared.slice(0, count)], () => undefined),
          closed: () => undefined,
        });
      });
      const clients = await Promise.all(
        Array.from({ length: 20 }, () => network.dial(listener.address, dialOptions)),
      );
      const collected = clients.map((client) => collect(client));
      clients.forEach((client, index) => {
        for (let round = 0; round < 20; round++) {
          client.write([new Uint8Array(700).fill(index + 1)], () => undefined);
        }
      });
      await Promise.all(collected.map((one) => one.has(14_000)));
      collected.forEach((one, index) => {
        expect(one.bytes().every((byte) => byte === index + 1)).toBe(true);
      });
      for (const connection of [...clients, ...echoes]) connection.destroy();
      await listener.close();
    });
  });
}
