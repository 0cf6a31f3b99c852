import type { MetadataReplica } from "../metadata/log/replica.ts";
import { allocateProducerIds } from "../metadata/commands/allocate-producer-ids.ts";
import { registerBroker } from "../metadata/commands/register-broker.ts";
import { internalTopic, topicByName } from "../metadata/image/image.ts";
import { maxMetadataLevel, minMetadataLevel } from "../metadata/records/table.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { Network } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import type { BrokerConfig } from "./config.ts";
import { createFetchSessionCache } from "./fetch-sessions/session-cache.ts";
import { createGroups } from "./groups/groups.ts";
import { startHousekeeping } from "./housekeeping.ts";
import type { Identity, IdentityOptions } from "./identity.ts";
import { beginLife, distrustDisk, endCleanly, registered } from "./identity.ts";
import type { KafkaApi } from "./handlers/kafka-api.ts";
import { kafkaApis } from "./handlers/table.ts";
import type { ListenerTable } from "./listeners.ts";
import { createListenerTable } from "./listeners.ts";
import type { LogOutput } from "./log-output.ts";
import type { LogStore } from "./log/log-store.ts";
import { defaultLogStoreConfig, openLogStore } from "./log/log-store.ts";
import { createProducerIds } from "./producer-ids.ts";
import { createAppendGate } from "./replication/append-gate.ts";
import { coordinatorLog } from "./replication/coordinator-log.ts";
import { startRetention } from "./replication/retention-loop.ts";
import { createTopicTable } from "./replication/topic-table.ts";
import type { BrokerServices } from "./services.ts";

/** The world as a broker reaches it. `metadata` is the process's replica of the metadata log, shared with the control plane where both run here. */
export type BrokerPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly metadata: MetadataReplica;
  readonly log: LogOutput;
  /** The broker cannot go on without risking acknowledged data (a failed flush): the process must end. */
  readonly onFatal: (error: Error) => void;
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
  /** Stops accepting, answers what is under way, writes and flushes everything. */
  close(): Promise<void>;
};

/**
 * Starts a broker on its data directory: recovers the log, registers with the cell, takes its leaderships, and listens. Resolves once clients can
 * connect. Throws DirectoryError, NetworkError (a taken port), MetadataLogError, DiskError.
 */
export async function createBroker(ports: BrokerPorts, config: BrokerConfig): Promise<Broker> {
  const { disk, random, clock, log } = ports;
  await disk.makeDirectory(config.directory);
  const life: IdentityOptions = {
    disk,
    random,
    directory: config.directory,
    version: config.version,
  };
  // The lock comes first: two processes on one directory would be two brokers with one id.
  const store = await openLogStore({
    disk,
    clock,
    directory: `${config.directory}/log`,
    config: { ...defaultLogStoreConfig, ...config.log },
    producerLimits: {
      expirationMs: config.producers.expirationMs,
      maxProducers: config.producers.maxPerPartition,
      budget: { used: 0, limit: config.producers.maxPerBroker },
    },
    log,
    onFatal: (error) => {
      void distrustDisk(life, identity).finally(() => ports.onFatal(error));
    },
  });
  const identity = await beginLife(life);
  const listeners = createListenerTable({ ports, config });
  try {
    const address = await listeners.reserve();
    const brokerId = await register(ports, {
      config,
      identity,
      store,
      life,
      advertised: config.advertised ?? address,
    });
    const services = assemble(ports, { brokerId, store, config });
    const stopFollowing = follow(ports, services);
    await services.groups.whenLoaded();
    await listeners.serve(services, ports.apis ?? kafkaApis);
    const stopRetention = startRetention(services, config.retentionCheckMs);
    const stopHousekeeping = startHousekeeping(services);
    const close = async (): Promise<void> => {
      stopRetention();
      stopHousekeeping();
      await listeners.close(config.stopTimeoutMs);
      stopFollowing();
      await services.groups.close();
      await store.close();
      await endCleanly(life, identity);
    };
    return {
      brokerId,
      address: (clusterId) => listeners.address(clusterId),
      services,
      listeners,
      close,
    };
  } catch (error) {
    await listeners.close(0);
    await store.close();
    throw error;
  }
}

