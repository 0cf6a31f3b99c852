import { partitionOf } from "../image/image.ts";
import type { Broker, Image, Partition, Topic } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { movingPartitions } from "./advance-moves.ts";
import { numbered, surroundings } from "./membership.ts";
import { recordsOf } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { levelOfMoves } from "./recovery.ts";
import { isMoving, moved } from "./replica-moves.ts";
import { rules as allRules } from "./rules.ts";

/** What a leader measured of one partition. */
export type PartitionLoad = {
  readonly topicId: string;
  readonly index: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
};

export type BalanceReplicasRequest = {
  readonly loads: readonly PartitionLoad[];
  readonly maxMoves: number;
};

/** A difference below this share of the mean is left alone: every move copies a log. */
const tolerance = 0.2;
/** What a replica weighs of which nothing was measured, in bytes a second: so that idle partitions spread too. */
const idleWeight = 64;

/**
 * Moves replicas from the busiest broker to the idlest by what was measured (replication.md C8): bytes in wherever a replica is, bytes out where it leads.
 * Never at the cost of what placement gave: the successor lies in the same zone, or in one the partition has not, and on a host of its own.
 */
export function balanceReplicas(
  image: Image,
  request: BalanceReplicasRequest,
  context: Pick<CommandContext, "rules">,
): Decision<{ begunCount: number }, never> {
  const { rules = allRules } = context;
  if (image.level < levelOfMoves || isEven(image, request.loads)) {
    return accepted([], { begunCount: 0 });
  }
  const draft = weigh(image, request.loads);
  // Those begun before count: a cell is never busy with more moves than it was allowed.
  let free = request.maxMoves;
  for (const each of movingPartitions(image)) free -= each.partition.adding.length > 0 ? 1 : 0;
  const changes: PartitionChange[] = [];
  const taken = new Set<Partition>();
  while (changes.length < free) {
    const move = nextMove(image, draft, taken);
    if (move === null) break;
    const { topic, partition, weight, from, to } = move;
    taken.add(partition);
    const target = partition.replicas.map((id) =>
      id === from.broker.brokerId ? to.broker.brokerId : id,
    );
    const after = moved(partition, target, surroundings(image, topic, { rules }));
    if (after.kind === "refused") continue;
    from.weight -= weight;
    to.weight += weight;
    changes.push({
      topicId: topic.topicId,
      before: partition,
      after: numbered(partition, after.partition, { rules }),
    });
  }
  return accepted(recordsOf(image, changes), { begunCount: changes.length });
}

type Weighed = {
  readonly broker: Broker;
  weight: number;
  readonly replicas: {
    readonly topic: Topic;
    readonly partition: Partition;
    readonly weight: number;
  }[];
};

/** The usual answer, from the counts alone: the rest looks at every replica of the cell. */
function isEven(image: Image, loads: readonly PartitionLoad[]): boolean {
  const weights = new Map<number, number>();
  for (const broker of image.brokers.values()) {
    const replicaCount = image.brokerLoads.get(broker.brokerId)?.replicaCount ?? 0;
    if (isBalanced(broker)) weights.set(broker.brokerId, replicaCount * idleWeight);
  }
  for (const load of loads) {
    const partition = partitionOf(image, load.topicId, load.index);
    for (const id of partition?.replicas ?? []) {
      const weight = weights.get(id);
      const out = partition?.leader === id ? load.bytesOutPerSecond : 0;
      if (weight !== undefined) weights.set(id, weight + load.bytesInPerSecond + out);
    }
  }
  const all = [...weights.values()];
  const mean = all.reduce((sum, weight) => sum + weight, 0) / all.length;
  return all.length < 2 || Math.max(...all) - Math.min(...all) <= mean * tolerance;
}

/** One that is emptied gives up all it has anyway. */
function isBalanced({ state, evacuation }: Broker): boolean {
  return state === "active" && evacuation === null;
}

/** Active brokers with the weight of what they hold, or will when the moves under way are done. */
function weigh(image: Image, loads: readonly PartitionLoad[]): Weighed[] {
  const measured = new Map(loads.map((load) => [`${load.topicId}-${load.index}`, load]));
  const byId = new Map<number, Weighed>();
  for (const broker of image.brokers.values()) {
    if (isBalanced(broker)) byId.set(broker.brokerId, { broker, weight: 0, replicas: [] });
  }
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const load = measured.get(`${topic.topicId}-${partition.index}`);
      for (const id of partition.replicas) {
        const holder = byId.get(id);
        if (holder === undefined || partition.removing.includes(id)) continue;
        const out = partition.leader === id ? (load?.bytesOutPerSecond ?? 0) : 0;
        const weight = (load?.bytesInPerSecond ?? 0) + out + idleWeight;
        holder.weight += weight;
        holder.replicas.push({ topic, partition, weight });
      }
    }
  }
  return [...byId.values()];
}

/** The heaviest replica whose move makes the busiest and the idlest broker more alike, rather than change places. */
function nextMove(image: Image, draft: readonly Weighed[], taken: ReadonlySet<Partition>) {
  const mean = draft.reduce((sum, { weight }) => sum + weight, 0) / draft.length;
  const sorted = draft.toSorted((left, right) => left.weight - right.weight);
  const from = sorted.at(-1);
  if (from === undefined) return null;
  for (const to of sorted) {
    const difference = from.weight - to.weight;
    if (to === from || difference <= mean * tolerance) return null;
    let best: Weighed["replicas"][number] | null = null;
    for (const replica of from.replicas) {
      const { partition, weight } = replica;
      if (weight >= difference || weight <= (best?.weight ?? 0)) continue;
      if (taken.has(partition) || isMoving(partition) || partition.leader === noLeader) continue;
      if (isGoodPlace(image, partition, { from: from.broker, to: to.broker })) best = replica;
    }
    if (best !== null) return { ...best, from, to };
  }
  return null;
}

function isGoodPlace(
  { brokers }: Image,
  { replicas }: Partition,
  { from, to }: { from: Broker; to: Broker },
): boolean {
  if (replicas.includes(to.brokerId)) return false;
  const others = replicas.flatMap((id) => (id === from.brokerId ? [] : (brokers.get(id) ?? [])));
  const isHostFree = !others.some(({ zone, host }) => zone === to.zone && host === to.host);
  const isZoneKept = to.zone === from.zone || !others.some(({ zone }) => zone === to.zone);
  return isHostFree && isZoneKept;
}
