import type { Image, Partition } from "../image/image.ts";
import { activeIn } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import type { MetadataRecord } from "../records/table.ts";
import { findBroker } from "./broker-ref.ts";
import type { BrokerErrorCode, BrokerRef } from "./broker-ref.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { elected, numbered, surroundings, withIsr } from "./membership.ts";
import type { Surroundings } from "./membership.ts";
import { changePartitions, inEntries } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

/** What holds a draining broker here. */
export type DrainProgress = {
  readonly leaderCount: number;
  /** Partitions in sync here, led ones included. */
  readonly inSyncCount: number;
  /** Those of them that another replica, not in sync yet, could still relieve it of. With none there is nothing to wait for. */
  readonly waitingCount: number;
};

/**
 * Relieves a broker that is to stop (replication.md C5): it is given nothing new, its leaderships move to others in sync, and it leaves the in-sync sets
 * that have enough without it. Asked again and again, it goes on as others catch up; what is left at the time-out goes with its fencing.
 */
export function drainBroker(
  image: Image,
  request: BrokerRef,
  context: Pick<CommandContext, "rules">,
): Decision<null, BrokerErrorCode> {
  const found = findBroker(image, request);
  if (found.kind === "rejected") return found;
  const { broker } = found;
  const { brokerId } = broker;
  if (broker.state === "fenced") return accepted([], null);
  const first: MetadataRecord[] =
    broker.state === "draining"
      ? []
      : [{ kind: "brokerState", brokerId, state: "draining", isLost: false }];
  const { rules = allRules } = context;
  const isActive = activeIn(image);
  const mayLead = (id: number) => id !== brokerId && isActive(id);
  const changes = changePartitions(image, (topic) => {
    const around = surroundings(image, topic, { mayLead, rules });
    return (partition) => {
      if (!partition.isr.includes(brokerId)) return partition;
      return numbered(partition, relieved(partition, brokerId, around), { rules });
    };
  });
  return inEntries(image, changes, { result: null, first });
}

function relieved(partition: Partition, brokerId: number, around: Surroundings): Partition {
  let after = partition;
  if (partition.leader === brokerId) {
    // Only to a member in sync: to elect an eligible one would lose what this broker has beyond it.
    if (!partition.isr.some((id) => around.mayLead(id))) return partition;
    after = elected({ ...partition, leader: noLeader }, around);
  }
  const rest = after.isr.filter((id) => id !== brokerId);
  return rest.length < around.minIsr(after) ? after : withIsr(after, rest, { around });
}

/** `mayJoin`: which brokers may still come into in-sync sets. */
export function drainProgress(
  image: Image,
  brokerId: number,
  mayJoin: (brokerId: number) => boolean,
): DrainProgress {
  let leaderCount = 0;
  let inSyncCount = 0;
  let waitingCount = 0;
  for (const { partitions } of image.topics.values()) {
    for (const { leader, isr, replicas } of partitions) {
      if (leader === brokerId) leaderCount += 1;
      if (!isr.includes(brokerId)) continue;
      inSyncCount += 1;
      if (replicas.some((id) => !isr.includes(id) && mayJoin(id))) waitingCount += 1;
    }
  }
  return { leaderCount, inSyncCount, waitingCount };
}
