import type { Clock } from "../ports/clock.ts";
import type { Address, Network } from "../ports/network.ts";
import type { Cluster } from "../metadata/image/image.ts";
import type { MetadataChange } from "../metadata/image/changes.ts";
import type { MetadataReplica } from "../metadata/log/replica.ts";
import type { BrokerConfig } from "./config.ts";
import type { EarlyListener } from "./early-listener.ts";
import { listenEarly } from "./early-listener.ts";
import type { KafkaApi } from "./handlers/kafka-api.ts";
import type { LogOutput } from "./log-output.ts";
import type { KafkaServer, ServerResources } from "./server/server.ts";
import { createServerResources, startServer } from "./server/server.ts";
import type { BrokerServices } from "./services.ts";

/**
 * One listener for each cluster: until clients authenticate a port is a cluster (architecture 3.7), the broker's own port plus the cluster's offset.
 * Clusters that come and go while the broker runs get and lose theirs.
 */
export type ListenerTable = {
  /** Takes the broker's own port, so that it can be registered; connections wait until `serve`. */
  reserve(): Promise<Address>;
  /** Answers requests of every cluster from now on. */
  serve(services: BrokerServices, apis: readonly KafkaApi<BrokerServices>[]): Promise<void>;
  address(clusterId: string): Address | null;
  /** Memory, bounds and counts that all listeners share. */
  readonly resources: ServerResources;
  /** Stops accepting, lets requests under way end for up to `timeoutMs`, closes every connection. */
  close(timeoutMs: number): Promise<void>;
};

type Options = {
  ports: { clock: Clock; network: Network; metadata: MetadataReplica; log: LogOutput };
  config: BrokerConfig;
};

/** A cluster's listener, from the moment it is being opened. */
type Opened = { server: KafkaServer | null; readonly whenOpen: Promise<KafkaServer> };

type State = Options & {
  readonly resources: ServerResources;
  readonly opened: Map<string, Opened>;
  early: EarlyListener | null;
  base: Address;
  serving: { services: BrokerServices; apis: readonly KafkaApi<BrokerServices>[] } | null;
};

export function createListenerTable(options: Options): ListenerTable {
  const { ports, config } = options;
  const { network, metadata } = ports;
  const resources = createServerResources();
  const state: State = {
    ...options,
    resources,
    opened: new Map(),
    early: null,
    base: config.listen,
    serving: null,
  };
  let stopFollowing = (): void => {};

  return {
    resources,
    async reserve() {
      state.early = await listenEarly(network, config.listen);
      state.base = state.early.address;
      return state.base;
    },
    async serve(services, apis) {
      state.serving = { services, apis };
      stopFollowing = metadata.onChange((changes) => {
        for (const change of changes) follow(state, change);
      });
      for (const cluster of metadata.image.clusters.values()) {
        if (cluster.portOffset === 0) await open(state, cluster);
        else await openLater(state, cluster);
      }
      // No cluster has the broker's own port.
      await closeEarly(state);
    },
    address: (clusterId) => state.opened.get(clusterId)?.server?.address ?? null,
    async close(timeoutMs) {
      stopFollowing();
      state.serving = null;
      await closeEarly(state);
      await Promise.all(
        [...state.opened.keys()].map((clusterId) => closeServer(state, clusterId, timeoutMs)),
      );
    },
  };
}

async function open(state: State, { clusterId, portOffset, name }: Cluster): Promise<void> {
  const { ports, base, resources, serving, opened, early } = state;
  if (serving === null || opened.has(clusterId)) return;
  const usesEarly = portOffset === 0 && early !== null;
  if (usesEarly) state.early = null;
  const whenOpen = startServer({
    network: usesEarly ? early.network : ports.network,
    clock: ports.clock,
    log: ports.log,
    address: { host: base.host, port: base.port + portOffset },
    clusterId,
    listener: name,
    ...serving,
    resources,
  });
  const entry: Opened = { server: null, whenOpen };
  opened.set(clusterId, entry);
  try {
    entry.server = await whenOpen;
  } catch (error) {
    opened.delete(clusterId);
    throw error;
  }
}

/** A cluster made while the broker runs: a port that is taken concerns that cluster alone. */
async function openLater(state: State, cluster: Cluster): Promise<void> {
  const { log } = state.ports;
  const fields = { cluster: cluster.name, port: state.base.port + cluster.portOffset };
  try {
    await open(state, cluster);
    log.info("listening for a cluster", fields);
  } catch (error) {
    log.error(
      "the cluster's port cannot be opened on this broker: its clients cannot connect here",
      { ...fields, error: (error as Error).message },
    );
  }
}

function follow(state: State, change: MetadataChange): void {
  if (change.kind === "clusterCreated") {
    const cluster = state.ports.metadata.image.clusters.get(change.clusterId);
    if (cluster !== undefined) void openLater(state, cluster);
  } else if (change.kind === "clusterDeleted") {
    void closeServer(state, change.cluster.clusterId, state.config.stopTimeoutMs);
  } else if (change.kind === "reloaded") {
    const { clusters } = state.ports.metadata.image;
    for (const cluster of clusters.values()) {
      if (!state.opened.has(cluster.clusterId)) void openLater(state, cluster);
    }
    for (const clusterId of state.opened.keys()) {
      if (!clusters.has(clusterId)) void closeServer(state, clusterId, state.config.stopTimeoutMs);
    }
  }
}

/** Also one that is only being opened: as soon as it is open. */
async function closeServer(state: State, clusterId: string, graceMs: number): Promise<void> {
  const entry = state.opened.get(clusterId);
  state.opened.delete(clusterId);
  const server = await entry?.whenOpen.catch(() => null);
  await server?.close({ graceMs });
}

async function closeEarly(state: State): Promise<void> {
  const { early } = state;
  state.early = null;
  await early?.close();
}
