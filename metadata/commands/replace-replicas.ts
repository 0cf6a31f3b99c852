import { activeIn, evacuatedIn } from "../image/image.ts";
import type { Image, Partition, Topic } from "../image/image.ts";
import { isSleeping } from "../image/seals.ts";
import { defaultReplicationFactor, placeBeside } from "../placement/placement.ts";
import type { Placement } from "../placement/placement.ts";
import { noLeader } from "../records/partition.ts";
import { movingPartitions } from "./advance-moves.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { numbered, surroundings } from "./membership.ts";
import { placementDraft } from "./new-partitions.ts";
import { fitting, inEntries } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { levelOfMoves } from "./recovery.ts";
import { isMoving, moved, targetReplicas } from "./replica-moves.ts";
import { rules as allRules } from "./rules.ts";

export type MoveLimit = {
  /** Partitions that may move at one time, those that already do included: each new replica copies its log. */
  readonly maxMoving: number;
};

export type BegunMoves = {
  readonly begunCount: number;
  /** More is to be done once some of these are. */
  readonly isMoreLeft: boolean;
};

/**
 * Gives the replicas of brokers that are gone to the least loaded brokers of their zones (replication.md C7), those first that fewest members keep. A
 * partition without a leader keeps whoever may know most. Where no broker is free the replica stays and waits for its own.
 */
export function replaceReplicas(
  image: Image,
  request: MoveLimit & { readonly brokerIds: readonly number[] },
  context: Pick<CommandContext, "rules">,
): Decision<BegunMoves, never> {
  // One that is back by now holds what it held; and it must not be chosen for its own place, or for another's.
  const isGone = (id: number) => {
    const broker = image.brokers.get(id);
    if (broker === undefined) return true;
    return broker.state === "fenced" && request.brokerIds.includes(id);
  };
  const placement = placementDraft(image);
  const found: { topic: Topic; partition: Partition }[] = [];
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const gone = targetReplicas(partition).filter(isGone);
      if (gone.length > 0 && !gone.some((id) => isNeeded(partition, id))) {
        found.push({ topic, partition });
      }
    }
  }
  found.sort((left, right) => left.partition.isr.length - right.partition.isr.length);
  return begin(image, found, {
    ...request,
    context,
    targetOf: (_, partition) => replaced(image, placement, { partition, isGone }),
  });
}

/** Whether the partition is lost, or waits, without this replica. */
function isNeeded({ leader, isr, elr, lastIsr }: Partition, id: number): boolean {
  return leader === noLeader && [isr, elr, lastIsr].some((members) => members.includes(id));
}

function replaced(
  image: Image,
  placement: Placement,
  { partition, isGone }: { partition: Partition; isGone: (brokerId: number) => boolean },
): number[] {
  const target = [...targetReplicas(partition)];
  const isActive = activeIn(image);
  for (const [position, id] of target.entries()) {
    if (!isGone(id)) continue;
    // Those on their way out count too: they serve until the move is done.
    const beside = [...new Set([...target, ...partition.replicas])].filter((each) => !isGone(each));
    const zone = image.brokers.get(id)?.zone ?? null;
    // Where everybody else is here already, one that was to go stays: a move that never ends keeps them all.
    const successor =
      placeBeside(placement, beside, zone) ??
      partition.removing.find((each) => !target.includes(each) && !isGone(each) && isActive(each));
    if (successor !== undefined) target[position] = successor;
  }
  return target;
}

/**
 * Brings partitions to the replicas they are to have: as many as they were to have, as brokers come (replication.md C9), and none on a broker that is
 * emptied. That one keeps its replica until another is in sync in its place, and for good where no other broker is free. Neither is urgent: half of the
 * moves are left to those who replace what is gone.
 */
export function growTopics(
  image: Image,
  request: MoveLimit,
  context: Pick<CommandContext, "rules">,
): Decision<BegunMoves, never> {
  const placement = placementDraft(image);
  const activeCount = placement.candidates.filter(({ isActive }) => isActive).length;
  const isGone = evacuatedIn(image);
  // Usually nobody is: then there are no replicas to look at, only how many they are.
  const isAnyGone = [...image.brokers.keys()].some(isGone);
  const isSmall = (wished: number, partition: Partition) =>
    partition.replicas.length < wished && !isMoving(partition);
  const found: { topic: Topic; partition: Partition }[] = [];
  for (const topic of image.topics.values()) {
    const wished = wishedFactor(topic, activeCount);
    for (const partition of topic.partitions) {
      const isMisplaced = isAnyGone && partition.replicas.some(isGone);
      if (!isMisplaced && !isSmall(wished, partition)) continue;
      if (partition.leader !== noLeader) found.push({ topic, partition });
    }
  }
  const maxMoving = Math.ceil(request.maxMoving / 2);
  return begin(image, found, {
    maxMoving,
    context,
    targetOf(topic, partition) {
      const target = replaced(image, placement, { partition, isGone });
      const wished = wishedFactor(topic, activeCount);
      while (isSmall(wished, partition) && target.length < wished) {
        const next = placeBeside(placement, target, null);
        if (next === null) break;
        target.push(next);
      }
      return target;
    },
  });
}

function wishedFactor({ requestedReplicationFactor }: Topic, brokerCount: number): number {
  return requestedReplicationFactor === -1
    ? defaultReplicationFactor(brokerCount)
    : Math.min(requestedReplicationFactor, brokerCount);
}

type Beginning = MoveLimit & {
  readonly context: Pick<CommandContext, "rules">;
  readonly targetOf: (topic: Topic, partition: Partition) => readonly number[];
};

function begin(
  image: Image,
  found: readonly { topic: Topic; partition: Partition }[],
  { maxMoving, context, targetOf }: Beginning,
): Decision<BegunMoves, never> {
  const nothing = { begunCount: 0, isMoreLeft: false };
  // Who is gone for the night has nothing that is missed.
  if (image.level < levelOfMoves || found.length === 0 || isSleeping(image)) {
    return accepted([], nothing);
  }
  const { rules = allRules } = context;
  let free = maxMoving;
  for (const each of movingPartitions(image)) free -= each.partition.adding.length > 0 ? 1 : 0;
  const changes: PartitionChange[] = [];
  let isMoreLeft = false;
  for (const { topic, partition } of found) {
    const isCounted = partition.adding.length > 0;
    if (free <= 0 && !isCounted) {
      isMoreLeft = true;
      continue;
    }
    const target = targetOf(topic, partition);
    const after = moved(partition, target, surroundings(image, topic, { rules }));
    if (after.kind === "refused" || isUnchanged(partition, target)) continue;
    const { topicId } = topic;
    const numberedAfter = numbered(partition, after.partition, { rules });
    changes.push({ topicId, before: partition, after: numberedAfter });
    if (!isCounted) free -= 1;
  }
  const result = { begunCount: changes.length, isMoreLeft };
  return inEntries(image, fitting(image, changes), { result });
}

function isUnchanged(partition: Partition, target: readonly number[]): boolean {
  const before = targetReplicas(partition);
  return before.length === target.length && before.every((id, index) => id === target[index]);
}
