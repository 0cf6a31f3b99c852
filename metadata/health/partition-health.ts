import { isMoving } from "../commands/replica-moves.ts";
import type { Image, Partition, Topic } from "../image/image.ts";
import { systemClusterId } from "../image/image.ts";
import { minIsr } from "../image/min-isr.ts";
import { noLeader } from "../records/partition.ts";

/** Kafka's three, the worst first: nobody can read or write; acks=all cannot be answered; a copy is missing. */
export const partitionProblems = ["offline", "under_min_isr", "under_replicated"] as const;
export type PartitionProblem = (typeof partitionProblems)[number];

export type UnhealthyPartition = {
  readonly problem: PartitionProblem;
  readonly topic: Topic;
  readonly partition: Partition;
};

export type PartitionsHealth = {
  readonly topicCount: number;
  readonly movingCount: number;
  /** A partition counts for each problem it has: what is offline is under its minimum too. */
  readonly counts: Readonly<Record<PartitionProblem, number>>;
  /** The worst of them, a few. */
  readonly examples: readonly UnhealthyPartition[];
  /** Replicas that are neither in sync nor just being made, by broker. */
  readonly outOfSync: ReadonlyMap<number, number>;
};

const exampleCount = 10;

/** One look at every partition of the cell, the internal ones too: their loss stops groups. */
export function partitionsHealth(image: Image): PartitionsHealth {
  const outOfSync = new Map<number, number>();
  const counts: Record<PartitionProblem, number> = {
    offline: 0,
    under_min_isr: 0,
    under_replicated: 0,
  };
  const examples = new Map<PartitionProblem, UnhealthyPartition[]>();
  let topicCount = 0;
  let movingCount = 0;
  for (const topic of image.topics.values()) {
    if (topic.clusterId !== systemClusterId) topicCount += 1;
    for (const partition of topic.partitions) {
      if (isMoving(partition)) movingCount += 1;
      for (const id of missingFrom(partition)) outOfSync.set(id, (outOfSync.get(id) ?? 0) + 1);
      const problems = problemsOf(image, topic, partition);
      for (const problem of problems) counts[problem] += 1;
      const [worst] = problems;
      if (worst === undefined) continue;
      const alike = examples.get(worst) ?? [];
      examples.set(worst, alike);
      if (alike.length < exampleCount) alike.push({ problem: worst, topic, partition });
    }
  }
  const worst = partitionProblems.flatMap((problem) => examples.get(problem) ?? []);
  return { topicCount, movingCount, counts, outOfSync, examples: worst.slice(0, exampleCount) };
}

/** A replica that a move has only begun to make is not missing: nothing is worse than before the move. */
function missingFrom({ replicas, isr, adding }: Partition): readonly number[] {
  if (isr === replicas) return [];
  return replicas.filter((id) => !isr.includes(id) && !adding.includes(id));
}

/** The worst first. */
function problemsOf(image: Image, topic: Topic, partition: Partition): PartitionProblem[] {
  const { leader, replicas, isr } = partition;
  const isLed = leader !== noLeader;
  if (isLed && isr === replicas) return [];
  const problems: PartitionProblem[] = [];
  if (!isLed) problems.push("offline");
  // Without replicas it waits for the cell's first broker: nothing is missing yet.
  if (replicas.length > 0 && isr.length < minIsr(image, topic, partition)) {
    problems.push("under_min_isr");
  }
  if (missingFrom(partition).length > 0) problems.push("under_replicated");
  return problems;
}

/** Whose return gives the partition its leader back; nobody where it has one, or where all of them are lost. */
export function awaitedBrokers(image: Image, partition: Partition): number[] {
  const { leader, isr, elr, lastIsr } = partition;
  if (leader !== noLeader) return [];
  const members = isr.length + elr.length > 0 ? [...isr, ...elr] : lastIsr;
  return members.filter((id) => image.brokers.get(id)?.isLost === false);
}
