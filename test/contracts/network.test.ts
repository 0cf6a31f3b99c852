import { describe, expect, test } from "vitest";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryNetwork } from "../../adapters/memory/network.ts";
import { createSeededRandom } from "../../adapters/memory/random.ts";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import type { Connection } from "../../ports/network.ts";
import { networkContract } from "./network.ts";

networkContract("sockets read into the reader's memory", () => createNodeNetwork());
networkContract("sockets read by chunks", () => createNodeNetwork({ readsIntoBuffers: false }));
networkContract("in memory", () => createMemoryNetwork());

describe("a socket", () => {
  test("that the peer resets closes with that", async () => {
    const { connect } = await import("node:net");
    const network = createNodeNetwork();
    const { promise, resolve } = Promise.withResolvers<Connection>();
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, resolve);
    const socket = connect(listener.address.port, "127.0.0.1");
    const server = await promise;
    const closed = new Promise((done) => {
      server.start({ buffer: () => new Uint8Array(16), received: () => undefined, closed: done });
    });
    socket.resetAndDestroy();
    expect(await closed).toMatchObject({ name: "NetworkError", code: "reset" });
    await listener.close();
  });
});

type Heard = { text: string; closed: unknown };

function listen(connection: Connection): Heard {
  const heard: Heard = { text: "", closed: undefined };
  let buffer = new Uint8Array(0);
  connection.start({
    buffer: () => (buffer = new Uint8Array(16)),
    received: (count) => void (heard.text += Buffer.from(buffer.subarray(0, count)).toString()),
    closed: (error) => void (heard.closed = error),
  });
  return heard;
}

describe("a network in memory", () => {
  test("keeps bytes in order under random delays", async () => {
    const clock = createManualClock();
    const random = createSeededRandom(5);
    const network = createMemoryNetwork({ clock, delayMs: () => 60 + random.float() * 60 });
    const accepted: Connection[] = [];
    const listener = await network.listen({ host: "b", port: 1 }, (one) => accepted.push(one));
    const dialing = network.dial(listener.address, { timeoutMs: 1000 });
    await clock.advance(300);
    const client = await dialing;
    const heard = accepted.map(listen);
    for (const letter of "abcdefghijklmnop") {
      client.write([Buffer.from(letter)], () => undefined);
      await clock.advance(2);
    }
    expect(heard[0]?.text.length).toBeLessThan(16);
    await clock.advance(200);
    expect(heard[0]?.text).toBe("abcdefghijklmnop");
    client.destroy();
    await clock.advance(200);
    expect(heard[0]?.closed).toBeNull();
  });

  test("holds what is cut off until it heals, and lets dials run out of time", async () => {
    const clock = createManualClock();
    let isCut = false;
    const network = createMemoryNetwork({ clock, isCut: () => isCut });
    const accepted: Connection[] = [];
    const listener = await network.listen({ host: "b", port: 1 }, (one) => accepted.push(one));
    const client = await network.dial(listener.address, { timeoutMs: 1000 });
    const heard = accepted.map(listen);
    isCut = true;
    client.write([Buffer.from("later")], () => undefined);
    const dialing = network.dial(listener.address, { timeoutMs: 1000 });
    const outcome = dialing.catch((error: unknown) => error);
    await clock.advance(1000);
    expect(await outcome).toMatchObject({ name: "NetworkError", code: "timedOut" });
    expect(heard[0]?.text).toBe("");
    isCut = false;
    network.recheck();
    await clock.advance(1);
    expect(heard[0]?.text).toBe("later");
  });

  test("resets the connections it is told to", async () => {
    const clock = createManualClock();
    const network = createMemoryNetwork({ clock });
    const accepted: Connection[] = [];
    const listener = await network.listen({ host: "b", port: 1 }, (one) => accepted.push(one));
    const client = await network.dial(listener.address, { timeoutMs: 1000 });
    const heard = [client, ...accepted].map(listen);
    network.reset((local) => local.port === 1);
    await clock.advance(1);
    expect(heard).toMatchObject([{ closed: { code: "reset" } }, { closed: { code: "reset" } }]);
  });
});
