import type { Image, Partition, Topic } from "../image/image.ts";
import { limits } from "../limits.ts";
import type { MetadataRecord } from "../records/table.ts";
import { accepted, rejected } from "./command.ts";
import type { CommandContext, Decision, Rejection } from "./command.ts";
import { areEqual, numbered, surroundings } from "./membership.ts";
import { fitting, recordsOf } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { levelOfMoves } from "./recovery.ts";
import { isMoving, moved, movedBack, originalReplicas, targetReplicas } from "./replica-moves.ts";
import type { MoveRefusal } from "./replica-moves.ts";
import { rules as allRules } from "./rules.ts";

export type AlterPartitionReassignmentsRequest = {
  readonly clusterId: string;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly index: number;
      /** Preferred leader first; null takes a move under way back. */
      readonly replicas: readonly number[] | null;
    }[];
  }[];
  /** KIP-860; true where it is not said. */
  readonly allowReplicationFactorChange?: boolean;
};

/** Kafka's codes for one partition of an AlterPartitionReassignments. */
export type ReassignmentErrorCode =
  | "UNKNOWN_TOPIC_OR_PARTITION"
  | "INVALID_REPLICA_ASSIGNMENT"
  | "INVALID_REPLICATION_FACTOR"
  | "NO_REASSIGNMENT_IN_PROGRESS"
  | "UNSUPPORTED_VERSION"
  | "POLICY_VIOLATION";

export type ReassignmentOutcome = { readonly name: string; readonly index: number } & (
  | { readonly kind: "done" }
  | Rejection<ReassignmentErrorCode>
);

/** KIP-455: begins, changes and takes back moves of replicas; each partition by itself succeeds or fails. */
export function alterPartitionReassignments(
  image: Image,
  request: AlterPartitionReassignmentsRequest,
  context: Pick<CommandContext, "rules">,
): Decision<ReassignmentOutcome[], never> {
  const changes: PartitionChange[] = [];
  const outcomes: ReassignmentOutcome[] = [];
  const factors: MetadataRecord[] = [];
  for (const { name, partitions } of request.topics) {
    const topic = image.topicNames.get(request.clusterId)?.byName.get(name);
    const seen = new Set<Partition>();
    let factor = topic?.requestedReplicationFactor ?? -1;
    for (const { index, replicas } of partitions) {
      const partition = topic?.partitions[index];
      if (topic === undefined || partition === undefined) {
        const message = `there is no partition ${index} of a topic ${name.slice(0, limits.topicNameLength)}`;
        outcomes.push({ name, index, ...rejected("UNKNOWN_TOPIC_OR_PARTITION", message) });
        continue;
      }
      // Named twice: the first says it.
      if (seen.has(partition)) continue;
      seen.add(partition);
      const decided = decide({ image, topic, partition, request, context }, replicas);
      if (decided.kind === "rejected") {
        outcomes.push({ name, index, ...decided });
        continue;
      }
      outcomes.push({ name, index, kind: "done" });
      if (decided.after !== partition)
        changes.push({ topicId: topic.topicId, before: partition, after: decided.after });
      factor = newFactor(partition, replicas) ?? factor;
    }
    if (topic !== undefined && factor !== topic.requestedReplicationFactor) {
      factors.push(factorRecord(topic, factor));
    }
  }
  return inOneEntry(image, changes, { outcomes, factors });
}

/** Where the request changes how many replicas there are, or takes such a change back. */
function newFactor(partition: Partition, replicas: readonly number[] | null): number | null {
  const before = replicas === null ? targetReplicas(partition) : originalReplicas(partition);
  const after = replicas ?? originalReplicas(partition);
  return before.length === after.length ? null : after.length;
}

/** What the cell keeps from then on: or a factor made smaller by hand would grow back (C9). */
function factorRecord({ topicId }: Topic, requestedReplicationFactor: number): MetadataRecord {
  return { kind: "topicReplication", topicId, requestedReplicationFactor };
}

