import type { MetadataReplica } from "../metadata/log/replica.ts";
import { allocateProducerIds } from "../metadata/commands/allocate-producer-ids.ts";
import { internalTopic, topicByName } from "../metadata/image/image.ts";
import { refusesRecords } from "../metadata/image/seals.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { Network } from "../ports/network.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Random } from "../ports/random.ts";
import { defaultCellConfig } from "./cell/cell-config.ts";
import type { CellMember } from "./cell/member.ts";
import { createCellMember } from "./cell/member.ts";
import type { TierEnds } from "./cell/tier-ends.ts";
import { createCold } from "./cold/cold.ts";
import { startCold } from "./cold/start-cold.ts";
import { createReporter } from "./cell/report.ts";
import type { Cleaner } from "./compaction/remote-cleaner.ts";
import type { BrokerConfig } from "./config.ts";
import { createFetchSessionCache } from "./fetch-sessions/session-cache.ts";
import { createGroups } from "./groups/groups.ts";
import { startHousekeeping } from "./housekeeping.ts";
import type { Life } from "./identity.ts";
import { createLife } from "./identity.ts";
import type { KafkaApi } from "./handlers/kafka-api.ts";
import { kafkaApis } from "./handlers/table.ts";
import type { ListenerTable } from "./listeners.ts";
import { createListenerTable } from "./listeners.ts";
import type { LogOutput } from "./log-output.ts";
import type { LogStore } from "./log/log-store.ts";
import { defaultLogStoreConfig, openLogStore } from "./log/log-store.ts";
import { startPeriodic } from "./periodic.ts";
import { createProducerIds } from "./producer-ids.ts";
import { createAppendGate } from "./replication/append-gate.ts";
import { coordinatorLog } from "./replication/coordinator-log.ts";
import { createLeadershipRenewal } from "./replication/leadership-renewal.ts";
import { createHandOver } from "./replication/hand-over.ts";
import { startSealBreaker } from "./replication/seal-breaker.ts";
import { startRetention } from "./replication/retention-loop.ts";
import { followingOf } from "./replication/following.ts";
import { createControllerLink } from "./replication/controller-link.ts";
import { createInSyncKeeper } from "./replication/in-sync-keeper.ts";
import { createReplicaFetchers } from "./replication/replica-fetchers.ts";
import type { TopicTable } from "./replication/topic-table.ts";
import { createTopicTable } from "./replication/topic-table.ts";
import { register } from "./registration.ts";
import type { BrokerServices } from "./services.ts";

/** The world as a broker reaches it. `metadata` is the process's replica of the metadata log, shared with the control plane where both run here. */
export type BrokerPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly metadata: MetadataReplica;
  readonly objects: ObjectStore;
  /** Who cleans compacted topics: a thread, or nobody but ourselves where time is simulated. The caller closes it, after the broker. */
  readonly cleaner: Cleaner;
  readonly log: LogOutput;
  /** The broker cannot go on without risking acknowledged data (a failed flush), or its place in the cell was taken: the process must end. */
  readonly onFatal: (error: Error) => void;
  /** The cell sleeps: what this broker holds is in the object store, and its process may close it and end. Absent: it waits for the cell to wake. */
  readonly onAsleep?: () => void;
  /** What is served, instead of every API there is: the test broker's way to answer some requests with an error. */
  readonly apis?: readonly KafkaApi<BrokerServices>[];
};

/** One running Kafka node. */
export type Broker = {
  readonly brokerId: number;
  /** Where clients of the cluster connect; null while its listener is not open. */
  address(clusterId: string): { host: string; port: number } | null;
  readonly services: BrokerServices;
  readonly listeners: ListenerTable;
  /**
   * Hands over to other brokers where there are any (which takes seconds, at most `drainTimeoutMs`), stops accepting, answers what is under way, writes and
   * flushes everything.
   */
  close(): Promise<void>;
};

/**
 * Starts a broker on its data directory: recovers the log, registers with the cell, takes its leaderships, and listens. Resolves once clients can
 * connect. Throws DirectoryError, NetworkError (a taken port), MetadataLogError, DiskError; nothing is left running then.
 */
