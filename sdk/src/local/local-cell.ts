import { setImmediate } from "node:timers/promises";
import type { Broker, BrokerPorts } from "../../../broker/broker.ts";
import { createBroker } from "../../../broker/broker.ts";
import type { BrokerConfig } from "../../../broker/config.ts";
import type { LogOutput } from "../../../broker/log-output.ts";
import type { createApi } from "../../../functions/api.ts";
import { ensureCluster } from "../../../metadata/commands/cluster-commands.ts";
import type { Cluster } from "../../../metadata/image/image.ts";
import type { MetadataReplica } from "../../../metadata/log/replica.ts";
import { openMetadataReplica } from "../../../metadata/log/replica.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Disk } from "../../../ports/disk.ts";
import type { MetadataLog } from "../../../ports/metadata-log.ts";
import type { Network } from "../../../ports/network.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { Random } from "../../../ports/random.ts";

/** The world a cell in one process runs in: real for `myelin dev`, memory and a clock in the user's hand for the test broker. */
export type LocalPorts = {
  clock: Clock;
  random: Random;
  disk: Disk;
  network: Network;
  objects: ObjectStore;
  metadataLog: MetadataLog;
  /** Instead of every API there is. */
  apis?: NonNullable<BrokerPorts["apis"]>;
};

export type LocalCellOptions = {
  ports: LocalPorts;
  broker: BrokerConfig;
  /** Name of the cluster that is there from the start. */
  clusterName: string;
  log: LogOutput;
  onFatal: (error: Error) => void;
};

/** A whole cell in one process: metadata replica, one broker, and the control plane's app over the same replica. */
export type LocalCell = {
  readonly broker: Broker;
  readonly replica: MetadataReplica;
  readonly cluster: Cluster;
  /** The HTTP API, with what brokers serve beside it; to be served where the caller wants it. */
  readonly app: ReturnType<typeof createApi>;
  close(): Promise<void>;
};

const cellName = "local";

export async function startLocalCell({
  ports,
  broker: config,
  clusterName,
  log,
  onFatal,
}: LocalCellOptions): Promise<LocalCell> {
  const { clock, random, disk, network, objects, metadataLog } = ports;
  const replica = await openMetadataReplica({
    log: metadataLog,
    objects,
    clock,
    random,
    output: log,
    cell: cellName,
    onStopped: onFatal,
  });
  let broker: Broker | null = null;
  try {
    const cluster = await defaultCluster(replica, clusterName);
    const brokerPorts: BrokerPorts = {
      clock,
      random,
      disk,
      network,
      metadata: replica,
      log,
      onFatal,
      ...(ports.apis === undefined ? {} : { apis: ports.apis }),
    };
    broker = await createBroker(brokerPorts, config);
    const started = broker;
    const app = await loadApi(started, {
      replica,
      clock,
      random,
      log,
      config: {
        version: config.version,
        kafka: broker.address(cluster.clusterId) ?? config.listen,
        httpEndpoint: null,
      },
    });
    return {
      broker: started,
      replica,
      cluster,
      app,
      async close() {
        await started.close();
        await replica.close();
        await metadataLog.close();
      },
    };
  } catch (error) {
    await broker?.close();
    await replica.close();
    await metadataLog.close();
    throw error;
  }
}

/** Loaded when the broker answers already: Kafka's clients need not wait for schemas and routes, which take half as long again as the broker. */
async function loadApi(
  broker: Broker,
  options: Parameters<typeof createApi>[0],
): Promise<ReturnType<typeof createApi>> {
  // A turn of the event loop each to accept, to read and to answer whoever was waiting for the broker.
  for (let turns = 0; turns < 3; turns++) await setImmediate();
  const [api, { brokerHttp }] = await Promise.all([
    import("../../../functions/api.ts"),
    import("../../../broker/http/broker-http.ts"),
  ]);
  return api.createApi({ ...options, brokerRoutes: brokerHttp(broker) });
}

async function defaultCluster(replica: MetadataReplica, name: string): Promise<Cluster> {
  const outcome = await replica.submit((image, context) => ensureCluster(image, { name }, context));
  if (outcome.kind === "rejected")
    throw new Error(`the cluster ${name} cannot be created: ${outcome.message}`);
  return outcome.result;
}
