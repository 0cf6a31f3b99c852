import { activeIn, inServiceIn } from "../image/image.ts";
import type { Broker, Image, Partition, Topic } from "../image/image.ts";
import { isSleeping } from "../image/seals.ts";
import { brokersWithLoad } from "../placement/broker-load.ts";
import { createPlacement, defaultReplicationFactor } from "../placement/placement.ts";
import { noLeader } from "../records/partition.ts";
import { topicSettings } from "../settings/topic-settings.ts";
import { elected, numbered, surroundings, withoutMembers } from "./membership.ts";
import type { Surroundings } from "./membership.ts";
import { chooseReplicas, newPartition } from "./new-partitions.ts";
import type { Placement } from "../placement/placement.ts";
import { changePartitions } from "./partition-changes.ts";
import type { FittingChanges } from "./partition-changes.ts";
import { countedEnd, levelOfMoves, recovered } from "./recovery.ts";
import type { ReplicaEnd } from "./recovery.ts";
import type { RegisterBrokerRequest, ReplicaRef } from "./register-broker.ts";
import type { Rules } from "./rules.ts";

type Registering = {
  readonly broker: Broker;
  readonly request: RegisterBrokerRequest;
  readonly rules: Rules;
};

/** Which half of the consequences: a registration too large for one entry has those that take something away first. */
type Step = "all" | "remove" | "elect";

/** What a broker's registration does to the partitions it holds replicas of, and to those that wait for any broker (replication.md C4). */
export function partitionsOnRegistration(
  image: Image,
  registering: Registering,
  step: Step,
): FittingChanges {
  const { broker, request, rules } = registering;
  const { brokerId } = broker;
  const damaged = refSet(request.damaged ?? []);
  const flushed = request.flushed === undefined ? null : refSet(request.flushed);
  const ends = new Map(request.ends?.map((end) => [refOf(end.topicId, end.index), end]));
  const draft = step === "remove" ? null : draftWith(image, broker);
  const mayLead = (id: number) => id === brokerId || activeIn(image)(id);
  return changePartitions(image, (topic) => {
    const isInService = (id: number) => id === brokerId || inServiceIn(image)(id);
    const around = surroundings(image, topic, { mayLead, isInService, rules });
    const isFlushedTopic = topicSettings(image, topic).durability === "fsync";
    return (partition) => {
      if (partition.replicas.length === 0) {
        // Nobody brings a cell that falls asleep more to seal.
        return draft === null || image.sleep.state === "fallingAsleep"
          ? partition
          : placeWaiting({ topic, partition, broker, draft, mayLead });
      }
      if (!partition.replicas.includes(brokerId)) return partition;
      const ref = refOf(topic.topicId, partition.index);
      const isKept =
        broker.previousEnd !== "hostCrash" ||
        !rules.distrustsHostCrash ||
        (isFlushedTopic && (flushed === null || flushed.has(ref)));
      const isMember = isKept && !damaged.has(ref);
      let after = partition;
      if (step !== "elect") after = leftBy(after, { brokerId, isMember, around });
      if (step !== "remove") {
        after = elected(after, around);
        // Whoever is elected may have lost power too, and nobody knows yet: until it confirms that it goes on without this one, what this one has left may be
        // the most there is. Of a sealed partition the object store has all.
        if (!isKept && after.sealed === null && after.lastIsr !== partition.lastIsr)
          after = { ...after, lastIsr: partition.lastIsr };
        const end = damaged.has(ref) ? undefined : ends.get(ref);
        if (!damaged.has(ref)) after = aloneAgain(image, after, { brokerId, end, rules });
      }
      return numbered(partition, after, { isTermEnded: partition.leader === brokerId, rules });
    };
  });
}

/** Its leadership ends in any case; its membership where it may have lost what it acknowledged. */
function leftBy(
  partition: Partition,
  { brokerId, isMember, around }: { brokerId: number; isMember: boolean; around: Surroundings },
): Partition {
  const isLeaving = (id: number) => id === brokerId;
  if (!isMember) return withoutMembers(partition, isLeaving, { around, isUnclean: isLeaving });
  return partition.leader === brokerId ? { ...partition, leader: noLeader } : partition;
}

/**
 * C2b for the one case a broker can decide by itself: it was alone in the last in-sync set, so nobody knows more than it does. What it lost had its
 * offsets, so it goes on above them.
 */
function aloneAgain(
  image: Image,
  partition: Partition,
  { brokerId, end, rules }: { brokerId: number; end: ReplicaEnd | undefined; rules: Rules },
): Partition {
  const { leader, isr, elr, lastIsr, replicas } = partition;
  const isAlone =
    leader === noLeader &&
    isr.length === 0 &&
    elr.length === 0 &&
    lastIsr.every((id) => id === brokerId);
  if (!isAlone) return partition;
  if (image.level < levelOfMoves) {
    // A cell at the first level cannot write where a gap begins.
    const self = replicas.length === 1 ? replicas : [brokerId];
    return { ...partition, leader: brokerId, isr: self, lastIsr: self };
  }
  // Without its end, which the heartbeats will tell, the controller decides.
  if (end === undefined || end.isDamaged === true) return partition;
  const found = {
    leader: brokerId,
    end: countedEnd(partition, end.lastEpoch, end.logEndOffset),
    rules,
  };
  return recovered(partition, found) ?? partition;
}

function refOf(topicId: string, index: number): string {
  return `${topicId}-${index}`;
}

function refSet(refs: readonly ReplicaRef[]): ReadonlySet<string> {
  return new Set(refs.map(({ topicId, index }) => refOf(topicId, index)));
}

function draftWith(image: Image, broker: Broker): Placement {
  // Of those that were there before the cell slept nobody knows who comes back; whose disk goes with its process never does.
  const mayComeBack = (id: number) =>
    !isSleeping(image) && image.brokers.get(id)?.ephemeral === false;
  const others = brokersWithLoad(image).filter(
    ({ brokerId, isActive }) => brokerId !== broker.brokerId && (isActive || mayComeBack(brokerId)),
  );
  const { brokerId, zone, host } = broker;
  const load = image.brokerLoads.get(brokerId) ?? { replicaCount: 0, leaderCount: 0 };
  return createPlacement([...others, { brokerId, zone, host, isActive: true, ...load }]);
}

type Waiting = {
  topic: Topic;
  partition: Partition;
  broker: Broker;
  draft: Placement;
  readonly mayLead: (brokerId: number) => boolean;
};

/** A partition made while no broker was there gets its replicas now. */
function placeWaiting({ topic, partition, broker, draft, mayLead }: Waiting): Partition {
  const brokerCount = draft.candidates.length;
  const wished = topic.requestedReplicationFactor;
  const factor =
    wished === -1 ? defaultReplicationFactor(brokerCount) : Math.min(wished, brokerCount);
  const [replicas = [broker.brokerId]] = chooseReplicas(draft, 1, factor);
  const { index, leaderEpoch, partitionEpoch } = partition;
  const placed = newPartition({ index, replicas, leaderEpoch: leaderEpoch + 1 }, mayLead);
  return { ...placed, partitionEpoch: partitionEpoch + 1 };
}
