import { describe, expect, test } from "vitest";
import type { Connection, Network } from "../../../ports/network.ts";
import { SimHost } from "../machine/sim-host.ts";
import { SimProcess } from "../machine/sim-process.ts";
import type { FaultRates } from "../world/fault-table.ts";
import type { World } from "../world/world.ts";
import { createWorld } from "../world/world.ts";
import { SimNetwork } from "./sim-network.ts";

type End = { host: SimHost; process: SimProcess; port: Network };
type Room = { world: World; network: SimNetwork; client: End; server: End };

function room(faults: FaultRates = {}, seed = 1): Room {
  const world = createWorld({ seed, faults });
  const network = new SimNetwork(world);
  const end = (name: string, zone: string): End => {
    const host = new SimHost(world, { name, zone });
    network.addHost(host);
    const process = new SimProcess(world, host, `${name} process`);
    return { host, process, port: network.attach(process) };
  };
  return { world, network, client: end("client", "a"), server: end("server", "b") };
}

type Heard = { text: string; closed: string | null; atMs: number };

function listen(world: World, connection: Connection): Heard {
  const heard: Heard = { text: "", closed: null, atMs: -1 };
  let buffer = new Uint8Array(0);
  connection.start({
    buffer: () => (buffer = new Uint8Array(64)),
    received(count) {
      heard.text += Buffer.from(buffer.subarray(0, count)).toString();
      heard.atMs = world.nowMs;
    },
    closed(error) {
      heard.closed = error === null ? "in order" : error.code;
    },
  });
  return heard;
}

async function connected(place: Room) {
  const { world, client, server } = place;
  const accepted = Promise.withResolvers<Connection>();
  const listener = await server.port.listen({ host: "server", port: 9092 }, accepted.resolve);
  const dialling = client.port.dial(listener.address, { timeoutMs: 1_000 });
  const there = await world.settle(dialling);
  const here = await world.settle(accepted.promise);
  const atServer = listen(world, here);
  const atClient = listen(world, there);
  return { there, here, atServer, atClient, listener };
}

const send = (connection: Connection, text: string): boolean =>
  connection.write([Buffer.from(text)], () => undefined);

describe("a connection", () => {
  test("keeps its bytes in order, though segments are delayed, split and taken late", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const place = room(
        { "network.delay": 0.1, "network.split": 0.3, "network.lateTaken": 0.3 },
        seed,
      );
      const { there, atServer } = await connected(place);
      let expected = "";
      for (let count = 0; count < 100; count++) {
        const text = `${count},`;
        expected += text;
        place.world.schedule(count * 3, "task", () => send(there, text));
      }
      await place.world.run({ untilMs: 60_000 });
      expect(atServer.text).toBe(expected);
    }
  });

  test("sends what the memory holds when the kernel takes it: a writer that does not wait for that is found out", async () => {
    const place = room({ "network.lateTaken": 1 });
    const { there, atServer } = await connected(place);
    const bytes = Buffer.from("promised");
    expect(there.write([bytes], () => undefined)).toBe(false);
    bytes.write("changed!");
    await place.world.run({ untilMs: 1_000 });
    expect(atServer.text).toBe("changed!");
  });

  test("is closed in order when the other process is killed, and reset if that left bytes unread", async () => {
    const place = room();
    const { atClient } = await connected(place);
    place.server.process.kill();
    await place.world.run({ untilMs: 5_000 });
    expect(atClient.closed).toBe("in order");

    const rude = room();
    const { there, here, atClient: told } = await connected(rude);
    here.pause();
    send(there, "unread");
    await rude.world.run({ untilMs: rude.world.nowMs + 100 });
    rude.server.process.kill();
    await rude.world.run({ untilMs: 5_000 });
    expect(told.closed).toBe("reset");
  });

  test("hears nothing when the other host loses power: until TCP gives up, or the host is back and knows nothing", async () => {
    const gone = room();
    const { there, atClient } = await connected(gone);
    gone.server.host.crash();
    await gone.world.run({ untilMs: gone.world.nowMs + gone.network.giveUpMs * 2 });
    expect(atClient.closed).toBeNull();
    send(there, "anybody?");
    await gone.world.run({ untilMs: gone.world.nowMs + gone.network.giveUpMs - 100 });
    expect(atClient.closed).toBeNull();
    await gone.world.run({ untilMs: gone.world.nowMs + 200 });
    expect(atClient.closed).toBe("timedOut");

    const back = room();
    const { there: other, atClient: told } = await connected(back);
    back.server.host.crash();
    send(other, "anybody?");
    await back.world.run({ untilMs: back.world.nowMs + 1_000 });
    back.server.host.boot();
    await back.world.run({ untilMs: back.world.nowMs + 2_000 });
    expect(told.closed).toBe("reset");
  });

  test("to a stopped process stays open, takes what fits, and delivers it when the process goes on", async () => {
    const place = room();
    const { there, atServer, atClient } = await connected(place);
    place.server.process.pause();
    send(there, "later");
    await place.world.run({ untilMs: place.world.nowMs + 10_000 });
    expect([atServer.text, atClient.closed]).toEqual(["", null]);
    place.server.process.resume();
    await place.world.run({ untilMs: place.world.nowMs + 100 });
    expect(atServer.text).toBe("later");
  });

  test("is cut at both ends when a reset strikes", async () => {
    const place = room();
    const { there, atServer, atClient } = await connected(place);
    place.network.reset(() => true);
    await place.world.run({ untilMs: place.world.nowMs + 100 });
    expect([atServer.closed, atClient.closed]).toEqual(["reset", "reset"]);
    expect(send(there, "x")).toBe(true);
  });

  test("whose reader is slow holds its writer back", async () => {
    const place = room({ "network.slowReader": 1 });
    const { there, atServer } = await connected(place);
    send(there, "x".repeat(5_000));
    await place.world.run({ untilMs: place.world.nowMs + 200 });
    expect(atServer.text.length).toBeLessThan(5_000);
    await place.world.run({ untilMs: place.world.nowMs + 60_000 });
    expect(atServer.text.length).toBe(5_000);
  });
});

