import type { ControlledClock } from "../../adapters/memory/clock.ts";
import { createJumpingClock } from "../../adapters/memory/clock.ts";
import type { CrashOptions, MemoryDisk } from "../../adapters/memory/disk.ts";
import { createMemoryDisk } from "../../adapters/memory/disk.ts";
import type { MemoryMetadataStore } from "../../adapters/memory/metadata-log.ts";
import { createMemoryMetadataStore } from "../../adapters/memory/metadata-log.ts";
import type { MemoryNetwork } from "../../adapters/memory/network.ts";
import { createMemoryNetwork } from "../../adapters/memory/network.ts";
import type { MemoryObjectStore } from "../../adapters/memory/object-store.ts";
import { createMemoryObjectStore } from "../../adapters/memory/object-store.ts";
import { createSeededRandom } from "../../adapters/memory/random.ts";
import type { Broker } from "../../broker/broker.ts";
import { createBroker } from "../../broker/broker.ts";
import type { Cleaner } from "../../broker/compaction/remote-cleaner.ts";
import { createCleaner, createInlinePlace } from "../../broker/compaction/remote-cleaner.ts";
import type { BrokerConfig } from "../../broker/config.ts";
import { defaultBrokerConfig } from "../../broker/config.ts";
import type { LogOutput } from "../../broker/log-output.ts";
import { silentLog } from "../../broker/log-output.ts";
import type { BrokerServices } from "../../broker/services.ts";
import { ensureCluster } from "../../metadata/commands/cluster-commands.ts";
import type { NewTopic } from "../../metadata/commands/create-topics.ts";
import { createTopic } from "../../metadata/commands/create-topics.ts";
import type { Image } from "../../metadata/image/image.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import { openMetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import type { MetadataLog } from "../../ports/metadata-log.ts";
import type { Message } from "../../protocol/schema/message.ts";
import type { RawClient, RawClientOptions } from "./raw-client.ts";
import { connectRawClient } from "./raw-client.ts";

/** What outlives a broker: its disk, and the cell around it. */
export type MemoryWorld = {
  readonly disk: MemoryDisk;
  readonly metadata: MemoryMetadataStore;
  readonly objects: MemoryObjectStore;
  /** Wall time at which it stands; later lives go on from there. */
  readonly startMs: number;
  readonly seed: number;
};

export type MemoryBrokerOptions = {
  /** Goes on where another broker ended; a new world by default. */
  readonly world?: MemoryWorld;
  readonly config?: Partial<BrokerConfig>;
  readonly log?: LogOutput;
  /** False: it learns of entries by polling, once a second, and when it looks for itself. */
  readonly hearsOfAppends?: boolean;
  /** Where other brokers of its cell are; one of its own by default. */
  readonly network?: MemoryNetwork;
  /** Who cleans compacted topics; inline by default. */
  readonly cleaner?: Cleaner;
  /** Name of the cluster that is there from the start. */
  readonly clusterName?: string;
};

/** A whole broker over ports in memory, real but for what lies behind them, with a client that speaks frames. */
export type MemoryBroker = {
  readonly broker: Broker;
  readonly services: BrokerServices;
  readonly image: Image;
  readonly metadata: MetadataReplica;
  readonly clusterId: string;
  readonly world: MemoryWorld;
  /** Runs with the machine's clock, and jumps ahead of it. */
  readonly clock: ControlledClock;
  readonly network: MemoryNetwork;
  /** Told by the broker that its process must end. */
  readonly fatalErrors: readonly Error[];
  connect(options?: RawClientOptions & { readonly clusterId?: string }): Promise<RawClient>;
  /** Asks over a connection that all calls share; a new one if the broker has closed it. */
  call: RawClient["call"];
  createTopic(name: string, topic?: Omit<NewTopic, "name">): Promise<{ topicId: string }>;
  close(): Promise<void>;
  /** The process is gone, without a goodbye; the world as the next life finds it. */
  crash(options?: CrashOptions): MemoryWorld;
};

