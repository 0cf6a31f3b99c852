import type { Image, Topic } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import { topicSettings } from "../settings/topic-settings.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { placementDraft } from "./new-partitions.ts";
import { createRoom, recordsOf } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { levelOfMoves } from "./recovery.ts";
import type { TierLookup } from "./recovery.ts";
import { automaticRecovery, carriedOut } from "./recovery-plan.ts";
import type { RecoveryPlan, RecoveryScene, ReportedEnd } from "./recovery-plan.ts";
import { rules as allRules } from "./rules.ts";
import { saidByPartition } from "./said-by-partition.ts";

export type RecoverPartitionsRequest = {
  readonly ends: readonly ReportedEnd[];
  /** What the object store holds of partitions: where it has not been asked yet, nobody is elected. */
  readonly tieredEnds?: TierLookup | undefined;
};

/**
 * Gives partitions a leader again that have nobody in sync or eligible to elect, where the rules allow it without being asked: among the members of the
 * last in-sync set, once all of them have spoken or are lost (replication.md C2b); without any of them where all were lost with their ephemeral
 * directories, or where the topic says so (C3). As many as one entry holds, and tells them: for whenever an end has been reported, a broker is lost, or
 * this has done something.
 */
export function recoverPartitions(
  image: Image,
  request: RecoverPartitionsRequest,
  context: Pick<CommandContext, "rules">,
): Decision<RecoveryPlan[], never> {
  if (image.level < levelOfMoves || image.leaderlessCount === 0) return accepted([], []);
  const room = createRoom(image);
  const changes: PartitionChange[] = [];
  const plans: RecoveryPlan[] = [];
  for (const { plan, change } of recoveries(image, request, context)) {
    if (!room.takes(change)) break;
    plans.push(plan);
    changes.push(change);
  }
  return accepted(recordsOf(image, changes), plans);
}

function* recoveries(
  image: Image,
  request: RecoverPartitionsRequest,
  { rules = allRules }: Pick<CommandContext, "rules">,
): Iterable<{ readonly plan: RecoveryPlan; readonly change: PartitionChange }> {
  const draft = placementDraft(image);
  const ends = saidByPartition(request.ends);
  for (const topic of image.topics.values()) {
    const { topicId } = topic;
    const leaderless = topic.partitions.filter(({ leader }) => leader === noLeader);
    // Settings take longer to look up than all the rest takes for a partition that waits.
    const mayLose = leaderless.length > 0 && isLossAllowed(image, topic);
    for (const partition of leaderless) {
      const { index } = partition;
      const tiered = request.tieredEnds?.(topicId, index);
      const said = { ends: ends(topicId, index), tiered };
      const scene: RecoveryScene = { image, topic, partition, rules, ...said };
      const plan = automaticRecovery(scene, { draft, mayLose });
      const after = plan === null ? null : carriedOut(scene, plan);
      if (plan === null || after === null) continue;
      yield { plan, change: { topicId, before: partition, after } };
    }
  }
}

function isLossAllowed(image: Image, topic: Topic): boolean {
  return topicSettings(image, topic).isUncleanLeaderElectionEnabled;
}
