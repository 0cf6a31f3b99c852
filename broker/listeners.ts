import type { Clock } from "../ports/clock.ts";
import type { Address, Connection, Listener, Network } from "../ports/network.ts";
import type { Cluster } from "../metadata/image/image.ts";
import type { MetadataReplica } from "../metadata/log/replica.ts";
import type { BrokerConfig } from "./config.ts";
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

/** Connections that may wait for the broker to be ready. */
const maxEarlyConnections = 1000;

export function createListenerTable({ ports, config }: Options): ListenerTable {
  const { network, metadata, log, clock } = ports;
  const resources = createServerResources();
  const servers = new Map<string, KafkaServer>();
  let early: EarlyListener | null = null;
  let base: Address = config.listen;
  let serving: { services: BrokerServices; apis: readonly KafkaApi<BrokerServices>[] } | null =
    null;
  let stopFollowing = (): void => {};

  async function open(cluster: Cluster): Promise<void> {
    if (serving === null || servers.has(cluster.clusterId)) return;
    const address = { host: base.host, port: base.port + cluster.portOffset };
    const useEarly = cluster.portOffset === 0 ? early : null;
    if (useEarly !== null) early = null;
    const server = await startServer({
      network: useEarly === null ? network : useEarly.network,
      clock,
      log,
      address,
      clusterId: cluster.clusterId,
      listener: cluster.name,
      apis: serving.apis,
      services: serving.services,
      resources,
    });
    servers.set(cluster.clusterId, server);
  }

  /** A cluster made while the broker runs: a port that is taken concerns that cluster alone. */
  async function openLater(cluster: Cluster): Promise<void> {
    try {
      await open(cluster);
      log.info("listening for a cluster", {
        cluster: cluster.name,
        port: base.port + cluster.portOffset,
      });
    } catch (error) {
      log.error(
        "the cluster's port cannot be opened on this broker: its clients cannot connect here",
        {
          cluster: cluster.name,
          port: base.port + cluster.portOffset,
          error: (error as Error).message,
        },
      );
    }
  }

  return {
    async reserve() {
      early = await listenEarly(network, config.listen);
      base = early.listener.address;
      return base;
    },
    async serve(services, apis) {
      serving = { services, apis };
      stopFollowing = metadata.onChange((changes) => {
        for (const change of changes) {
          if (change.kind === "clusterCreated") {
            const cluster = metadata.image.clusters.get(change.clusterId);
            if (cluster !== undefined) void openLater(cluster);
          } else if (change.kind === "clusterDeleted") {
            void servers.get(change.cluster.clusterId)?.close({ graceMs: config.stopTimeoutMs });
            servers.delete(change.cluster.clusterId);
          }
        }
      });
      for (const cluster of metadata.image.clusters.values()) {
        if (cluster.portOffset === 0) await open(cluster);
        else await openLater(cluster);
      }
    },
    address: (clusterId) => servers.get(clusterId)?.address ?? null,
    resources,
    async close(timeoutMs) {
      stopFollowing();
      serving = null;
      await early?.listener.close();
      await Promise.all(
        [...servers.values()].map((server) => server.close({ graceMs: timeoutMs })),
      );
      servers.clear();
    },
  };
}

type EarlyListener = { listener: Listener; network: Network };

/** Listens before there is anyone to answer: connections are accepted and not read, and handed over when a server takes the listener. */
async function listenEarly(network: Network, address: Address): Promise<EarlyListener> {
  const waiting: Connection[] = [];
  let handOver = (connection: Connection): void => {
    if (waiting.length < maxEarlyConnections) waiting.push(connection);
    else connection.destroy();
  };
  const listener = await network.listen(address, (connection) => handOver(connection));
  return {
    listener,
    network: {
      ...network,
      listen(_address, onConnection) {
        handOver = onConnection;
        for (const connection of waiting.splice(0)) onConnection(connection);
        return Promise.resolve(listener);
      },
    },
  };
}