export async function createBroker(ports: BrokerPorts, config: BrokerConfig): Promise<Broker> {
  const { disk, random, metadata } = ports;
  const { directory, version } = config;
  await disk.makeDirectory(directory);
  const life = createLife({ disk, random, directory, version });
  await using starting = new AsyncDisposableStack();
  // The lock comes first: two processes on one directory would be two brokers with one id.
  const store = await openStore(ports, config, life);
  starting.defer(() => store.close());
  const identity = await life.begin();
  const listeners = createListenerTable({ ports, config });
  starting.defer(() => listeners.close(0));
  const address = await listeners.reserve();
  const registration = await register(ports, {
    config,
    identity,
    store,
    advertised: config.advertised ?? address,
    hasTier: true,
  });
  await life.registered(registration.brokerId);
  const stop = new AbortController();
  const services = assemble(ports, { ...registration, store, config, stopping: stop.signal });
  starting.defer(() => services.groups.close());
  starting.defer(() => services.cell.stop());
  const isPacking = config.packing !== null;
  starting.defer(follow(ports, services, { brokerEpoch: registration.brokerEpoch, isPacking }));
  // Alone, so that no client meets a coordinator that is loading. Among others loading may need them, and they this broker's records.
  if (metadata.image.brokers.size === 1) await services.groups.whenLoaded();
  await listeners.serve(services, ports.apis ?? kafkaApis);
  starting.defer(startRetention(services, config.retentionCheckMs));
  starting.defer(startCold(ports, services, { ...registration, config }));
  starting.defer(startHousekeeping(services));
  const running = starting.move();
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    await services.cell.drain();
    // Whoever waits for records or for other members is answered, so that no connection has to be waited for.
    stop.abort();
    await services.groups.close();
    await listeners.close(config.stopTimeoutMs);
    await running.disposeAsync();
    await life.endCleanly();
  }

  return {
    brokerId: registration.brokerId,
    address: (clusterId) => listeners.address(clusterId),
    services,
    listeners,
    close: () => (closing ??= close()),
  };
}

function openStore(
  { disk, clock, log, onFatal }: BrokerPorts,
  { directory, log: logConfig, producers }: BrokerConfig,
  life: Life,
): Promise<LogStore> {
  return openLogStore({
    disk,
    clock,
    directory: `${directory}/log`,
    config: { ...defaultLogStoreConfig, ...logConfig },
    producerLimits: {
      expirationMs: producers.expirationMs,
      maxProducers: producers.maxPerPartition,
      budget: { used: 0, limit: producers.maxPerBroker },
    },
    log,
    onFatal(error) {
      life
        .distrustDisk()
        .catch((cause: unknown) => {
          // The next start takes the disk at its word where it should not; all that is left is to say so.
          log.error("cannot note that the disk lost writes", { error: String(cause) });
        })
        .finally(() => onFatal(error));
    },
  });
}

type Assembly = {
  brokerId: number;
  brokerEpoch: number;
  store: LogStore;
  config: BrokerConfig;
  stopping: AbortSignal;
};

function assemble(ports: BrokerPorts, assembly: Assembly): BrokerServices {
  const { clock, random, metadata, network, log } = ports;
  const { brokerId, brokerEpoch, store, config, stopping } = assembly;
  const fetchers = createReplicaFetchers({
    selfId: brokerId,
    brokerEpoch,
    network,
    clock,
    log,
    room: (bytes) => roomFor(store, Math.min(bytes, store.maxBatchBytes)),
    addressOf: (id) => metadata.image.brokers.get(id) ?? null,
  });
  const cold = createCold({ ...ports, config, store });
  const { tier, tierWriter, restoring, tierEnds, forgetPacks } = cold;
  const image = () => metadata.image;
  const topics = createTopicTable({
    brokerId,
    brokerEpoch,
    image,
    store,
    clock,
    log,
    following: followingOf(fetchers, tier),
    restoring,
  });
  const controller = createControllerLink({ selfId: brokerId, metadata, network, clock });
  const inSync = createInSyncKeeper({
    self: { brokerId, brokerEpoch },
    clock,
    log,
    image,
    partitions: () => topics.held(),
    ask: (request) => controller.alterPartitions(request),
  });
  return {
    brokerId,
    metadata,
    topics,
    fetchers,
    controller,
    inSync,
    cell: joinCell(ports, assembly, { topics, tierEnds }),
    store,
    tier,
    tierWriter,
    forgetPacks,
    logDirectory: `${config.directory}/log`,
    gate: createAppendGate(store),
    groups: createGroups({
      clock,
      random,
      output: log,
      topics: topicLookup(metadata),
      config: { initialRebalanceDelayMs: config.groups.initialRebalanceDelayMs },
    }),
    sessions: createFetchSessionCache(() => 1 + Math.floor(random.float() * 0x7fff_fffe)),
    producerIds: createProducerIds(() => producerIdBlock(metadata, { brokerId, brokerEpoch }, log)),
    startedWith: config.startedWith,
    stopping,
    clock,
    random,
    log,
  };
}

function roomFor(store: LogStore, bytes: number): Promise<void> | null {
  return store.hasRoom(bytes) ? null : store.room(bytes);
}

