import { defaultBrokerConfig, type BrokerConfig } from "../../../broker/config.ts";
import { snapshotKey } from "../../../metadata/log/object-keys.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Network } from "../../../ports/network.ts";
import { SimDisk } from "../disk/sim-disk.ts";
import { createProcessClock } from "../machine/process-clock.ts";
import { SimHost } from "../machine/sim-host.ts";
import { SimProcess } from "../machine/sim-process.ts";
import { SimNetwork } from "../network/sim-network.ts";
import { SimMetadataLog } from "../stores/sim-metadata-log.ts";
import { SimObjectStore } from "../stores/sim-object-store.ts";
import type { Stream } from "../world/random-streams.ts";
import type { World } from "../world/world.ts";
import { BrokerNode, cellName, type BrokerRun } from "./broker-node.ts";
import { CellTruth } from "./cell-truth.ts";
import { ColdTruth } from "./cold-truth.ts";
import { ControlPlane } from "./control-plane.ts";

const kibibyte = 1024;

/** Small where the default is large, so that files roll, the ring turns and reclaiming has work within minutes of simulated time. */
export const smallBrokerConfig = {
  ...defaultBrokerConfig,
  cellName,
  version: "0.0.0-simulated",
  log: {
    ringBytes: 512 * kibibyte,
    chunkBytes: 64 * kibibyte,
    fileBytes: 256 * kibibyte,
    poolFiles: 1,
    minFreeBytes: 0,
  },
  stopTimeoutMs: 10_000,
} as const;

export type CellOptions = {
  readonly world: World;
  readonly brokerCount: number;
  /** Zones that hosts are spread over in turn. */
  readonly zones?: readonly string[];
  readonly config?: Partial<BrokerConfig>;
  /** What differs from that on one broker, counted from 1. */
  readonly configOf?: (number: number) => Partial<BrokerConfig>;
  /** On the network and the object store of another cell, of which it is restored: its machines have other names. */
  readonly beside?: { readonly network: SimNetwork; readonly objects: SimObjectStore };
};

/** What a simulated client is given of the world. */
export type ClientPlace = {
  readonly world: World;
  readonly process: SimProcess;
  readonly clock: Clock;
  readonly network: Network;
  readonly stream: Stream;
  /** Where brokers may be found. */
  readonly bootstrap: () => readonly { readonly host: string; readonly port: number }[];
};

/** Hears of brokers' processes. */
export type CellListener = {
  readonly serves?: (run: BrokerRun) => void;
  /** It was told to stop, and is about to end by itself, before its time is over. */
  readonly stoppedInTime?: (run: BrokerRun) => void;
  readonly ended?: (run: BrokerRun) => void;
};

const clusterName = "default";
const brokerPort = 9092;

/** A cell and the machines it runs on: brokers each on a host of its own, the stores they share, and hosts for clients. */
export class SimCell {
  readonly world: World;
  readonly network: SimNetwork;
  readonly metadata: SimMetadataLog;
  readonly objects: SimObjectStore;
  readonly brokers: BrokerNode[] = [];
  /** Of brokers, clients and the control plane. */
  readonly allHosts: SimHost[] = [];
  /** The image that the metadata log amounts to, ahead of every broker's. */
  readonly truth: CellTruth;
  readonly cold: ColdTruth;
  readonly control: ControlPlane;
  readonly #configOf: (number: number) => Partial<BrokerConfig>;
  readonly #listeners: CellListener[] = [];
  readonly #zones: readonly string[];
  readonly #prefix: string;
  #clientCount = 0;

  constructor(options: CellOptions) {
    const { world, brokerCount, zones = ["a", "b", "c"], beside } = options;
    this.world = world;
    this.#prefix = beside === undefined ? "" : "restored-";
    this.#zones = zones;
    this.#configOf = (number) => ({ ...options.config, ...options.configOf?.(number) });
    this.network = beside?.network ?? new SimNetwork(world);
    this.metadata = new SimMetadataLog(world, this.network, `${this.#prefix}dynamodb`);
    this.objects = beside?.objects ?? new SimObjectStore(world, this.network);
    this.truth = new CellTruth(this.metadata, (revision) =>
      this.objects.peek(snapshotKey(cellName, revision)),
    );
    this.cold = new ColdTruth(cellName, this.truth, this.objects);
    this.control = new ControlPlane(this);
    for (let count = 0; count < brokerCount; count++) this.addBroker();
  }

  /** A new host with an empty directory, not started yet. */
  addBroker(): BrokerNode {
    const number = this.brokers.length + 1;
    const zone = this.#zones[(number - 1) % this.#zones.length] ?? "a";
    const host = this.addHost(`host-${number}`, zone);
    const node = new BrokerNode(this, {
      name: `${this.#prefix}broker-${number}`,
      disk: new SimDisk(this.world, host),
      port: brokerPort,
      config: {
        ...smallBrokerConfig,
        directory: "",
        listen: { host: "", port: 0 },
        ...this.#configOf(number),
      },
    });
    this.brokers.push(node);
    return node;
  }

  addHost(name: string, zone: string): SimHost {
    const host = new SimHost(this.world, { name: this.#prefix + name, zone });
    this.network.addHost(host);
    this.allHosts.push(host);
    return host;
  }

  /** A process on a host of its own, for a client to run in. */
  addClient(name: string): ClientPlace {
    const { world } = this;
    const number = ++this.#clientCount;
    const zone = this.#zones[number % this.#zones.length] ?? "a";
    const process = new SimProcess(world, this.addHost(`client-${number}`, zone), name);
    return {
      world,
      process,
      clock: createProcessClock(world, process),
      network: this.network.attach(process),
      stream: world.stream(`client ${name}`),
      bootstrap: () => this.brokers.map(({ address }) => address),
    };
  }

  onRun(listener: CellListener): void {
    this.#listeners.push(listener);
  }

  /** A run has begun to answer clients. */
  serves(run: BrokerRun): void {
    for (const { serves } of this.#listeners) serves?.(run);
  }

  stoppedInTime(run: BrokerRun): void {
    for (const { stoppedInTime } of this.#listeners) stoppedInTime?.(run);
  }

  /** Its process is gone. */
  ended(run: BrokerRun): void {
    for (const { ended } of this.#listeners) ended?.(run);
  }

  /** Makes the cluster and starts every broker; resolves with the cluster's id when all serve. */
  async start(): Promise<string> {
    const clusterId = await this.control.ensureCluster(clusterName);
    await Promise.all(this.brokers.map((node) => node.start()));
    return clusterId;
  }
}
