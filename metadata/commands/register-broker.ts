import { activeIn } from "../image/image.ts";
import type { Broker, Image } from "../image/image.ts";
import type { MetadataRecord } from "../records/table.ts";
import type { CommandContext, Decision } from "./command.ts";
import { inEntries, noChanges } from "./partition-changes.ts";
import { partitionsOnRegistration } from "./registration-changes.ts";
import type { ReplicaEnd } from "./recovery.ts";
import { rules as allRules } from "./rules.ts";
import { wakeRecords } from "./sleep-cell.ts";

export type RegisterBrokerRequest = Pick<
  Broker,
  | "directoryId"
  | "ephemeral"
  | "zone"
  | "host"
  | "slot"
  | "port"
  | "minLevel"
  | "maxLevel"
  | "previousEnd"
> & {
  /** The id the data directory holds; null if it is new. */
  readonly brokerId: number | null;
  /** Drawn for this start, and stored in the directory before this call. */
  readonly incarnation: string;
  /** Those the directory held before: of its last start and, if that stopped halfway, of the one it was about to make. */
  readonly storedIncarnations: readonly string[];
  /** Replicas that recovery found damaged: they leave the in-sync set. */
  readonly damaged?: readonly ReplicaRef[];
  /**
   * Replicas whose log was flushed, and says so itself, before each of its records was acknowledged: even a host crash took nothing from them. Those of
   * topics with durability `fsync` keep their membership. Absent: the topics' settings alone decide.
   */
  readonly flushed?: readonly ReplicaRef[];
  /** Ends of the logs of its replicas: whoever was alone in sync, and may have lost records, goes on far above its end. */
  readonly ends?: readonly ReplicaEnd[];
};

export type ReplicaRef = { readonly topicId: string; readonly index: number };

export type RegisteredBroker = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The cell does not take the directory for what it was: a new id, and nothing in the directory counts. */
  readonly isNewId: boolean;
};

/**
 * A broker's start (replication.md C4). Its leaderships end; it is electable again where it kept its membership. In one entry if that holds all
 * changes; else removals first, then the registration, then elections, so that every prefix is safe. A cell that sleeps wakes with it.
 */
export function registerBroker(
  image: Image,
  request: RegisterBrokerRequest,
  context: CommandContext,
): Decision<RegisteredBroker, never> {
  const known = knownBroker(image, request);
  const rules = context.rules ?? allRules;
  if (known?.incarnation === request.incarnation) {
    const isNewId = known.brokerId !== request.brokerId;
    const result = { brokerId: known.brokerId, brokerEpoch: known.epoch, isNewId };
    const registering = { broker: known, request, rules };
    // A fence that came between has had its say: the broker leads again when the controller has heard of it.
    const mayLead = activeIn(image)(known.brokerId);
    const elections = mayLead ? partitionsOnRegistration(image, registering, "elect") : noChanges;
    return inEntries(image, elections, { result });
  }
  const broker = registration(image, request, { known, context });
  const registering = { broker, request, rules };
  const result = { brokerId: broker.brokerId, brokerEpoch: broker.epoch, isNewId: known === null };
  const last: MetadataRecord[] = [
    ...controllerRecords(image, broker.brokerId),
    { kind: "broker", ...broker },
    // Whoever comes while it falls asleep, comes to go on with that.
    ...(image.sleep.state === "asleep" ? wakeRecords(image) : []),
  ];
  const all = partitionsOnRegistration(image, registering, "all");
  if (all.areAll) return inEntries(image, all, { result, last });
  const removals = partitionsOnRegistration(image, registering, "remove");
  return { ...inEntries(image, removals, { result, last }), isIncomplete: true };
}

/**
 * The broker this directory is. A directory whose latest incarnation is not the one the cell saw last is a copy that was rolled back: another
 * life of it has acknowledged what it does not hold, so it must not answer for that id.
 */
function knownBroker(image: Image, request: RegisterBrokerRequest): Broker | null {
  if (request.brokerId === null) return continued(image, request);
  const broker = image.brokers.get(request.brokerId);
  if (broker === undefined || broker.directoryId !== request.directoryId) {
    return continued(image, request);
  }
  const isSameLife =
    broker.incarnation === request.incarnation ||
    request.storedIncarnations.includes(broker.incarnation);
  return isSameLife ? broker : continued(image, request);
}

/** This start's own registration under a new id, a moment ago: its elections take several entries, or its reply was lost. */
function continued(image: Image, request: RegisterBrokerRequest): Broker | null {
  for (const broker of image.brokers.values()) {
    if (broker.incarnation === request.incarnation && broker.directoryId === request.directoryId) {
      return broker;
    }
  }
  return null;
}

function registration(
  image: Image,
  request: RegisterBrokerRequest,
  { known, context }: { known: Broker | null; context: CommandContext },
): Broker {
  return {
    brokerId: known?.brokerId ?? image.nextBrokerId,
    epoch: context.revision,
    incarnation: request.incarnation,
    directoryId: request.directoryId,
    ephemeral: request.ephemeral,
    zone: request.zone,
    host: request.host,
    slot: request.slot,
    port: request.port,
    minLevel: request.minLevel,
    maxLevel: request.maxLevel,
    previousEnd: known === null ? "new" : request.previousEnd,
    state: "active",
    registeredAtMs: context.nowMs,
    isLost: false,
    // What an operator wants of a broker does not end with its process.
    evacuation: known?.evacuation ?? null,
  };
}

/** The controller that starts anew does not decide until it has taken over again (C0). */
function controllerRecords(image: Image, brokerId: number): MetadataRecord[] {
  const { controller } = image;
  if (controller.brokerId !== brokerId) return [];
  return [{ kind: "controller", brokerId: null, epoch: controller.epoch }];
}
