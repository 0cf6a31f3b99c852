import { noLeader } from "../records/partition.ts";
import type { MetadataChange } from "./changes.ts";
import { inServiceIn } from "./image.ts";
import type { Image, Partition, Topic } from "./image.ts";
import { minIsr } from "./min-isr.ts";
import { isAtRest } from "./seals.ts";

/**
 * Holds an image against the invariants of replication.md 3 that the metadata log alone can break, entry by entry: what a partition may look like, and
 * what may become of it. For tests and the simulator; it remembers every partition and every term.
 */
export type ImageChecker = {
  /** What is wrong after an entry, in sentences; nothing is asked about partitions that the changes do not name. */
  check(image: Image, changes: readonly MetadataChange[]): string[];
};

type Known = {
  readonly partition: Partition;
  /** Leader by leader epoch. */
  readonly terms: Map<number, number>;
};

type Memory = {
  readonly partitions: Map<string, Known>;
  /** Highest leader epoch ever, by cluster and topic name. */
  readonly epochs: Map<string, number>;
  readonly brokerEpochs: Map<number, number>;
  controller: { readonly brokerId: number | null; readonly epoch: number };
};

export function createImageChecker(): ImageChecker {
  const memory: Memory = {
    partitions: new Map(),
    epochs: new Map(),
    brokerEpochs: new Map(),
    controller: { brokerId: null, epoch: 0 },
  };
  return {
    check(image, changes) {
      const problems = [
        ...controllerProblems(image, memory),
        ...brokerProblems(image, memory),
        ...sleepProblems(image, changes),
      ];
      for (const { topic, partition } of touched(image, changes)) {
        const name = `${topic.name}-${partition.index}`;
        const found = [
          ...partitionProblems(image, topic, partition),
          ...historyProblems(memory, topic, partition),
        ];
        problems.push(...found.map((problem) => `${name}: ${problem}`));
      }
      return problems;
    },
  };
}

/** Everything that is wrong with an image as it stands. */
export function imageProblems(image: Image): string[] {
  return createImageChecker().check(image, [{ kind: "reloaded" }]);
}

function* touched(image: Image, changes: readonly MetadataChange[]) {
  // A broker's state is half of what many partitions are judged by.
  const isWide = changes.some(({ kind }) =>
    ["reloaded", "brokerStateChanged", "brokerUnregistered", "clusterDefaultsChanged"].includes(
      kind,
    ),
  );
  if (isWide) {
    for (const topic of image.topics.values()) {
      for (const partition of topic.partitions) yield { topic, partition };
    }
    return;
  }
  for (const change of changes) {
    const topicId = "topicId" in change ? change.topicId : null;
    const topic = topicId === null ? undefined : image.topics.get(topicId);
    if (topic === undefined) continue;
    if (change.kind === "partitionChanged") {
      const partition = topic.partitions[change.index];
      if (partition !== undefined) yield { topic, partition };
    } else {
      for (const partition of topic.partitions) yield { topic, partition };
    }
  }
}

function controllerProblems({ controller }: Image, memory: Memory): string[] {
  const before = memory.controller;
  memory.controller = controller;
  const isSuccessor = controller.brokerId !== null && controller.brokerId !== before.brokerId;
  if (controller.epoch < before.epoch) return ["the controller's epoch goes back"];
  if (isSuccessor && controller.epoch === before.epoch) return ["two controllers of one epoch"];
  return [];
}

/** Asked when it falls asleep: a sleeping cell has topics made and deleted, and that may be half a million looks. */
function sleepProblems(image: Image, changes: readonly MetadataChange[]): string[] {
  const isNews = changes.some(({ kind }) => kind === "cellSleepChanged" || kind === "reloaded");
  if (!isNews || image.sleep.state !== "asleep") return [];
  const partitions = [...image.topics.values()].flatMap((topic) => topic.partitions);
  return partitions.every(isAtRest) ? [] : ["the cell sleeps, and a partition is not sealed"];
}

function brokerProblems(image: Image, { brokerEpochs }: Memory): string[] {
  const problems: string[] = [];
  for (const { brokerId, epoch, state, isLost } of image.brokers.values()) {
    if (epoch < (brokerEpochs.get(brokerId) ?? 0)) {
      problems.push(`the epoch of broker ${brokerId} goes back`);
    }
    brokerEpochs.set(brokerId, epoch);
    if (isLost && state !== "fenced") problems.push(`broker ${brokerId} is lost and ${state}`);
  }
  return problems;
}

