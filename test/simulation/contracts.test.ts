import { setTimeout as sleep } from "node:timers/promises";
import { clockContract } from "../contracts/clock.ts";
import { diskContract } from "../contracts/disk.ts";
import { metadataLogContract } from "../contracts/metadata-log.ts";
import { networkContract } from "../contracts/network.ts";
import { objectStoreContract } from "../contracts/object-store.ts";
import { SimDisk } from "./disk/sim-disk.ts";
import { createProcessClock } from "./machine/process-clock.ts";
import { SimHost } from "./machine/sim-host.ts";
import { SimProcess } from "./machine/sim-process.ts";
import { SimNetwork } from "./network/sim-network.ts";
import { SimMetadataLog } from "./stores/sim-metadata-log.ts";
import { SimObjectStore } from "./stores/sim-object-store.ts";
import type { FaultRates } from "./world/fault-table.ts";
import { createWorld, type World } from "./world/world.ts";

// The ports the simulator gives are the ports the broker knows: each passes the suite that every adapter passes. The suites wait in real time, so the
// simulated one keeps pace with it.

function paced(world: World): { close: () => Promise<void> } {
  let isOver = false;
  const startMs = performance.now();
  const pacing = (async () => {
    while (!isOver && performance.now() - startMs < giveUpMs) {
      await world.run({ untilMs: performance.now() - startMs });
      await sleep(1);
    }
  })();
  return {
    async close() {
      isOver = true;
      await pacing;
    },
  };
}

/** Suites that do not say when a test is over. */
const giveUpMs = 5_000;

let seed = 1;

function machine(faults: FaultRates = {}): { world: World; host: SimHost; process: SimProcess } {
  const world = createWorld({ seed: seed++, faults, mayEscape: true });
  const host = new SimHost(world, { name: "host-1", zone: "a" });
  return { world, host, process: new SimProcess(world, host, "process") };
}

clockContract("simulated", () => {
  const { world, process } = machine({ "clock.drift": 200, "clock.skew": 1_000 });
  return {
    clock: createProcessClock(world, process),
    pass: (ms) => world.run({ untilMs: world.nowMs + ms }),
    close: () => undefined,
  };
});

diskContract("simulated", async () => {
  const { world, host, process } = machine();
  const disk = new SimDisk(world, host).attach(process);
  const pace = paced(world);
  await disk.makeDirectory("/data");
  return { disk, directory: "/data", close: () => pace.close() };
});

metadataLogContract("simulated", async () => {
  const { world, process } = machine();
  const log = new SimMetadataLog(world, new SimNetwork(world));
  return { open: async () => log.open(process), close: paced(world).close };
});

objectStoreContract("simulated", async () => {
  const { world, process } = machine();
  const store = new SimObjectStore(world, new SimNetwork(world)).attach(process);
  return { store, close: paced(world).close };
});

for (const [name, faults] of [
  ["simulated", {}],
  [
    "simulated, whose kernel is slow and cuts everything in pieces",
    {
      "network.lateTaken": 0.3,
      "network.split": 0.3,
    },
  ],
] as const) {
  networkContract(name, () => {
    const { world, host, process } = machine(faults);
    const network = new SimNetwork(world);
    network.addHost(host);
    paced(world);
    return network.attach(process);
  });
}
