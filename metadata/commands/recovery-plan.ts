import { activeIn, inServiceIn } from "../image/image.ts";
import type { Image, Partition, Topic } from "../image/image.ts";
import { noBrokers } from "../records/partition.ts";
import { numbered } from "./membership.ts";
import { chooseReplicas } from "./new-partitions.ts";
import type { Placement } from "../placement/placement.ts";
import { countedEnd, isBehindTier, recovered } from "./recovery.ts";
import type { ReplicaEnd, TierEnd } from "./recovery.ts";
import type { Rules } from "./rules.ts";

/** What a broker says of a replica it holds, in the life it says it in. */
export type ReportedEnd = ReplicaEnd & { readonly brokerId: number; readonly brokerEpoch: number };

/** What an election among replicas that may lack records comes to. */
export type RecoveryPlan = {
  readonly topicId: string;
  readonly index: number;
  readonly leader: number;
  /** From here on what older leader epochs wrote counts no more. */
  readonly end: number;
  /** Members of the last in-sync set that were not heard: what they held beyond `end` is given up. */
  readonly givenUp: readonly number[];
  /** `members`: of lastIsr, after all of them have spoken or are lost (C2b). `lossy`: without them (C3). */
  readonly kind: "members" | "lossy";
  /** Replicas chosen anew, where none is left. */
  readonly replicas?: readonly number[];
};

/** One partition without a leader, and what is known of its replicas. */
export type RecoveryScene = {
  readonly image: Image;
  readonly topic: Topic;
  readonly partition: Partition;
  /** What was said of its replicas, by whomever and whenever. */
  readonly ends: readonly ReportedEnd[];
  /** Null: the object store holds records of the cell, and has not been asked. Undefined: it holds none. */
  readonly tiered: TierEnd | null | undefined;
  readonly rules: Rules;
};

/** The election that the rules allow without anybody being asked; null while there is none. */
export function automaticRecovery(
  scene: RecoveryScene,
  { draft, mayLose }: { readonly draft: Placement; readonly mayLose: boolean },
): RecoveryPlan | null {
  const { image, partition, rules } = scene;
  const { isr, elr, lastIsr, replicas } = partition;
  // Without replicas it waits for a broker to register, and sealed for any at all: not for a log.
  if (replicas.length === 0 || partition.sealed !== null || isTierUnknown(scene)) return null;
  if (isr.length === 0 && elr.length === 0) {
    const isLost = (id: number) => image.brokers.get(id)?.isLost ?? true;
    const isMissed = (id: number) => !isLost(id) && heardEnd(scene, id) === undefined;
    if (!rules.waitsForLastIsr || !lastIsr.some(isMissed)) {
      const leader = greatest(scene, lastIsr);
      if (leader !== null) return planOf(scene, leader, "members");
      if (lastIsr.some((id) => isReadable(heardEnd(scene, id)))) return null;
    }
    // An id that is forgotten is never given again: a restored cell has none of its brokers.
    const isGoneForGood = (id: number) => isLost(id) && (image.brokers.get(id)?.ephemeral ?? true);
    if (lastIsr.every(isGoneForGood)) return lossyRecovery(scene) ?? anew(scene, draft);
  }
  return mayLose ? lossyOrAnew(scene, draft) : null;
}

/** What somebody allows who knows that records are lost: a topic's setting, or an operator who was shown the plan. */
export function lossyOrAnew(scene: RecoveryScene, draft: Placement): RecoveryPlan | null {
  const { image, partition } = scene;
  const isLost = (id: number) => image.brokers.get(id)?.isLost ?? true;
  const lossy = lossyRecovery(scene);
  if (lossy !== null || partition.sealed !== null || isTierUnknown(scene)) return lossy;
  // Whose disk may come back is waited for as long as nobody has said that it will not.
  const members = [...partition.isr, ...partition.elr, ...partition.lastIsr];
  return members.every(isLost) ? anew(scene, draft) : null;
}

/** Nobody goes on below what the object store holds. */
function isTierUnknown({ tiered, partition }: RecoveryScene): boolean {
  if (tiered === undefined) return false;
  return tiered?.partitionEpoch !== partition.partitionEpoch;
}

/** C3: the greatest end among the replicas that answer, once all of those have said theirs. Loses what the others held beyond it. */
export function lossyRecovery(scene: RecoveryScene): RecoveryPlan | null {
  const { replicas, sealed } = scene.partition;
  // Nothing of it can be lost.
  if (sealed !== null || isTierUnknown(scene)) return null;
  const isInService = inServiceIn(scene.image);
  if (replicas.some((id) => isInService(id) && heardEnd(scene, id) === undefined)) return null;
  const leader = greatest(scene, replicas);
  return leader === null ? null : planOf(scene, leader, "lossy");
}

