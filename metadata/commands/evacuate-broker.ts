import { activeIn, evacuatedIn } from "../image/image.ts";
import type { Broker, Image, Partition } from "../image/image.ts";
import type { Evacuation } from "../records/broker.ts";
import { noLeader } from "../records/partition.ts";
import type { MetadataRecord } from "../records/table.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import { elected, numbered, surroundings } from "./membership.ts";
import { changePartitions, inEntries } from "./partition-changes.ts";
import type { FittingChanges } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

export type EvacuationErrorCode =
  | "BROKER_ID_NOT_REGISTERED"
  | "INVALID_REQUEST"
  | "UNSUPPORTED_VERSION";

/** Metadata level that can say that a broker is emptied. */
const levelOfEvacuations = 3;

export type BrokerEvacuation = { readonly brokerId: number; readonly evacuation: Evacuation };

/**
 * Begins an operator's drain: the broker is given nothing new and its leaderships go to others in sync at once; growTopics then moves its replicas, a
 * bounded number at a time, whoever is controller. Unlike drainBroker it leaves no in-sync set: nothing is less safe while its copies are made. Asked
 * again, it goes on with the leaderships that came back.
 */
export function evacuateBroker(
  image: Image,
  { brokerId }: { readonly brokerId: number },
  context: CommandContext,
): Decision<BrokerEvacuation, EvacuationErrorCode> {
  const found = findAny(image, brokerId);
  if (found.kind === "rejected") return found;
  if (image.level < levelOfEvacuations) {
    const message = `metadata level ${image.level} knows no drains that operators ask for; the controller raises it a day after every broker knows ${levelOfEvacuations}`;
    return rejected("UNSUPPORTED_VERSION", message);
  }
  const isOpen = openIn(image);
  if (![...image.brokers.keys()].some((id) => id !== brokerId && isOpen(id))) {
    const message = `no other broker is active and not being drained: there is nowhere to move what broker ${brokerId} holds`;
    return rejected("INVALID_REQUEST", message);
  }
  const evacuation = found.broker.evacuation ?? {
    revision: context.revision,
    startedAtMs: context.nowMs,
    replicaCount: image.brokerLoads.get(brokerId)?.replicaCount ?? 0,
  };
  const first: MetadataRecord[] =
    found.broker.evacuation === null ? [{ kind: "brokerEvacuation", brokerId, evacuation }] : [];
  const relieved = withoutLeaderships(image, brokerId, context);
  return inEntries(image, relieved, { result: { brokerId, evacuation }, first });
}

/** Takes an operator's drain back. Moves that have begun go on: each is whole in itself. */
export function endEvacuation(
  image: Image,
  { brokerId }: { readonly brokerId: number },
): Decision<{ readonly ended: Evacuation | null }, EvacuationErrorCode> {
  const found = findAny(image, brokerId);
  if (found.kind === "rejected") return found;
  const ended = found.broker.evacuation;
  const first: MetadataRecord[] =
    ended === null ? [] : [{ kind: "brokerEvacuation", brokerId, evacuation: null }];
  return accepted(first, { ended });
}

function findAny(
  image: Image,
  brokerId: number,
): { kind: "found"; broker: Broker } | Rejection<"BROKER_ID_NOT_REGISTERED"> {
  const broker = image.brokers.get(brokerId);
  if (broker !== undefined) return { kind: "found", broker };
  return rejected("BROKER_ID_NOT_REGISTERED", `broker ${brokerId} is not registered`);
}

/** Which brokers take replicas in. */
function openIn(image: Image): (brokerId: number) => boolean {
  const isActive = activeIn(image);
  const isEvacuated = evacuatedIn(image);
  return (id) => isActive(id) && !isEvacuated(id);
}

/** Only to members in sync: to elect an eligible one would lose what this broker has beyond it. */
function withoutLeaderships(
  image: Image,
  brokerId: number,
  { rules = allRules }: Pick<CommandContext, "rules">,
): FittingChanges {
  const isOpen = openIn(image);
  const mayLead = (id: number) => id !== brokerId && isOpen(id);
  return changePartitions(image, (topic) => {
    const around = surroundings(image, topic, { mayLead, rules });
    return (partition) => {
      if (partition.leader !== brokerId || !partition.isr.some(mayLead)) return partition;
      const after = elected({ ...partition, leader: noLeader }, around);
      return numbered(partition, after, { rules });
    };
  });
}

/** What an emptied broker still holds, by what becomes of it. */
export type EvacuationProgress = {
  readonly heldCount: number;
  /** Others are being made ready in its place. */
  readonly movingCount: number;
  /** Every broker that takes replicas in holds one of these already. */
  readonly stuckCount: number;
  /** Without a leader nothing is moved: whoever holds a copy may know most. */
  readonly leaderlessCount: number;
};

export function evacuationProgress(image: Image, brokerId: number): EvacuationProgress {
  const isOpen = openIn(image);
  const openIds = [...image.brokers.keys()].filter(isOpen);
  const counts = { heldCount: 0, movingCount: 0, stuckCount: 0, leaderlessCount: 0 };
  const count = (partition: Partition): void => {
    const { replicas, removing, leader } = partition;
    counts.heldCount += 1;
    if (removing.includes(brokerId)) counts.movingCount += 1;
    else if (leader === noLeader) counts.leaderlessCount += 1;
    else if (openIds.every((id) => replicas.includes(id))) counts.stuckCount += 1;
  };
  for (const { partitions } of image.topics.values()) {
    for (const each of partitions) if (each.replicas.includes(brokerId)) count(each);
  }
  return counts;
}
