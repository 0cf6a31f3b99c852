import type { Image, Partition, Topic } from "../image/image.ts";
import type { CommandContext, Decision } from "./command.ts";
import { numbered, surroundings } from "./membership.ts";
import { changePartitions, inEntries } from "./partition-changes.ts";
import { completed, isMoving } from "./replica-moves.ts";
import { rules as allRules } from "./rules.ts";

/**
 * Ends the moves whose target is in sync (replication.md C6) that the leader's own AlterPartition could not end, because nobody of the target might lead
 * then. For now and then.
 */
export function advanceMoves(
  image: Image,
  context: Pick<CommandContext, "rules">,
): Decision<{ completedCount: number }, never> {
  const { rules = allRules } = context;
  const ended = changePartitions(image, (topic) => {
    const around = surroundings(image, topic, { rules });
    return (partition) => {
      if (!isMoving(partition)) return partition;
      return numbered(partition, completed(partition, around), { rules });
    };
  });
  return inEntries(image, ended, { result: { completedCount: ended.changes.length } });
}

/** The partitions whose replicas move. */
export function* movingPartitions(
  image: Image,
): Iterable<{ readonly topic: Topic; readonly partition: Partition }> {
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      if (isMoving(partition)) yield { topic, partition };
    }
  }
}
