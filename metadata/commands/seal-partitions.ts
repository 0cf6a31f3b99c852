import type { Image, Partition, Topic } from "../image/image.ts";
import { minIsr } from "../image/min-isr.ts";
import { isSleeping, isToBeSealed } from "../image/seals.ts";
import { cellSleepRecord } from "../records/cell.ts";
import type { Seal } from "../records/partition.ts";
import { findBroker } from "./broker-ref.ts";
import type { BrokerErrorCode, BrokerRef } from "./broker-ref.ts";
import { rejected } from "./command.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import { numbered } from "./membership.ts";
import { fitting, inEntries } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

/** A leadership in the term it is meant in. */
export type LedPartition = {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
};

/** The leader's word that everything below `end`, its log end and high watermark, is in the object store, and that it appends nothing more. */
export type WantedSeal = LedPartition & { readonly end: number };

export type SealErrorCode =
  | "UNKNOWN_TOPIC_OR_PARTITION"
  | "FENCED_LEADER_EPOCH"
  | "INVALID_REQUEST"
  | "NOT_ENOUGH_REPLICAS";

/** Of one partition: done, or why not; in the order of the request. */
export type SealOutcome = { readonly kind: "done" } | Rejection<SealErrorCode>;

type Sealing = BrokerRef & { readonly seals: readonly WantedSeal[] };
type Breaking = BrokerRef & { readonly partitions: readonly LedPartition[] };
type Decided = Decision<SealOutcome[], BrokerErrorCode | "UNSUPPORTED_VERSION">;

/**
 * Seals partitions: by their leader, while the cell falls asleep, or where its broker drains and nobody else is in sync (replication.md C5, "last copies
 * are sealed first"). Each by itself is done or refused; asked again, it stays as it is.
 */
export function sealPartitions(
  image: Image,
  { seals, ...leader }: Sealing,
  context: Pick<CommandContext, "rules">,
): Decided {
  return decideEach(image, { leader, asked: seals, context }, (_topic, partition, wanted) => {
    const seal: Seal = { end: wanted.end, epoch: wanted.leaderEpoch };
    const { sealed } = partition;
    if (sealed?.end === seal.end) return partition;
    const wrong = unsealable(image, partition, wanted);
    return wrong ?? { ...partition, sealed: seal };
  });
}

function unsealable(
  image: Image,
  partition: Partition,
  { end }: WantedSeal,
): Rejection<SealErrorCode> | null {
  const { sealed, recoveries } = partition;
  // Nothing is appended while it is sealed: a leader that ends elsewhere has not begun where it had to.
  if (sealed !== null) {
    return rejected("INVALID_REQUEST", `it is sealed at ${sealed.end}, not at ${end}`);
  }
  const begin = recoveries.at(-1)?.start ?? 0;
  if (!Number.isSafeInteger(end) || end < begin) {
    return rejected("INVALID_REQUEST", `it cannot end at ${end}: its last term begins at ${begin}`);
  }
  if (isToBeSealed(image, partition)) return null;
  const message =
    "the cell does not fall asleep, and the leader does not drain as the last in sync";
  return rejected("INVALID_REQUEST", message);
}

/**
 * Breaks seals: by their leaders, once their logs begin where they must (bootstrapAt) and enough are in sync for a record to be committed. Until then a
 * leader that dies costs nothing; from then on its followers count as ever.
 */
export function breakSeals(
  image: Image,
  { partitions, ...leader }: Breaking,
  context: Pick<CommandContext, "rules">,
): Decided {
  const isActive = image.brokers.get(leader.brokerId)?.state === "active";
  return decideEach(image, { leader, asked: partitions, context }, (topic, partition) => {
    if (partition.sealed === null) return partition;
    if (isSleeping(image)) return rejected("INVALID_REQUEST", "the cell is not awake");
    // Its seal is what it leaves behind.
    if (!isActive) return rejected("INVALID_REQUEST", "the leader is not in service to stay");
    const least = minIsr(image, topic, partition);
    const { length } = partition.isr;
    if (length >= least) return { ...partition, sealed: null };
    return rejected("NOT_ENOUGH_REPLICAS", `${length} of ${least} replicas are in sync`);
  });
}

type Asked<Each> = {
  readonly leader: BrokerRef;
  readonly asked: readonly Each[];
  readonly context: Pick<CommandContext, "rules">;
};

function decideEach<Each extends LedPartition>(
  image: Image,
  { leader, asked, context }: Asked<Each>,
  decide: (topic: Topic, partition: Partition, each: Each) => Partition | Rejection<SealErrorCode>,
): Decided {
  const found = findBroker(image, leader);
  if (found.kind === "rejected") return found;
  if (image.level < cellSleepRecord.since) {
    const message = `metadata level ${image.level} knows no seals; ${cellSleepRecord.since} does`;
    return rejected("UNSUPPORTED_VERSION", message);
  }
  const { rules = allRules } = context;
  const changes: PartitionChange[] = [];
  const seen = new Set<Partition>();
  const outcomes = asked.map((each): SealOutcome => {
    const led = findLed(image, leader, each);
    if (led.kind === "rejected") return led;
    const { topic, partition } = led;
    const after = decide(topic, partition, each);
    if ("kind" in after) return after;
    // Named twice it is changed once.
    if (after !== partition && !seen.has(partition)) changes.push(change(each, partition, after));
    seen.add(partition);
    return { kind: "done" };
  });
  return inEntries(image, fitting(image, changes), { result: outcomes });

  function change({ topicId }: Each, before: Partition, after: Partition): PartitionChange {
    return { topicId, before, after: numbered(before, after, { rules }) };
  }
}

function findLed(
  image: Image,
  { brokerId }: BrokerRef,
  { topicId, index, leaderEpoch }: LedPartition,
): { kind: "found"; topic: Topic; partition: Partition } | Rejection<SealErrorCode> {
  const topic = image.topics.get(topicId);
  const partition = topic?.partitions[index];
  if (topic === undefined || partition === undefined) {
    return rejected("UNKNOWN_TOPIC_OR_PARTITION", `there is no partition ${index} of ${topicId}`);
  }
  if (partition.leader === brokerId && partition.leaderEpoch === leaderEpoch) {
    return { kind: "found", topic, partition };
  }
  const message = `broker ${partition.leader} leads in epoch ${partition.leaderEpoch}`;
  return rejected("FENCED_LEADER_EPOCH", message);
}
