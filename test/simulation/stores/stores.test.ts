import { describe, expect, test } from "vitest";
import { SimHost } from "../machine/sim-host.ts";
import { SimProcess } from "../machine/sim-process.ts";
import { SimNetwork } from "../network/sim-network.ts";
import type { FaultRates } from "../world/fault-table.ts";
import { createWorld } from "../world/world.ts";
import { SimMetadataLog } from "./sim-metadata-log.ts";
import { SimObjectStore } from "./sim-object-store.ts";

function room(faults: FaultRates = {}) {
  const world = createWorld({ seed: 3, faults });
  const network = new SimNetwork(world);
  const host = new SimHost(world, { name: "host-1", zone: "a" });
  network.addHost(host);
  const process = new SimProcess(world, host, "process");
  const metadata = new SimMetadataLog(world, network);
  const objects = new SimObjectStore(world, network);
  return {
    world,
    network,
    host,
    process,
    metadata,
    objects,
    log: metadata.open(process),
    store: objects.attach(process),
  };
}

const entry = Uint8Array.of(1);
const unavailable = { code: "unavailable" };

describe("an append to the metadata log", () => {
  test.each([
    ["metadata.failsBefore", 0, 0],
    ["metadata.failsAfter", 1, 1],
    ["metadata.appliesLate", 0, 1],
  ] as const)(
    "that meets %s is answered unavailable, with %i entries then and %i in the end",
    async (name, then, inTheEnd) => {
      const { world, log, metadata } = room({ [name]: 1 });
      await expect(world.settle(log.genesis(1, entry))).rejects.toMatchObject(unavailable);
      expect(metadata.head).toBe(then);
      await world.run({ untilMs: world.nowMs + 20_000 });
      expect(metadata.head).toBe(inTheEnd);
    },
  );

  test("during an outage is not made, and is afterwards", async () => {
    const { world, log, metadata } = room();
    metadata.service.setOut(true);
    await expect(world.settle(log.genesis(1, entry))).rejects.toMatchObject(unavailable);
    metadata.service.setOut(false);
    expect(await world.settle(log.genesis(1, entry))).toBe("accepted");
  });

  test("from a host that is cut off is not made; if only the answer is, it is made", async () => {
    const { world, network, host, log, metadata } = room();
    const lift = network.block(host, metadata.service.host);
    await expect(world.settle(log.genesis(1, entry))).rejects.toMatchObject(unavailable);
    expect(metadata.head).toBe(0);
    lift();
    network.block(metadata.service.host, host);
    await expect(world.settle(log.genesis(1, entry))).rejects.toMatchObject(unavailable);
    expect(metadata.head).toBe(1);
  });

  test("is told to those who listen once, twice or never, as told to", async () => {
    const heardWith = async (faults: FaultRates): Promise<number> => {
      const { world, log } = room(faults);
      let heard = 0;
      log.onAppend(() => heard++);
      await world.settle(log.genesis(1, entry));
      await world.run({ untilMs: world.nowMs + 1_000 });
      return heard;
    };
    expect(await heardWith({})).toBe(1);
    expect(await heardWith({ "metadata.hintTwice": 1 })).toBe(2);
    expect(await heardWith({ "metadata.hintLost": 1 })).toBe(0);
  });

  test("by a process that is killed meanwhile may be made, and nobody is told", async () => {
    const { world, log, metadata, process } = room();
    let isTold = false;
    void log.genesis(1, entry).then(() => (isTold = true));
    process.kill();
    await world.run();
    expect([metadata.head, isTold]).toEqual([1, false]);
  });
});

describe("a put to the object store", () => {
  test.each([
    ["objects.slowDown", false, false],
    ["objects.failsAfter", true, true],
    ["objects.appliesLate", false, true],
  ] as const)("that meets %s: there at once %s, in the end %s", async (name, then, inTheEnd) => {
    const { world, store, objects } = room({ [name]: 1 });
    await expect(world.settle(store.put("a", entry))).rejects.toMatchObject(unavailable);
    world.faults.quieten();
    expect((await world.settle(store.head("a"))) !== null).toBe(then);
    await world.run({ untilMs: world.nowMs + 120_000 });
    expect((await world.settle(store.head("a"))) !== null).toBe(inTheEnd);
    expect(objects.counts.put).toBe(1);
  });

  test("on a condition that a late one has broken meanwhile is refused", async () => {
    const { world, store } = room({ "objects.appliesLate": 1 });
    await world.settle(store.put("a", entry)).catch(() => null);
    world.faults.quieten();
    await world.run({ untilMs: world.nowMs + 120_000 });
    expect(await world.settle(store.put("a", entry, { ifAbsent: true }))).toBeNull();
  });
});
