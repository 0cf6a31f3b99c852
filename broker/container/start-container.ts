import type { ServedApi } from "../../adapters/node/http-server.ts";
import { serveApi } from "../../adapters/node/http-server.ts";
import type { CellPorts } from "../../adapters/aws/cell-ports.ts";
import { openCellPorts } from "../../adapters/aws/cell-ports.ts";
import { version } from "../../adapters/aws/version.ts";
import { readTaskPlace } from "../../adapters/ecs/agent.ts";
import { startCompactionThread } from "../../adapters/node/compaction-thread.ts";
import { createNodeDisk } from "../../adapters/node/disk.ts";
import { createNodeNetwork } from "../../adapters/node/network.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { patiently } from "../../metadata/log/patience.ts";
import { openMetadataReplica } from "../../metadata/log/replica.ts";
import type { Broker } from "../broker.ts";
import { createBroker } from "../broker.ts";
import type { CleaningAnswer, CleaningRequest } from "../compaction/cleaning-desk.ts";
import { createCleaner } from "../compaction/remote-cleaner.ts";
import { containerApp } from "./container-app.ts";
import { containerConfig } from "./container-config.ts";
import type { Place } from "./container-config.ts";
import { createDeploymentGate } from "./deployment-gate.ts";
import type { BrokerEnvironment } from "./environment.ts";
import type { JsonLog } from "./json-log.ts";
import { startCompanions } from "./start-companions.ts";

export type ContainerOptions = {
  readonly log: JsonLog;
  /** The process must end. */
  readonly onFatal: (error: Error) => void;
};

/** A broker of a cell in AWS, in service. */
export type Container = {
  readonly broker: Broker;
  readonly http: ServedApi;
  /** Hands over, answers what is under way, writes everything, lets go of the cell. */
  close(): Promise<void>;
};

/**
 * Starts the broker of this container and what goes with it, and resolves once clients can connect. Nothing is left running where it throws: EcsAgentError,
 * and what createBroker and openMetadataReplica throw.
 */
export async function startContainer(
  environment: BrokerEnvironment,
  { log, onFatal }: ContainerOptions,
): Promise<Container> {
  const place = await placeOf(environment);
  const { MYELIN_PROFILE: profile } = environment;
  log.info("the broker starts", { version, zone: place.zone, host: place.host, profile });
  await using starting = new AsyncDisposableStack();
  const ports = openCellPorts(environment);
  starting.defer(() => ports.close());
  const metadata = await patiently({ clock: ports.clock, output: log }, () =>
    openMetadataReplica({
      log: ports.metadataLog,
      objects: ports.objects,
      clock: ports.clock,
      random: ports.random,
      output: log,
      cell: environment.MYELIN_CELL,
      onStopped: onFatal,
    }),
  );
  starting.defer(() => metadata.close());
  const disk = createNodeDisk();
  starting.defer(() => disk.close());
  await disk.makeDirectory(environment.MYELIN_DATA_DIR);
  const diskBytes = await disk.freeBytes(environment.MYELIN_DATA_DIR);
  const network = createNodeNetwork();
  const cleaner = createCleaner(() => startCompactionThread<CleaningRequest, CleaningAnswer>());
  starting.defer(() => cleaner.close());
  const broker = await createBroker(
    { ...ports, disk, network, metadata, cleaner, log, onFatal },
    containerConfig(environment, { place, version, diskBytes }),
  );
  starting.defer(() => broker.close());
  const brokerLog = log.with({ broker: broker.brokerId, zone: place.zone });
  const http = await serve(environment, { broker, metadata, ports, log: brokerLog });
  starting.defer(() => http.close());
  starting.defer(startCompanions(environment, { broker, zone: place.zone, ports, log: brokerLog }));
  brokerLog.info("the broker is up", { host: place.host, port: environment.MYELIN_PORT });
  const running = starting.move();
  return {
    broker,
    http,
    async close() {
      // Whoever watches may see how it hands over, so HTTP ends last.
      await broker.close();
      await running.disposeAsync();
    },
  };
}

async function placeOf(environment: BrokerEnvironment): Promise<Place> {
  const { MYELIN_ADVERTISED_HOST: host, MYELIN_ZONE: zone } = environment;
  if (host !== undefined && zone !== undefined) return { host, zone };
  const task = await readTaskPlace(environment.ECS_CONTAINER_METADATA_URI_V4 ?? "");
  return { host: host ?? task.host, zone: zone ?? task.zone };
}

type Serving = {
  readonly broker: Broker;
  readonly metadata: MetadataReplica;
  readonly ports: CellPorts;
  readonly log: JsonLog;
};

function serve(
  environment: BrokerEnvironment,
  { broker, metadata, ports, log }: Serving,
): Promise<ServedApi> {
  const gate = createDeploymentGate({
    image: metadata.image,
    brokerId: broker.brokerId,
    clock: ports.clock,
    limitMs: environment.MYELIN_HEALTH_GATE_S * 1_000,
    log,
  });
  return serveApi(containerApp({ broker, image: metadata.image, gate }), {
    host: environment.MYELIN_LISTEN_HOST,
    port: environment.MYELIN_HTTP_PORT,
  });
}
