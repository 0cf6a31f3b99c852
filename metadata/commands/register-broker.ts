import type { Broker, Image, Partition, Topic } from "../image/image.ts";
import { brokersWithLoad } from "../placement/broker-load.ts";
import { defaultReplicationFactor } from "../placement/placement.ts";
import { noBrokers } from "../records/partition.ts";
import type { MetadataRecord } from "../records/table.ts";
import { topicSettings } from "../settings/topic-settings.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { countFittingEntry, recordsOf } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { activeIn, chooseReplicas, newPartition } from "./new-partitions.ts";
import type { PlacementDraft } from "./new-partitions.ts";

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
  readonly damaged?: readonly { readonly topicId: string; readonly index: number }[];
};

export type RegisteredBroker = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The cell does not take the directory for what it was: a new id, and nothing in the directory counts. */
  readonly isNewId: boolean;
};

/**
 * A broker's start (replication.md C4). Its leaderships end; it is electable again where it kept its membership. In one entry if that holds all
 * changes; else removals first, then the registration, then elections, so that every prefix is safe.
 */
export function registerBroker(
  image: Image,
  request: RegisterBrokerRequest,
  context: CommandContext,
): Decision<RegisteredBroker, never> {
  const known = knownBroker(image, request);
  if (known?.incarnation === request.incarnation) {
    const isNewId = known.brokerId !== request.brokerId;
    const result = { brokerId: known.brokerId, brokerEpoch: known.epoch, isNewId };
    const elections = partitionChanges(image, known, { request, step: "elect" });
    return inChunks(elections, result);
  }
  const broker = registration(image, request, { known, context });
  const { brokerId } = broker;
  const result = { brokerId, brokerEpoch: broker.epoch, isNewId: known === null };
  const record: MetadataRecord = { kind: "broker", ...broker };
  const changes = partitionChanges(image, broker, { request, step: "all" });
  if (fitsEntry(changes)) {
    return accepted([...recordsOf(changes), ...controllerRecords(image, brokerId), record], result);
  }
  const removals = partitionChanges(image, broker, { request, step: "remove" });
  if (!fitsEntry(removals)) return inChunks(removals, result);
  const records = [...recordsOf(removals), ...controllerRecords(image, brokerId), record];
  return { kind: "accepted", records, result, isIncomplete: true };
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
  };
}

/** The controller that starts anew does not decide until it has taken over again (C0). */
function controllerRecords(image: Image, brokerId: number): MetadataRecord[] {
  const { controller } = image;
  if (controller.brokerId !== brokerId) return [];
  return [{ kind: "controller", brokerId: null, epoch: controller.epoch }];
}

type Step = "all" | "remove" | "elect";

function partitionChanges(
  image: Image,
  broker: Broker,
  { request, step }: { request: RegisterBrokerRequest; step: Step },
): PartitionChange[] {
  const damaged = new Set(request.damaged?.map(({ topicId, index }) => `${topicId}-${index}`));
  const draft = step === "remove" ? null : draftWith(image, broker);
  const changes: PartitionChange[] = [];
  for (const topic of image.topics.values()) {
    const survivesHostCrash = broker.previousEnd !== "hostCrash" || isFlushed(image, topic);
    for (const partition of topic.partitions) {
      let after: Partition | null = partition;
      if (partition.replicas.length === 0) {
        after = draft === null ? null : placeWaiting({ image, topic, partition, broker, draft });
      } else if (partition.replicas.includes(broker.brokerId)) {
        const isMember =
          step === "elect" ||
          (survivesHostCrash && !damaged.has(`${topic.topicId}-${partition.index}`));
        if (step !== "elect") after = withoutLeadership(partition, broker.brokerId, isMember);
        if (step !== "remove") after = elected(image, after, broker.brokerId);
        after = withEpochs(partition, after, broker.brokerId);
      }
      if (after !== null && after !== partition) changes.push({ topicId: topic.topicId, after });
    }
  }
  return changes;
}

/** Flushed before it was acknowledged, so that even a host crash took nothing (durability fsync). */
function isFlushed(image: Image, topic: Topic): boolean {
  return topicSettings(image, topic).durability === "fsync";
}

