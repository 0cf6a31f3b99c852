import { activeIn } from "../image/image.ts";
import type { Image, Partition, Topic } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import { elected, numbered, surroundings } from "./membership.ts";
import { fitting, inEntries } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { placementDraft } from "./new-partitions.ts";
import { levelOfMoves } from "./recovery.ts";
import type { TierLookup } from "./recovery.ts";
import { carriedOut, lossyOrAnew } from "./recovery-plan.ts";
import type { RecoveryPlan, RecoveryScene, ReportedEnd } from "./recovery-plan.ts";
import { rules as allRules } from "./rules.ts";
import { saidByPartition } from "./said-by-partition.ts";

export type ElectLeadersRequest = {
  readonly clusterId: string;
  /** `preferred`: the first replica. `unclean`: whoever answers, where nobody else can lead, at the cost of records. */
  readonly electionType: "preferred" | "unclean";
  /** null: every partition of the cluster that needs it. */
  readonly partitions: readonly { readonly topic: string; readonly index: number }[] | null;
  /** What is known of the logs of partitions without a leader; unclean elections go by it. */
  readonly ends?: readonly ReportedEnd[];
  /** What the object store holds; absent in a cell that keeps no records there. */
  readonly tieredEnds?: TierLookup | undefined;
  /** Shows what an unclean election would give up, and does nothing. */
  readonly isValidateOnly?: boolean;
};

/** Kafka's codes for one partition of an ElectLeaders. */
export type ElectLeadersErrorCode =
  | "UNKNOWN_TOPIC_OR_PARTITION"
  | "ELECTION_NOT_NEEDED"
  | "PREFERRED_LEADER_NOT_AVAILABLE"
  | "ELIGIBLE_LEADERS_NOT_AVAILABLE"
  | "UNSUPPORTED_VERSION";

export type ElectionOutcome = {
  readonly topic: string;
  readonly index: number;
} & (
  | { readonly kind: "done"; readonly leader: number; readonly plan?: RecoveryPlan }
  | Rejection<ElectLeadersErrorCode>
);

/**
 * KIP-460's ElectLeaders: each partition by itself succeeds or fails. Where the elections take several entries, those of the earlier ones are told as no
 * longer needed.
 */
export function electLeaders(
  image: Image,
  request: ElectLeadersRequest,
  context: Pick<CommandContext, "rules">,
): Decision<ElectionOutcome[], never> {
  const changes: PartitionChange[] = [];
  const ends = saidByPartition(request.ends ?? []);
  const seen = new Set<Partition>();
  const outcomes: ElectionOutcome[] = [];
  for (const { topic: name, index } of request.partitions ?? allPartitions(image, request)) {
    const topic = image.topicNames.get(request.clusterId)?.byName.get(name);
    const partition = topic?.partitions[index];
    const named = { topic: name, index };
    if (topic === undefined || partition === undefined) {
      const message = `there is no partition ${index} of a topic ${name.slice(0, 249)}`;
      outcomes.push({ ...named, ...rejected("UNKNOWN_TOPIC_OR_PARTITION", message) });
      continue;
    }
    if (seen.has(partition)) continue;
    seen.add(partition);
    const decided = decide(image, { topic, partition, request, ends, context });
    const { outcome } = decided;
    const isNeedless = outcome.kind === "rejected" && outcome.error === "ELECTION_NOT_NEEDED";
    // Asked about all, Kafka names only those that were elected for, or should have been.
    if (request.partitions !== null || !isNeedless) outcomes.push({ ...named, ...outcome });
    const { after } = decided;
    if (after !== null) changes.push({ topicId: topic.topicId, before: partition, after });
  }
  if (request.isValidateOnly === true) return accepted([], outcomes);
  return inEntries(image, fitting(image, changes), { result: outcomes });
}

type Deciding = {
  topic: Topic;
  partition: Partition;
  request: ElectLeadersRequest;
  ends: (topicId: string, index: number) => readonly ReportedEnd[];
  context: Pick<CommandContext, "rules">;
};

type Elected = { kind: "done"; leader: number; plan?: RecoveryPlan };
type Decided = { outcome: Elected | Rejection<ElectLeadersErrorCode>; after: Partition | null };

function decide(image: Image, deciding: Deciding): Decided {
  const { request } = deciding;
  return request.electionType === "preferred"
    ? preferred(image, deciding)
    : unclean(image, deciding);
}

function preferred(image: Image, { topic, partition, context }: Deciding): Decided {
  const [first = noLeader] = partition.replicas;
  if (partition.leader === first && first !== noLeader) return notNeeded();
  const { rules = allRules } = context;
  const isActive = activeIn(image);
  const mayLead = (id: number) => id === first && isActive(id);
  const around = surroundings(image, topic, { rules, mayLead });
  const isInSync = partition.isr.includes(first);
  const after = isInSync ? elected({ ...partition, leader: noLeader }, around) : partition;
  if (after.leader !== first || first === noLeader) {
    const message = `the preferred leader, broker ${first}, is not active and in sync`;
    return { outcome: rejected("PREFERRED_LEADER_NOT_AVAILABLE", message), after: null };
  }
  return {
    outcome: { kind: "done", leader: first },
    after: numbered(partition, after, { rules }),
  };
}

function unclean(image: Image, deciding: Deciding): Decided {
  const { topic, partition, request, ends, context } = deciding;
  if (partition.leader !== noLeader) return notNeeded();
  const { rules = allRules } = context;
  const clean = elected(partition, surroundings(image, topic, { rules }));
  if (clean !== partition) {
    const after = numbered(partition, clean, { rules });
    return { outcome: { kind: "done", leader: after.leader }, after };
  }
  if (image.level < levelOfMoves) {
    const message = `metadata level ${image.level} cannot say where records were given up`;
    return { outcome: rejected("UNSUPPORTED_VERSION", message), after: null };
  }
  const said = ends(topic.topicId, partition.index);
  const tiered = request.tieredEnds?.(topic.topicId, partition.index);
  const scene: RecoveryScene = { image, topic, partition, ends: said, tiered, rules };
  const plan = lossyOrAnew(scene, placementDraft(image));
  const after = plan === null ? null : carriedOut(scene, plan);
  if (plan === null || after === null) {
    const message = "no replica is active, or some active ones have not said yet what they hold";
    return { outcome: rejected("ELIGIBLE_LEADERS_NOT_AVAILABLE", message), after: null };
  }
  return { outcome: { kind: "done", leader: plan.leader, plan }, after };
}

function notNeeded(): Decided {
  const message = "the partition has the leader it should have";
  return { outcome: rejected("ELECTION_NOT_NEEDED", message), after: null };
}

function* allPartitions(image: Image, { clusterId }: ElectLeadersRequest) {
  for (const { name, partitions } of image.topicNames.get(clusterId)?.byName.values() ?? []) {
    for (const { index } of partitions) yield { topic: name, index };
  }
}