function partitionProblems(image: Image, topic: Topic, partition: Partition): string[] {
  const { replicas, adding, removing, isr, elr, lastIsr, leader } = partition;
  const sets = { replicas, adding, removing, isr, elr, lastIsr };
  const problems: string[] = [];
  for (const [name, ids] of Object.entries(sets)) {
    if (new Set(ids).size !== ids.length)
      problems.push(`${name} names a broker twice: ${ids.join()}`);
    if (!ids.every((id) => replicas.includes(id)))
      problems.push(`${name} is not among the replicas`);
  }
  const areApart = (left: readonly number[], right: readonly number[]) =>
    !left.some((id) => right.includes(id));
  const say = (isWrong: boolean, problem: string) => isWrong && problems.push(problem);
  say(!areApart(isr, elr), "ISR and ELR meet (I8)");
  say(!areApart(adding, removing), "a replica is added and removed");
  say(![...isr, ...elr].every((id) => lastIsr.includes(id)), "lastIsr forgets a member");
  const isLed = leader !== noLeader;
  say(isLed && !isr.includes(leader), `leader ${leader} is not in sync`);
  const bound = minIsr(image, topic, partition);
  say(elr.length > 0 && isr.length >= bound, `ELR with ${isr.length} of ${bound} in sync (I8)`);
  say(replicas.length > 0 && lastIsr.length === 0, "nobody knows who was in sync");
  const isInService = inServiceIn(image);
  say(isLed && !isr.every(isInService), `a fenced broker is in sync: ${isr.join()}`);
  return [...problems, ...recoveryProblems(partition)];
}

function recoveryProblems({ recoveries, leaderEpoch, sealed }: Partition): string[] {
  const problems: string[] = [];
  let last = { epoch: -1, start: -1 };
  for (const { epoch, end, start } of recoveries) {
    const isOrdered = epoch > last.epoch && start > last.start && end <= start;
    if (!isOrdered || epoch > leaderEpoch) problems.push("recoveries are out of order");
    // No offset twice (C3): nobody ever held a record at or above the start.
    if (start < end + 2 ** 40 || start < last.start + 2 ** 40) {
      problems.push("a recovery leaves no gap");
    }
    last = { epoch, start };
  }
  if (sealed !== null && sealed.epoch > leaderEpoch) problems.push("sealed in a term to come");
  if (sealed !== null && sealed.end < last.start) problems.push("sealed below its last recovery");
  return problems;
}

function historyProblems(memory: Memory, topic: Topic, partition: Partition): string[] {
  const key = `${topic.topicId}-${partition.index}`;
  const { leader, leaderEpoch, partitionEpoch } = partition;
  const known = memory.partitions.get(key);
  const terms = known?.terms ?? new Map<number, number>();
  const problems =
    known === undefined
      ? bornProblems(memory, topic, partition)
      : changeProblems(known.partition, partition);
  const termLeader = terms.get(leaderEpoch);
  if (leader !== noLeader) {
    if (termLeader !== undefined && termLeader !== leader) {
      problems.push(`${termLeader} and ${leader} lead in epoch ${leaderEpoch} (I1)`);
    }
    terms.set(leaderEpoch, leader);
  }
  const before = known?.partition;
  if (before !== partition && before?.partitionEpoch === partitionEpoch) {
    problems.push("a change without a partition epoch of its own");
  }
  memory.partitions.set(key, { partition, terms });
  const name = `${topic.clusterId}/${topic.name}`;
  memory.epochs.set(name, Math.max(memory.epochs.get(name) ?? -1, leaderEpoch));
  return problems;
}

/** Clients without topic ids take a re-created topic for the old one (replication.md 1). */
function bornProblems(
  { epochs }: Memory,
  topic: Topic,
  { leaderEpoch, index }: Partition,
): string[] {
  const key = `${topic.clusterId}/${topic.name}`;
  const isRecreated = index === 0 && epochs.has(key);
  const floor = epochs.get(key) ?? -1;
  return isRecreated && leaderEpoch <= floor
    ? [`begins in epoch ${leaderEpoch}; an earlier topic of its name reached ${floor}`]
    : [];
}

function changeProblems(before: Partition, after: Partition): string[] {
  if (before === after) return [];
  const problems: string[] = [];
  if (after.leaderEpoch < before.leaderEpoch) problems.push("the leader epoch goes back (I1)");
  if (after.partitionEpoch < before.partitionEpoch) problems.push("the partition epoch goes back");
  const isNewTerm = after.leaderEpoch > before.leaderEpoch;
  const isRemoval = before.replicas.some((id) => !after.replicas.includes(id));
  if (after.leader !== before.leader && !isNewTerm) {
    problems.push(`the leader changes from ${before.leader} to ${after.leader} within a term (I1)`);
  }
  if (isRemoval && !isNewTerm) problems.push("a replica goes within a term");
  const isShorter = after.recoveries.length < before.recoveries.length;
  if (isShorter) problems.push("a recovery is forgotten");
  // Only who leads it can say that its log begins where the seal ends.
  const isBroken = before.sealed !== null && before.sealed.end !== after.sealed?.end;
  if (isBroken && (isNewTerm || after.sealed !== null)) {
    problems.push("a seal is broken by others than its leader");
  }
  // Who was in sync when nobody leads any more may know most: only an election or the leader's word drops it.
  const isElection = after.leader !== noLeader;
  if (!isElection && before.lastIsr.some((id) => !after.lastIsr.includes(id))) {
    problems.push("lastIsr forgets a member while nobody leads");
  }
  return problems;
}
