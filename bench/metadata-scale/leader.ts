import type {
  AlterPartitionOutcome,
  ProposedIsr,
} from "../../metadata/commands/alter-partition.ts";
import type { Image } from "../../metadata/image/image.ts";
import { activeIn, partitionOf } from "../../metadata/image/image.ts";
import type { ScaleBroker } from "./broker.ts";
import { brokerOf } from "./cell.ts";
import type { ScaleCell } from "./cell.ts";
import { isIncomplete } from "./incomplete-sets.ts";
import type { PartitionRef } from "./incomplete-sets.ts";
import { travel } from "./messages.ts";
import type { SharedReplica } from "./replica.ts";

/**
 * A leader whose followers catch up in no time: it asks for everybody who is in service to be in sync as soon as it hears of them, as
 * broker/replication/in-sync-keeper.ts does, one request under way and 2,000 partitions in it at most.
 */
export type Leader = { applied(): void };

const maxPartitionsAtOnce = 2_000;
const pauseMs = 200;
const lookMs = 500;
/** No answer: the controller is gone, or never was one. */
const timeoutMs = 10_000;

export function createLeader(cell: ScaleCell, broker: ScaleBroker, replica: SharedReplica): Leader {
  const { clock } = cell;
  const waiting = new Map<string, PartitionRef>();
  let isBusy = false;
  let isPlanned = false;

  /** Whoever is registered, and does not fetch yet, is looked for until it does or is fenced. */
  function lookAgain(): void {
    if (isPlanned || waiting.size === 0) return;
    isPlanned = true;
    clock.after(lookMs, () => {
      isPlanned = false;
      turn();
    });
  }

  function turn(): void {
    if (isBusy || broker.running?.replica !== replica) return;
    const proposals = proposalsOf(cell, replica.image, { brokerId: broker.brokerId, waiting });
    if (proposals.length === 0) return lookAgain();
    isBusy = true;
    let isAnswered = false;
    const answered = (outcome: AlterPartitionOutcome | null): void => {
      if (isAnswered) return;
      isAnswered = true;
      for (const ref of unsettled(proposals, outcome)) waiting.set(keyOf(ref), ref);
      clock.after(isCutShort(outcome) ? 0 : pauseMs, () => {
        isBusy = false;
        turn();
      });
    };
    clock.after(timeoutMs, () => answered(null));
    const controllerId = replica.image.controller.brokerId;
    const to = controllerId === null ? undefined : brokerOf(cell, controllerId);
    const { brokerId, brokerEpoch } = broker.running.state;
    const request = { brokerId, brokerEpoch, partitions: proposals };
    if (to === undefined) return answered(null);
    travel(cell, to, ({ desk }) =>
      desk.alterPartitions(request, (outcome) => travel(cell, broker, () => answered(outcome))),
    );
  }

  return {
    applied() {
      for (const ref of cell.incomplete.after(replica.at).get(broker.brokerId) ?? []) {
        waiting.set(keyOf(ref), ref);
      }
      if (waiting.size > 0) clock.after(0, turn);
    },
  };
}

type Proposing = { readonly brokerId: number; readonly waiting: Map<string, PartitionRef> };

function proposalsOf(
  cell: ScaleCell,
  image: Image,
  { brokerId, waiting }: Proposing,
): ProposedIsr[] {
  const isFollowing = followingIn(cell, image);
  const proposals: ProposedIsr[] = [];
  for (const [key, { topicId, index }] of waiting) {
    if (proposals.length === maxPartitionsAtOnce) break;
    const partition = partitionOf(image, topicId, index);
    const isMine = partition?.leader === brokerId && isIncomplete(image, partition);
    if (!isMine) {
      waiting.delete(key);
      continue;
    }
    const { replicas, isr: inSync, leaderEpoch, partitionEpoch } = partition;
    const members = replicas.filter((id) => inSync.includes(id) || isFollowing(id));
    if (members.length === inSync.length) continue;
    waiting.delete(key);
    const isr = members.map((id) => ({
      brokerId: id,
      brokerEpoch: image.brokers.get(id)?.epoch ?? -1,
    }));
    proposals.push({ topicId, index, leaderEpoch, partitionEpoch, isr });
  }
  return proposals;
}

/** In service, and there to fetch, in the life that the log knows. */
function followingIn(cell: ScaleCell, image: Image): (brokerId: number) => boolean {
  const isActive = activeIn(image);
  const known = new Map<number, boolean>();
  return (id) => {
    const isThere =
      known.get(id) ??
      (isActive(id) &&
        brokerOf(cell, id)?.running?.state.brokerEpoch === image.brokers.get(id)?.epoch);
    known.set(id, isThere);
    return isThere;
  };
}

function unsettled(
  proposals: readonly ProposedIsr[],
  outcome: AlterPartitionOutcome | null,
): readonly PartitionRef[] {
  if (outcome === null || outcome.kind === "rejected") return proposals;
  return outcome.partitions.filter(
    ({ error }) => error !== null && error !== "NEW_LEADER_ELECTED" && error !== "INVALID_REQUEST",
  );
}

function isCutShort(outcome: AlterPartitionOutcome | null): boolean {
  if (outcome?.kind !== "done") return false;
  return outcome.partitions.some(({ error }) => error === "OPERATION_NOT_ATTEMPTED");
}

function keyOf({ topicId, index }: PartitionRef): string {
  return `${topicId}-${index}`;
}
