import { activeIn, evacuatedIn } from "../image/image.ts";
import type { Image, Partition } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { elected, numbered, surroundings } from "./membership.ts";
import { fitting, recordsOf } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

/** Gives leaderships back to preferred replicas that are in sync (replication.md C8), at most so many at a time: each is a moment of retries. */
export function balanceLeaders(
  image: Image,
  request: { readonly maxMoves: number },
  context: Pick<CommandContext, "rules">,
): Decision<{ movedCount: number; isMoreLeft: boolean }, never> {
  const { rules = allRules } = context;
  const successorOf = successorIn(image);
  const changes: PartitionChange[] = [];
  let isMoreLeft = false;
  search: for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const successor = successorOf(partition);
      if (successor === null) continue;
      if (changes.length >= request.maxMoves) {
        isMoreLeft = true;
        break search;
      }
      const around = surroundings(image, topic, { rules, mayLead: (id) => id === successor });
      const after = elected({ ...partition, leader: noLeader }, around);
      changes.push({
        topicId: topic.topicId,
        before: partition,
        after: numbered(partition, after, { rules }),
      });
    }
  }
  const moves = fitting(image, changes);
  const movedCount = moves.changes.length;
  const result = { movedCount, isMoreLeft: isMoreLeft || !moves.areAll };
  return accepted(recordsOf(image, moves.changes), result);
}

/**
 * Who shall lead in the leader's place; null if it may stay. A broker that is emptied is nobody's preferred leader: one that leads, because nobody else
 * could, hands over to the first that can.
 */
function successorIn(image: Image): (partition: Partition) => number | null {
  const isActive = activeIn(image);
  const isEvacuated = evacuatedIn(image);
  return ({ leader, isr, replicas }) => {
    if (leader === noLeader) return null;
    const canLead = (id: number) => !isEvacuated(id) && isr.includes(id) && isActive(id);
    if (isEvacuated(leader)) return replicas.find(canLead) ?? null;
    const preferred = replicas.find((id) => !isEvacuated(id)) ?? noLeader;
    return preferred !== leader && canLead(preferred) ? preferred : null;
  };
}
