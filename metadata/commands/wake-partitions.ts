import { activeIn } from "../image/image.ts";
import type { Image, Partition, Topic } from "../image/image.ts";
import { isNeverLed, isSleeping } from "../image/seals.ts";
import { brokersWithLoad } from "../placement/broker-load.ts";
import { createPlacement, defaultReplicationFactor } from "../placement/placement.ts";
import type { Placement } from "../placement/placement.ts";
import { noBrokers, noLeader } from "../records/partition.ts";
import { cellSleepRecord } from "../records/cell.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { ledFromSeal, numbered } from "./membership.ts";
import { chooseReplicas, newPartition } from "./new-partitions.ts";
import { changePartitions, inEntries } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

/**
 * Gives the partitions that no broker must keep to the brokers that are there (storage.md, "Sleep, wake, drain to nothing"): those that are sealed, and
 * those that nobody has led yet, where none of their replicas is in service. Of a sealed one the first replica leads, alone in sync, and begins where the
 * seal ends; the others follow it from there. Only in a cell that is awake, and only on brokers that are in service.
 */
export function wakePartitions(
  image: Image,
  context: Pick<CommandContext, "rules">,
): Decision<{ readonly wokenCount: number }, never> {
  const isNothing = image.leaderlessCount === 0 || isSleeping(image);
  if (isNothing || image.level < cellSleepRecord.since) return accepted([], { wokenCount: 0 });
  const present = brokersWithLoad(image).filter(({ isActive }) => isActive);
  if (present.length === 0) return accepted([], { wokenCount: 0 });
  const { rules = allRules } = context;
  const draft = createPlacement(present);
  const isActive = activeIn(image);
  const changes = changePartitions(image, (topic) => (partition) => {
    if (!waitsForAnyBroker(image, partition)) return partition;
    return numbered(partition, placed({ topic, partition, draft, isActive }), { rules });
  });
  return inEntries(image, changes, { result: { wokenCount: changes.changes.length } });
}

/** It has no leader, needs none of its replicas back, and none is in service that could lead it. */
export function waitsForAnyBroker(image: Image, partition: Partition): boolean {
  const { leader, replicas, sealed } = partition;
  if (leader !== noLeader) return false;
  if (replicas.some(activeIn(image))) return false;
  if (sealed !== null || replicas.length === 0) return true;
  // Somebody may have named these brokers: they are waited for where their disks may come back.
  return isNeverLed(partition) && replicas.every((id) => image.brokers.get(id)?.ephemeral ?? true);
}

type Placing = {
  readonly topic: Topic;
  readonly partition: Partition;
  readonly draft: Placement;
  readonly isActive: (brokerId: number) => boolean;
};

function placed({ topic, partition, draft, isActive }: Placing): Partition {
  const { length: brokerCount } = draft.candidates;
  const wished = topic.requestedReplicationFactor;
  const factor =
    wished === -1 ? defaultReplicationFactor(brokerCount) : Math.min(wished, brokerCount);
  const [replicas = noBrokers] = chooseReplicas(draft, 1, factor);
  const [first] = replicas;
  if (first === undefined) return partition;
  const { index, leaderEpoch, partitionEpoch, sealed } = partition;
  if (sealed === null)
    return { ...newPartition({ index, replicas, leaderEpoch }, isActive), partitionEpoch };
  return ledFromSeal(
    { ...partition, replicas, adding: noBrokers, removing: noBrokers, isr: noBrokers },
    first,
  );
}