type Registration = {
  config: BrokerConfig;
  identity: Identity;
  store: LogStore;
  life: IdentityOptions;
  advertised: { host: string; port: number };
};

async function register(
  { metadata, log }: BrokerPorts,
  { config, identity, store, life, advertised }: Registration,
): Promise<number> {
  const damaged = [...store.partitions()]
    .filter(({ failure }) => failure !== null)
    .map(({ topicId, index }) => ({ topicId, index }));
  const outcome = await metadata.submit((image, context) =>
    registerBroker(
      image,
      {
        brokerId: identity.brokerId,
        directoryId: identity.directoryId,
        incarnation: identity.incarnation,
        storedIncarnations: identity.storedIncarnations,
        previousEnd: identity.previousEnd,
        ephemeral: config.isEphemeral,
        zone: config.zone,
        host: advertised.host,
        port: advertised.port,
        slot: config.slot,
        minLevel: minMetadataLevel,
        maxLevel: maxMetadataLevel,
        damaged,
      },
      context,
    ),
  );
  if (outcome.kind !== "accepted")
    throw new MetadataLogError("unavailable", "the cell refused the broker's registration");
  const { brokerId, isNewId } = outcome.result;
  if (isNewId && identity.brokerId !== null) {
    // Another life of this directory has acknowledged what is not in it: nothing here may answer for that id.
    log.warn(
      "the cell knows a later life of this data directory: it was copied or rolled back, and starts anew",
      {
        formerBroker: identity.brokerId,
        broker: brokerId,
      },
    );
    for (const { topicId, index } of [...store.partitions()]) store.drop(topicId, index);
  }
  await registered(life, identity, brokerId);
  return brokerId;
}

type Assembly = { brokerId: number; store: LogStore; config: BrokerConfig };

function assemble(
  { clock, random, metadata, log }: BrokerPorts,
  { brokerId, store, config }: Assembly,
): BrokerServices {
  const topics = createTopicTable({ brokerId, image: () => metadata.image, store, log });
  return {
    brokerId,
    metadata,
    topics,
    store,
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
    producerIds: createProducerIds(() => producerIdBlock(metadata, brokerId, log)),
    startedWith: config.startedWith,
    clock,
    random,
    log,
  };
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

async function producerIdBlock(metadata: MetadataReplica, brokerId: number, log: LogOutput) {
  try {
    const brokerEpoch = metadata.image.brokers.get(brokerId)?.epoch ?? -1;
    const outcome = await metadata.submit((image) =>
      allocateProducerIds(image, { brokerId, brokerEpoch }),
    );
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

/** Follows the metadata log and the log store; the result stops it. */
function follow({ metadata }: BrokerPorts, services: BrokerServices): () => void {
  const { topics, groups, store } = services;
  topics.onLeadership((topic, partition) => {
    if (topic.topicId !== internalTopic(metadata.image, "__consumer_offsets")?.topicId) return;
    const local = topics.local(topic.topicId);
    if (partition.isLeader && local !== undefined) {
      groups.lead(
        partition.index,
        coordinatorLog({ clock: services.clock, gate: services.gate, topic: local, partition }),
      );
    } else {
      groups.resign(partition.index);
    }
  });
  store.onCommit((logs) => topics.committed(logs));
  store.onResign((logs) => topics.failed(logs));
  topics.follow([{ kind: "reloaded" }]);
  return metadata.onChange((changes) => {
    topics.follow(changes);
    for (const change of changes) {
      if (change.kind === "topicDeleted")
        void groups.dropTopicOffsets(change.topic.clusterId, change.topic.name);
    }
  });
}