describe("a block between two hosts", () => {
  test("holds what is sent that way until it is lifted, and lets the other way pass", async () => {
    const place = room();
    const { there, here, atServer, atClient } = await connected(place);
    const lift = place.network.block(place.client.host, place.server.host);
    send(there, "held");
    send(here, "passes");
    await place.world.run({ untilMs: place.world.nowMs + 5_000 });
    expect([atServer.text, atClient.text]).toEqual(["", "passes"]);
    const liftedMs = place.world.nowMs;
    lift();
    lift();
    send(there, " and more");
    await place.world.run({ untilMs: liftedMs + 30_000 });
    expect(atServer.text).toBe("held and more");
    expect(atServer.atMs).toBeGreaterThan(liftedMs);
  });

  test("lasts as long as one of its reasons", async () => {
    const place = room();
    const { client, server, network } = place;
    const lifts = [1, 2].map(() => network.block(client.host, server.host));
    lifts[0]?.();
    expect(network.isBlocked(client.host, server.host)).toBe(true);
    lifts[1]?.();
    expect(network.isBlocked(client.host, server.host)).toBe(false);
  });

  test("either way lets dials run out of time", async () => {
    for (const way of ["there", "back"]) {
      const { world, network, client, server } = room();
      await server.port.listen({ host: "server", port: 9092 }, () => undefined);
      const [from, to] = way === "there" ? [client, server] : [server, client];
      network.block(from.host, to.host);
      const dialling = client.port.dial({ host: "server", port: 9092 }, { timeoutMs: 700 });
      await expect(world.settle(dialling)).rejects.toMatchObject({ code: "timedOut" });
      expect(world.nowMs).toBeCloseTo(700, 0);
    }
  });

  test("that outlasts TCP's patience ends the connection for who had something to say", async () => {
    const place = room();
    const { there, atClient, atServer } = await connected(place);
    place.network.block(place.client.host, place.server.host);
    send(there, "held");
    await place.world.run({ untilMs: place.world.nowMs + place.network.giveUpMs + 1_000 });
    expect([atClient.closed, atServer.closed]).toEqual(["timedOut", null]);
  });
});

describe("a dial", () => {
  const dial = ({ client }: Room): Promise<Connection> =>
    client.port.dial({ host: "server", port: 9092 }, { timeoutMs: 1_000 });

  test("is refused at once where nobody listens on a living host, and gets no answer from a dead one", async () => {
    const place = room();
    await expect(place.world.settle(dial(place))).rejects.toMatchObject({ code: "refused" });
    expect(place.world.nowMs).toBeLessThan(50);
    place.server.host.crash();
    const startMs = place.world.nowMs;
    await expect(place.world.settle(dial(place))).rejects.toMatchObject({ code: "timedOut" });
    expect(place.world.nowMs - startMs).toBeCloseTo(1_000, 0);
  });

  test("is refused once the process that listened is killed", async () => {
    const place = room();
    await connected(place);
    place.server.process.kill();
    await expect(place.world.settle(dial(place))).rejects.toMatchObject({ code: "refused" });
  });

  test("succeeds to a stopped process, whose kernel answers; the process hears of it later", async () => {
    const place = room();
    const accepted: Connection[] = [];
    await place.server.port.listen({ host: "server", port: 9092 }, (one) => accepted.push(one));
    place.server.process.pause();
    await place.world.settle(dial(place));
    await place.world.run({ untilMs: 5_000 });
    expect(accepted).toHaveLength(0);
    place.server.process.resume();
    await place.world.run({ untilMs: 6_000 });
    expect(accepted).toHaveLength(1);
  });
});

test("hosts of one zone are nearer to each other than hosts of two", async () => {
  const { world, network } = room();
  const host = (name: string, zone: string): SimHost => {
    const made = new SimHost(world, { name, zone });
    network.addHost(made);
    return made;
  };
  const mean = (from: SimHost, to: SimHost): number => {
    let sum = 0;
    for (let count = 0; count < 100; count++) sum += network.travelMs(from, to, 100);
    return sum / 100;
  };
  const one = host("one", "x");
  expect(mean(one, host("two", "x"))).toBeLessThan(mean(one, host("three", "y")));
});
