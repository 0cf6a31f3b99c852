import type { Partition } from "../image/image.ts";
import { noBrokers, noLeader } from "../records/partition.ts";
import { among, elected, withIsr } from "./membership.ts";
import type { Surroundings } from "./membership.ts";

// Moves of replicas (replication.md C6) are state in the log: the partition has old and new replicas at once until all of the target are in sync. So
// whoever is controller can go on with a move, or take it back.

export function isMoving({ adding, removing }: Partition): boolean {
  return adding.length > 0 || removing.length > 0;
}

/** The replicas a partition had before its move, or has if there is none. */
export function originalReplicas({ replicas, adding }: Partition): readonly number[] {
  return adding.length === 0 ? replicas : replicas.filter((id) => !adding.includes(id));
}

/** The replicas it will have after its move, preferred leader first. */
export function targetReplicas({ replicas, removing }: Partition): readonly number[] {
  return removing.length === 0 ? replicas : replicas.filter((id) => !removing.includes(id));
}

/** Partitions without a leader keep whoever may know most: the move, or its end, would forget a copy that nobody has replaced. */
export type MoveRefusal = "leaderless" | "unsafe";

type Moved = { readonly kind: "moved"; readonly partition: Partition } | RefusedMove;
type RefusedMove = { readonly kind: "refused"; readonly why: MoveRefusal };

/**
 * Towards `target`, preferred leader first. A move under way is taken back as far as the new one does not want it. One whose target is in sync already is
 * done at once.
 */
export function moved(
  partition: Partition,
  target: readonly number[],
  around: Surroundings,
): Moved {
  if (new Set(target).size !== target.length) throw new Error(`replicas ${target.join()} repeat`);
  const abandoned = partition.adding.filter((id) => !target.includes(id));
  const taken = withoutReplicas(partition, abandoned, around);
  if (taken.kind === "refused") return taken;
  const original = originalReplicas(taken.partition);
  const removing = original.filter((id) => !target.includes(id));
  const adding = target.filter((id) => !original.includes(id));
  const replicas = [...target, ...removing];
  const { isr, elr, lastIsr } = taken.partition;
  const moving: Partition = {
    ...taken.partition,
    replicas,
    adding: adding.length === 0 ? noBrokers : adding,
    removing: removing.length === 0 ? noBrokers : removing,
    isr: among(replicas, isr),
    elr: among(replicas, elr),
    lastIsr: among(replicas, lastIsr),
  };
  return { kind: "moved", partition: completed(moving, around) };
}

/** As it was before the move. */
export function movedBack(partition: Partition, around: Surroundings): Moved {
  const taken = withoutReplicas(partition, partition.adding, around);
  if (taken.kind === "refused") return taken;
  return { kind: "moved", partition: { ...taken.partition, removing: noBrokers } };
}

/** Done once the whole target is in sync: then the others go (C6). Until then the same object. */
export function completed(partition: Partition, around: Surroundings): Partition {
  if (!isMoving(partition) || partition.leader === noLeader) return partition;
  const target = targetReplicas(partition);
  if (!target.every((id) => partition.isr.includes(id))) return partition;
  const settled: Partition = {
    ...partition,
    replicas: target,
    adding: noBrokers,
    removing: noBrokers,
    isr: target,
    elr: noBrokers,
    lastIsr: target,
  };
  if (target.includes(partition.leader)) return settled;
  const led = elected({ ...settled, leader: noLeader }, around);
  // All of the target drain: the leader that is to go stays until one of them may lead.
  return led.leader === noLeader ? partition : led;
}

/** Takes replicas away that a move was adding. */
function withoutReplicas(
  partition: Partition,
  ids: readonly number[],
  around: Surroundings,
): Moved {
  if (ids.length === 0) return { kind: "moved", partition };
  const { replicas, adding, isr, elr, lastIsr, leader } = partition;
  const isGone = (id: number) => ids.includes(id);
  const isNeeded = [isr, elr, lastIsr].some((members) => members.some(isGone));
  if (leader === noLeader && isNeeded) return { kind: "refused", why: "leaderless" };
  const stay = isr.filter((id) => !isGone(id));
  if (leader !== noLeader && stay.length === 0) return { kind: "refused", why: "unsafe" };
  const rest: Partition = {
    ...partition,
    replicas: replicas.filter((id) => !isGone(id)),
    adding: adding.length === ids.length ? noBrokers : adding.filter((id) => !isGone(id)),
    isr: stay,
    elr: elr.filter((id) => !isGone(id)),
    lastIsr: lastIsr.filter((id) => !isGone(id)),
    leader: isGone(leader) ? noLeader : leader,
  };
  const settled = withIsr({ ...rest, lastIsr: among(rest.replicas, rest.lastIsr) }, stay, {
    around,
  });
  const led = elected(settled, around);
  if (leader !== noLeader && led.leader === noLeader) return { kind: "refused", why: "unsafe" };
  return { kind: "moved", partition: led };
}
