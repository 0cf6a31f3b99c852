import { activeIn, inServiceIn } from "../image/image.ts";
import type { Image, Partition, Topic } from "../image/image.ts";
import { minIsr } from "../image/min-isr.ts";
import { noBrokers, noLeader } from "../records/partition.ts";
import { rules as allRules } from "./rules.ts";
import type { Rules } from "./rules.ts";

// Who is in sync, who is eligible and who leads: the transitions every command is made of. Each takes a partition and returns the next state, or the same
// object where nothing changes; `numbered` comes last and counts the change.

/** What a partition's transitions must know of the cell around it. */
export type Surroundings = {
  readonly minIsr: (partition: Partition) => number;
  readonly mayLead: (brokerId: number) => boolean;
  readonly isInService: (brokerId: number) => boolean;
  readonly rules: Rules;
};

/** The cell as the image has it, with what the change under way makes different. */
export function surroundings(
  image: Image,
  topic: Topic,
  changed: Partial<Surroundings> = {},
): Surroundings {
  return {
    minIsr: (partition) => minIsr(image, topic, partition),
    mayLead: activeIn(image),
    isInService: inServiceIn(image),
    rules: allRules,
    ...changed,
  };
}

type Leaving = {
  readonly around: Surroundings;
  /** Whoever it names may lack records it once had: not eligible. */
  readonly isUnclean?: (brokerId: number) => boolean;
};

/**
 * `isr` as the in-sync set. Who leaves it in good order stays eligible while too few are in sync to commit anything (L6), and no longer (I8): from then
 * on the others go ahead without it.
 */
export function withIsr(
  partition: Partition,
  isr: readonly number[],
  { around, isUnclean = () => false }: Leaving,
): Partition {
  const { replicas } = partition;
  const inSync = among(replicas, isr);
  const isEnough = inSync.length >= around.minIsr(partition);
  const stay = (id: number) =>
    (partition.elr.includes(id) || partition.isr.includes(id)) &&
    !inSync.includes(id) &&
    !isUnclean(id);
  const elr = isEnough && around.rules.clearsElr ? noBrokers : replicas.filter(stay);
  if (areEqual(inSync, partition.isr) && areEqual(elr, partition.elr)) return partition;
  return { ...partition, isr: inSync, elr: elr.length === 0 ? noBrokers : elr };
}

/** Those named leave the in-sync set, and the leadership if it is theirs. `lastIsr` still remembers them (replication.md 1). */
export function withoutMembers(
  partition: Partition,
  isLeaving: (brokerId: number) => boolean,
  leaving: Leaving,
): Partition {
  const { isr, elr } = partition;
  const isUntouched = !isr.some(isLeaving) && !elr.some(isLeaving);
  if (isUntouched && !isLeaving(partition.leader)) return partition;
  const after = withIsr(
    partition,
    isr.filter((id) => !isLeaving(id)),
    leaving,
  );
  return isLeaving(partition.leader) ? { ...after, leader: noLeader } : after;
}

/**
 * C2: the first replica in preferred order that may lead and is in sync, else one that is eligible, alone in sync from then on; of a sealed partition any
 * other, for it begins where the seal ends (metadata/image/seals.ts). A partition that has a leader keeps it; where nobody can be elected nothing changes.
 */
export function elected(partition: Partition, around: Surroundings): Partition {
  if (partition.leader !== noLeader) return partition;
  const { replicas, isr, elr } = partition;
  const mayLead = (id: number) => around.mayLead(id);
  const inSync = replicas.find((id) => isr.includes(id) && mayLead(id));
  const eligible = inSync ?? replicas.find((id) => elr.includes(id) && mayLead(id));
  const leader = eligible ?? (partition.sealed === null ? undefined : replicas.find(mayLead));
  if (leader === undefined) return partition;
  if (eligible === undefined) return ledFromSeal(partition, leader);
  // A partition made while its brokers were away has them in its set though they are fenced.
  const members =
    inSync === undefined
      ? [leader]
      : isr.filter((id) => id === leader || around.isInService(id) || mayLead(id));
  return remembered({ ...withIsr(partition, members, { around }), leader });
}

/** Whatever its members hold, the object store has it: nobody is waited for. */
export function ledFromSeal(partition: Partition, leader: number): Partition {
  const self = partition.replicas.length === 1 ? partition.replicas : [leader];
  return { ...partition, leader, isr: self, elr: noBrokers, lastIsr: self };
}

/** lastIsr as every election and every accepted AlterPartition leave it: the members it had to choose from. */
export function remembered(partition: Partition): Partition {
  const { replicas, isr, elr } = partition;
  const lastIsr = elr.length === 0 ? isr : among(replicas, [...isr, ...elr]);
  return { ...partition, lastIsr };
}

/** Every change counts in partitionEpoch; a leadership's end or start, and a replica's removal, in leaderEpoch. */
export function numbered(
  before: Partition,
  after: Partition,
  options: { readonly isTermEnded?: boolean; readonly rules?: Rules } = {},
): Partition {
  if (after === before) return before;
  const { isTermEnded = false, rules = allRules } = options;
  const isRemoval = before.replicas.some((id) => !after.replicas.includes(id));
  const isNewTerm = isTermEnded || isRemoval || before.leader !== after.leader;
  return {
    ...after,
    leaderEpoch: before.leaderEpoch + (isNewTerm && rules.countsTerms ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
  };
}

/** In the order of the replicas; in a healthy partition one array serves all sets. */
export function among(replicas: readonly number[], ids: readonly number[]): readonly number[] {
  if (ids.length === 0) return noBrokers;
  const found = replicas.filter((id) => ids.includes(id));
  return found.length === replicas.length ? replicas : found;
}

export function areEqual(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((id, position) => id === right[position]);
}