function joinCell(
  ports: BrokerPorts,
  { brokerId, brokerEpoch, config }: Assembly,
  { topics, tierEnds }: { topics: TopicTable; tierEnds: TierEnds },
): CellMember {
  const { clock, random, metadata, network, log, onFatal } = ports;
  const { onAsleep = () => undefined } = ports;
  const { image } = metadata;
  return createCellMember({
    self: { brokerId, brokerEpoch },
    config: { ...defaultCellConfig, ...config.cell },
    metadata,
    network,
    clock,
    random,
    log,
    tierEnds,
    reporter: createReporter({ selfId: brokerId, clock, image, topics }),
    onReplaced: onFatal,
    onAsleep,
  });
}

function topicLookup({ image }: MetadataReplica) {
  const found = (
    topic: { name: string; topicId: string; partitions: readonly unknown[] } | undefined,
  ) =>
    topic === undefined
      ? null
      : { name: topic.name, topicId: topic.topicId, partitionCount: topic.partitions.length };
  return {
    byName: (clusterId: string, name: string) => found(topicByName(image, clusterId, name)),
    byId(clusterId: string, topicId: string) {
      const topic = image.topics.get(topicId);
      return found(topic?.clusterId === clusterId ? topic : undefined);
    },
  };
}

async function producerIdBlock(
  metadata: MetadataReplica,
  broker: { brokerId: number; brokerEpoch: number },
  log: LogOutput,
) {
  try {
    const outcome = await metadata.submit((image) => allocateProducerIds(image, broker));
    if (outcome.kind === "accepted") return outcome.result;
    log.error("this broker was registered anew elsewhere and gets no producer ids", {
      error: outcome.error,
    });
  } catch (error) {
    if (!(error instanceof MetadataLogError)) throw error;
    log.warn("no producer ids can be had while the metadata log does not answer", {
      error: error.message,
    });
  }
  return null;
}

/** A group's coordinator is whoever leads its partition of the internal topic. */
function followCoordinators(
  metadata: MetadataReplica,
  services: BrokerServices,
  isPacking: boolean,
): void {
  const { topics, groups } = services;
  topics.onLeadership((topic, partition) => {
    if (topic.topicId !== internalTopic(metadata.image, "__consumer_offsets")?.topicId) return;
    const local = topics.local(topic.topicId);
    if (partition.isLeader && local !== undefined) {
      groups.lead(
        partition.index,
        coordinatorLog({
          clock: services.clock,
          gate: services.gate,
          topic: local,
          partition,
          refusesRecords: () =>
            refusesRecords(metadata.image, local.topic.partitions[partition.index]),
          cold: services,
          isPacking,
        }),
      );
    } else {
      groups.resign(partition.index);
    }
  });
}

const handOverMs = 1_000;

/** Follows the metadata log and the log store; the result stops it. */
function follow(
  { metadata, clock, log }: BrokerPorts,
  services: BrokerServices,
  { brokerEpoch, isPacking }: { readonly brokerEpoch: number; readonly isPacking: boolean },
): () => Promise<void> {
  const { brokerId, topics, fetchers, controller, inSync, groups, store } = services;
  const renewal = createLeadershipRenewal({ brokerId, brokerEpoch, metadata, clock, log });
  topics.onUnfit((failed) => renewal.resign([failed]));
  followCoordinators(metadata, services, isPacking);
  store.onCommit((logs) => {
    topics.committed(logs);
    fetchers.settled(logs);
  });
  store.onResign((logs) => {
    renewal.resign(topics.failed(logs));
    fetchers.settled(logs);
  });
  const handOver = createHandOver({
    brokerId,
    image: () => metadata.image,
    partitions: () => topics.held(),
    resign: (leaving) => renewal.resign(leaving),
  });
  const stopHandingOver = startPeriodic({
    clock,
    intervalMs: handOverMs,
    round: async () => handOver(),
    failed: (error) => log.error("leaderships could not be handed over", { error: String(error) }),
  });
  const stopBreakingSeals = startSealBreaker({
    self: { brokerId, brokerEpoch },
    metadata,
    clock,
    log,
    partitions: () => topics.held(),
  });
  topics.follow([{ kind: "reloaded" }]);
  const stopFollowing = metadata.onChange((changes) => {
    topics.follow(changes);
    for (const change of changes) {
      if (change.kind === "topicDeleted")
        void groups.dropTopicOffsets(change.topic.clusterId, change.topic.name);
      if (change.kind === "brokerRegistered") fetchers.leaderRegistered(change.brokerId);
      if (change.kind === "reloaded") fetchers.reloaded();
      // Who has everything and was only not in service joins now, and does not ask again for what is at rest.
      if (change.kind === "brokerStateChanged") inSync.lookAtAll();
    }
  });
  return async () => {
    stopFollowing();
    await stopHandingOver();
    await stopBreakingSeals();
    renewal.stop();
    inSync.stop();
    controller.close();
    await fetchers.stop();
  };
}