export async function startMemoryBroker(options: MemoryBrokerOptions = {}): Promise<MemoryBroker> {
  const world = options.world ?? newWorld();
  const { log = silentLog, clusterName = "default" } = options;
  const clock = createJumpingClock({ startMs: world.startMs });
  const random = createSeededRandom(world.seed);
  const network = options.network ?? createMemoryNetwork({ clock });
  const metadataLog = openMetadataLog(world, options);
  const metadata = await openMetadataReplica({
    log: metadataLog,
    objects: world.objects,
    clock,
    random,
    output: log,
    cell: cellName,
  });
  const ensured = await metadata.submit((image, context) =>
    ensureCluster(image, { name: clusterName }, context),
  );
  if (ensured.kind === "rejected") throw new Error(ensured.message);
  const { clusterId } = ensured.result;
  const fatalErrors: Error[] = [];
  const broker = await createBroker(
    {
      clock,
      random,
      disk: world.disk,
      network,
      metadata,
      objects: world.objects,
      cleaner: options.cleaner ?? createCleaner(createInlinePlace),
      log,
      onFatal: (error) => void fatalErrors.push(error),
    },
    { ...testBrokerConfig, ...options.config },
  );

  const connect: MemoryBroker["connect"] = ({ clusterId: of = clusterId, ...rest } = {}) => {
    const address = broker.address(of);
    if (address === null) throw new Error(`no listener for cluster ${of}`);
    return connectRawClient(network, address, rest);
  };
  let shared: Promise<RawClient> | null = null;
  async function sharedClient(): Promise<RawClient> {
    if (shared !== null && (await shared).isClosed) shared = null;
    shared ??= connect();
    return shared;
  }
  async function end(): Promise<void> {
    await metadata.close();
    await metadataLog.close();
    clock.close();
  }

  return {
    broker,
    services: broker.services,
    image: metadata.image,
    metadata,
    clusterId,
    world,
    clock,
    network,
    fatalErrors,
    connect,
    async call<Request, RequestInput, Response, ResponseInput>(
      request: Message<Request, RequestInput>,
      response: Message<Response, ResponseInput>,
      version: number,
      body: RequestInput,
    ) {
      const client = await sharedClient();
      return client.call(request, response, version, body);
    },
    async createTopic(name, topic = {}) {
      const created = await metadata.submit((image, context) =>
        createTopic(image, { clusterId, topic: { name, ...topic } }, context),
      );
      if (created.kind === "rejected") throw new Error(created.message);
      return created.result;
    },
    async close() {
      await broker.close();
      await end();
    },
    crash(crashOptions) {
      const disk = world.disk.crash(crashOptions);
      const startMs = clock.nowMs();
      network.reset();
      void end();
      return { ...world, disk, startMs, seed: world.seed + 1 };
    },
  };
}

/** Another process of the cell, as the control plane is: a replica of its own on the same log. */
export function openReplicaElsewhere(world: MemoryWorld, clock: Clock): Promise<MetadataReplica> {
  return openMetadataReplica({
    log: world.metadata.open(),
    objects: world.objects,
    clock,
    random: createSeededRandom(world.seed + 1_000),
    output: silentLog,
    cell: cellName,
  });
}

function openMetadataLog(
  { metadata }: MemoryWorld,
  { hearsOfAppends = true }: MemoryBrokerOptions,
): MetadataLog {
  const log = metadata.open();
  return hearsOfAppends ? log : { ...log, onAppend: () => () => undefined };
}

/** The world after a clean end, for the next life. */
export function worldAfter({ world, clock }: MemoryBroker): MemoryWorld {
  return { ...world, startMs: clock.nowMs(), seed: world.seed + 1 };
}

const cellName = "test";
const megabyte = 1024 * 1024;

/** Small where the default is large, so that files roll and the ring turns within a test. */
const testBrokerConfig: BrokerConfig = {
  ...defaultBrokerConfig,
  directory: "/broker-1",
  listen: { host: "127.0.0.1", port: 9092 },
  version: "0.0.0-test",
  log: {
    ringBytes: 8 * megabyte,
    chunkBytes: megabyte,
    fileBytes: 4 * megabyte,
    poolFiles: 1,
    minFreeBytes: megabyte,
  },
  groups: { initialRebalanceDelayMs: 0 },
  stopTimeoutMs: 1_000,
};

function newWorld(): MemoryWorld {
  return {
    disk: createMemoryDisk(),
    metadata: createMemoryMetadataStore(),
    objects: createMemoryObjectStore(),
    startMs: Date.UTC(2026, 0, 1),
    seed: 1,
  };
}