/** No copy is left but the object store's: other brokers go on from there. */
function anew(scene: RecoveryScene, draft: Placement): RecoveryPlan | null {
  const { image, partition } = scene;
  if (partition.replicas.some(inServiceIn(image))) return null;
  const factor = partition.replicas.length - partition.adding.length;
  // More of them come with the brokers that do: of those that are gone nobody knows.
  const activeCount = draft.candidates.filter((each) => each.isActive).length;
  const [replicas = noBrokers] = chooseReplicas(draft, 1, Math.min(factor, activeCount));
  const leader = replicas.find(activeIn(image));
  return leader === undefined ? null : { ...planOf(scene, leader, "lossy"), replicas };
}

/** Null where no offset is left to go on from. */
export function carriedOut({ partition, tiered, rules }: RecoveryScene, plan: RecoveryPlan) {
  const { leader, end, replicas } = plan;
  // A restored cell may know older terms than the object store.
  const leaderEpoch = Math.max(partition.leaderEpoch, tiered?.lastEpoch ?? -1);
  const before = { ...partition, leaderEpoch };
  const placed =
    replicas === undefined
      ? before
      : { ...before, replicas, adding: noBrokers, removing: noBrokers };
  const after = recovered(placed, { leader, end, rules });
  return after === null ? null : numbered(before, after, { rules });
}

/** What a broker in service has said in its present life. */
function heardEnd({ image, ends }: RecoveryScene, brokerId: number): ReportedEnd | undefined {
  if (!inServiceIn(image)(brokerId)) return undefined;
  const epoch = image.brokers.get(brokerId)?.epoch;
  return ends.findLast((end) => end.brokerId === brokerId && end.brokerEpoch === epoch);
}

/** The one of them with the greatest (last epoch, log end), if it may lead; the first in the order of the replicas where they are equal. */
function greatest(scene: RecoveryScene, ids: readonly number[]): number | null {
  const { image, partition } = scene;
  const isActive = activeIn(image);
  let best: Ranked | null = null;
  for (const id of partition.replicas) {
    const said = heardEnd(scene, id);
    if (!ids.includes(id) || said === undefined || said.isDamaged === true) continue;
    const end = countedEnd(partition, said.lastEpoch, said.logEndOffset);
    const found = { id, epoch: said.lastEpoch, end, mayLead: isActive(id) };
    if (best === null || isGreater(found, best)) best = found;
  }
  // One that drains will lead once it is back: another now would lose what it has.
  return best?.mayLead === true ? best.id : null;
}

type Ranked = { id: number; epoch: number; end: number; mayLead: boolean };

function isGreater(left: Ranked, right: Ranked): boolean {
  if (left.epoch !== right.epoch) return left.epoch > right.epoch;
  if (left.end !== right.end) return left.end > right.end;
  return left.mayLead && !right.mayLead;
}

function planOf(scene: RecoveryScene, leader: number, kind: RecoveryPlan["kind"]): RecoveryPlan {
  const { topic, partition, tiered } = scene;
  // Never below what the object store holds: a leader whose host lost more than that starts at its end (L1).
  const tier = tiered ?? { end: 0, lastEpoch: -1 };
  const tieredEnd = countedEnd(partition, tier.lastEpoch, tier.end);
  const members = new Set([...partition.lastIsr, ...partition.isr, ...partition.elr]);
  const givenUp = [...members].filter((id) => !isReadable(heardEnd(scene, id)));
  const own = heardEnd(scene, leader);
  // It drops what it has where a later term is in the store.
  const isDropped = own !== undefined && isBehindTier(own, tier);
  const ownEnd = isDropped ? 0 : trustedEnd(partition, own, givenUp.length === 0);
  const { topicId } = topic;
  const { index } = partition;
  return { topicId, index, leader, end: Math.max(ownEnd, tieredEnd), givenUp, kind };
}

/**
 * How much of the new leader's log stays where it is. All of it, if nobody can have been shown anything else at its offsets: it followed the last term, or
 * everybody who might have committed something without it has been heard and has no more. Else records above its high watermark may be leftovers of a term
 * whose successor handed out the same offsets, and consumers have seen those (replication.md C3: no offset ever means two records).
 */
function trustedEnd(
  partition: Partition,
  own: ReportedEnd | undefined,
  areAllHeard: boolean,
): number {
  if (own === undefined) return 0;
  const { lastEpoch, logEndOffset, highWatermark } = own;
  // The last term ended with the change that made the partition leaderless.
  const hasLastTerm = lastEpoch >= partition.leaderEpoch - 1;
  return countedEnd(
    partition,
    lastEpoch,
    areAllHeard || hasLastTerm ? logEndOffset : highWatermark,
  );
}

function isReadable(end: ReportedEnd | undefined): boolean {
  return end !== undefined && end.isDamaged !== true;
}