/** A request is one entry: its outcomes could not be told again from the image when it is decided in parts. */
function inOneEntry(
  image: Image,
  changes: readonly PartitionChange[],
  { outcomes, factors }: { outcomes: ReassignmentOutcome[]; factors: readonly MetadataRecord[] },
): Decision<ReassignmentOutcome[], never> {
  const fit = fitting(image, changes);
  if (fit.areAll) return accepted([...recordsOf(image, changes), ...factors], outcomes);
  const message = `the request moves ${changes.length} partitions; one entry of the metadata log holds ${fit.changes.length} of them`;
  const refused = outcomes.map((outcome): ReassignmentOutcome => {
    const { name, index } = outcome;
    if (outcome.kind === "rejected") return outcome;
    return { name, index, ...rejected("POLICY_VIOLATION", message) };
  });
  return accepted([], refused);
}

type Deciding = {
  image: Image;
  topic: Topic;
  partition: Partition;
  request: AlterPartitionReassignmentsRequest;
  context: Pick<CommandContext, "rules">;
};

type Decided = { kind: "decided"; after: Partition } | Rejection<ReassignmentErrorCode>;

function decide(deciding: Deciding, replicas: readonly number[] | null): Decided {
  const { image, topic, partition, request, context } = deciding;
  const { rules = allRules } = context;
  const around = surroundings(image, topic, { rules });
  if (replicas === null) {
    if (!isMoving(partition)) {
      return rejected("NO_REASSIGNMENT_IN_PROGRESS", "no replica of the partition moves");
    }
    const back = movedBack(partition, around);
    if (back.kind === "refused") return refusal(back.why);
    return { kind: "decided", after: numbered(partition, back.partition, { rules }) };
  }
  if (image.level < levelOfMoves) {
    const message = `metadata level ${image.level} knows no moves of replicas`;
    return rejected("UNSUPPORTED_VERSION", message);
  }
  const wrong = targetProblem(image, partition, replicas);
  if (wrong !== null) return rejected("INVALID_REPLICA_ASSIGNMENT", wrong);
  const factor = originalReplicas(partition).length;
  if (request.allowReplicationFactorChange === false && replicas.length !== factor) {
    const message = `the partition has ${factor} replicas, the request names ${replicas.length}`;
    return rejected("INVALID_REPLICATION_FACTOR", message);
  }
  const after = moved(partition, replicas, around);
  if (after.kind === "refused") return refusal(after.why);
  return {
    kind: "decided",
    after: isSameAssignment(partition, after.partition)
      ? partition
      : numbered(partition, after.partition, { rules }),
  };
}

function isSameAssignment(before: Partition, after: Partition): boolean {
  return (
    areEqual(before.replicas, after.replicas) &&
    areEqual(before.adding, after.adding) &&
    areEqual(before.removing, after.removing)
  );
}

function targetProblem(
  image: Image,
  partition: Partition,
  replicas: readonly number[],
): string | null {
  if (replicas.length === 0) return "the replica list is empty";
  if (replicas.length > limits.replicationFactor) {
    return `the replica list names ${replicas.length} brokers; the limit is ${limits.replicationFactor}`;
  }
  if (new Set(replicas).size !== replicas.length) {
    return `replicas ${replicas.join(",")} name a broker twice`;
  }
  for (const id of replicas) {
    const broker = image.brokers.get(id);
    if (broker === undefined) return `broker ${id} is not registered`;
    // C5: nothing new for a broker that is about to stop, or to be emptied.
    const isDraining = broker.state === "draining" || broker.evacuation !== null;
    if (isDraining && !partition.replicas.includes(id)) return `broker ${id} is draining`;
  }
  return null;
}

function refusal(why: MoveRefusal): Rejection<ReassignmentErrorCode> {
  const message =
    why === "leaderless"
      ? "the partition has no leader, and a replica that would go may know most of it"
      : "no replica that would stay is in sync and may lead";
  return rejected("INVALID_REPLICA_ASSIGNMENT", message);
}
