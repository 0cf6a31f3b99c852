import { activeIn } from "../image/image.ts";
import type { Image } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { elected, numbered, surroundings } from "./membership.ts";
import { countFittingEntry, recordsOf } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { rules as allRules } from "./rules.ts";

/** Gives leaderships back to preferred replicas that are in sync (replication.md C8), at most so many at a time: each is a moment of retries. */
export function balanceLeaders(
  image: Image,
  request: { readonly maxMoves: number },
  context: Pick<CommandContext, "rules">,
): Decision<{ movedCount: number; isMoreLeft: boolean }, never> {
  const { rules = allRules } = context;
  const isActive = activeIn(image);
  const changes: PartitionChange[] = [];
  let isMoreLeft = false;
  search: for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const { leader, isr, replicas } = partition;
      const [preferred = noLeader] = replicas;
      if (leader === preferred || leader === noLeader || !isr.includes(preferred)) continue;
      if (!isActive(preferred)) continue;
      if (changes.length >= request.maxMoves) {
        isMoreLeft = true;
        break search;
      }
      const around = surroundings(image, topic, { rules, mayLead: (id) => id === preferred });
      const after = elected({ ...partition, leader: noLeader }, around);
      changes.push({ topicId: topic.topicId, after: numbered(partition, after, { rules }) });
    }
  }
  const count = countFittingEntry(changes);
  const result = { movedCount: count, isMoreLeft: isMoreLeft || count < changes.length };
  return accepted(recordsOf(changes.slice(0, count)), result);
}
