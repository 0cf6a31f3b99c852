import type { RegisteredBroker } from "../metadata/commands/register-broker.ts";
import { registerBroker } from "../metadata/commands/register-broker.ts";
import type { ReplicaEnd } from "../metadata/commands/recovery.ts";
import type { MetadataReplica } from "../metadata/log/replica.ts";
import { patiently } from "../metadata/log/patience.ts";
import { maxMetadataLevel, minMetadataLevel } from "../metadata/records/table.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { Clock } from "../ports/clock.ts";
import type { BrokerConfig } from "./config.ts";
import type { Identity } from "./identity.ts";
import type { LogOutput } from "./log-output.ts";
import type { LogStore } from "./log/log-store.ts";
import type { PartitionLog } from "./log/partition-log.ts";

type RegisteringPorts = {
  readonly metadata: MetadataReplica;
  readonly clock: Clock;
  readonly log: LogOutput;
};

type Registering = {
  readonly config: BrokerConfig;
  readonly identity: Identity;
  readonly store: LogStore;
  readonly advertised: { readonly host: string; readonly port: number };
  /** The object store holds records of the cell. */
  readonly hasTier: boolean;
};

/** Registers this life of the directory with the cell (replication.md C4). Throws MetadataLogError. */
export async function register(
  { metadata, clock, log }: RegisteringPorts,
  { config, identity, store, advertised, hasTier }: Registering,
): Promise<RegisteredBroker> {
  const damaged = [...store.partitions()]
    .filter(({ failure }) => failure !== null)
    .map(({ topicId, index }) => ({ topicId, index }));
  const flushed = [...store.partitions()]
    .filter(isSafe)
    .map(({ topicId, index }) => ({ topicId, index }));
  // An attempt whose answer was lost has registered this life; once more is as if it had begun again.
  const submit = () =>
    metadata.submit((image, context) =>
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
          flushed,
          // Only after a crash of the host is there a question of who holds most; where the object store may hold more, the controller asks it first.
          ends: identity.previousEnd === "hostCrash" && !hasTier ? logEnds(store) : [],
        },
        context,
      ),
    );
  const outcome = await patiently({ clock, output: log }, submit);
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
    for (const { topicId, index } of Array.from(store.partitions())) store.drop(topicId, index);
  }
  return outcome.result;
}

/** It has lost nothing that it answered for, whatever became of the host. */
const isSafe = ({ isFlushedFirst, failure }: PartitionLog): boolean =>
  isFlushedFirst && failure === null;

function logEnds(store: LogStore): ReplicaEnd[] {
  return Array.from(store.partitions(), (log) => ({
    topicId: log.topicId,
    index: log.index,
    lastEpoch: log.leaderEpoch,
    logEndOffset: log.logEndOffset,
    highWatermark: log.highWatermark,
    isDamaged: log.failure !== null,
  }));
}