function withoutLeadership(partition: Partition, brokerId: number, isMember: boolean): Partition {
  const leader = partition.leader === brokerId ? -1 : partition.leader;
  const without = (ids: readonly number[]) =>
    isMember || !ids.includes(brokerId) ? ids : ids.filter((id) => id !== brokerId);
  const isr = without(partition.isr);
  const elr = without(partition.elr);
  if (leader === partition.leader && isr === partition.isr && elr === partition.elr) {
    return partition;
  }
  return { ...partition, leader, isr, elr };
}

/**
 * C2: the first live replica, in preferred order, of the in-sync set, else of the eligible ones. C2b for the one case a single broker can
 * decide: it was alone in the last in-sync set, so nobody knows more than it does.
 */
function elected(image: Image, partition: Partition, brokerId: number): Partition {
  if (partition.leader !== -1) return partition;
  const { replicas, isr, elr, lastIsr } = partition;
  const isLive = liveWith(image, brokerId);
  const inSync = replicas.find((id) => isr.includes(id) && isLive(id));
  if (inSync !== undefined) {
    return { ...partition, leader: inSync, lastIsr: elr.length === 0 ? isr : [...isr, ...elr] };
  }
  const eligible = replicas.find((id) => elr.includes(id) && isLive(id));
  if (eligible !== undefined) {
    const rest = elr.filter((id) => id !== eligible);
    return {
      ...partition,
      leader: eligible,
      isr: [eligible],
      elr: rest,
      lastIsr: [...isr, ...elr],
    };
  }
  const isAlone = isr.length === 0 && elr.length === 0 && lastIsr.every((id) => id === brokerId);
  if (!isAlone) return partition;
  const self = replicas.length === 1 ? replicas : [brokerId];
  return { ...partition, leader: brokerId, isr: self, elr: noBrokers, lastIsr: self };
}

/** Every change counts in partitionEpoch; every end or start of a leadership in leaderEpoch. */
function withEpochs(before: Partition, after: Partition, brokerId: number): Partition {
  if (after === before) return before;
  const isTermEnded = before.leader === brokerId || before.leader !== after.leader;
  return {
    ...after,
    leaderEpoch: before.leaderEpoch + (isTermEnded ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
  };
}

/** Active brokers, and the one that is just registering. */
function liveWith(image: Image, brokerId: number): (id: number) => boolean {
  const isActive = activeIn(image);
  return (id) => id === brokerId || isActive(id);
}

function draftWith(image: Image, broker: Broker): PlacementDraft {
  const others = brokersWithLoad(image).filter(({ brokerId }) => brokerId !== broker.brokerId);
  const { brokerId, zone, host } = broker;
  const self = { brokerId, zone, host, isActive: true, replicaCount: 0, leaderCount: 0 };
  return { brokers: [...others, self] };
}

type Waiting = {
  image: Image;
  topic: Topic;
  partition: Partition;
  broker: Broker;
  draft: PlacementDraft;
};

/** A partition made while no broker was there gets its replicas now. */
function placeWaiting({ image, topic, partition, broker, draft }: Waiting): Partition {
  const brokerCount = draft.brokers.length;
  const wished = topic.requestedReplicationFactor;
  const factor =
    wished === -1 ? defaultReplicationFactor(brokerCount) : Math.min(wished, brokerCount);
  const [replicas = [broker.brokerId]] = chooseReplicas(draft, 1, factor);
  const { index, leaderEpoch, partitionEpoch } = partition;
  const isLive = liveWith(image, broker.brokerId);
  const placed = newPartition({ index, replicas, leaderEpoch: leaderEpoch + 1 }, isLive);
  return { ...placed, partitionEpoch: partitionEpoch + 1 };
}

function fitsEntry(changes: readonly PartitionChange[]): boolean {
  return countFittingEntry(changes) === changes.length;
}

function inChunks(
  changes: readonly PartitionChange[],
  result: RegisteredBroker,
): Decision<RegisteredBroker, never> {
  const count = countFittingEntry(changes);
  const records = recordsOf(changes.slice(0, count));
  if (count === changes.length) return accepted(records, result);
  return { kind: "accepted", records, result, isIncomplete: true };
}
