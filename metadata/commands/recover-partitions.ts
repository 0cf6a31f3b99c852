import type { Image } from "../image/image.ts";
import { noLeader } from "../records/partition.ts";
import { accepted } from "./command.ts";
import type { CommandContext, Decision } from "./command.ts";
import { placementDraft } from "./new-partitions.ts";
import { fitting, inEntries } from "./partition-changes.ts";
import type { PartitionChange } from "./partition-changes.ts";
import { levelOfMoves } from "./recovery.ts";
import { automaticRecovery, carriedOut } from "./recovery-plan.ts";
import type { RecoveryPlan, RecoveryScene, ReportedEnd, TieredEnd } from "./recovery-plan.ts";
import { rules as allRules } from "./rules.ts";

export type RecoverPartitionsRequest = {
  readonly ends: readonly ReportedEnd[];
  readonly tiered?: readonly TieredEnd[];
};

/**
 * Gives partitions a leader again that have nobody in sync or eligible to elect, where the rules allow it without being asked: among the members of the
 * last in-sync set, once all of them have spoken or are lost (replication.md C2b); without any of them where all were lost with their ephemeral
 * directories, or where the topic says so (C3). For whenever an end has been reported or a broker is lost.
 */
export function recoverPartitions(
  image: Image,
  request: RecoverPartitionsRequest,
  context: Pick<CommandContext, "rules">,
): Decision<RecoveryPlan[], never> {
  if (image.level < levelOfMoves || image.leaderlessCount === 0) return accepted([], []);
  const { rules = allRules } = context;
  const draft = placementDraft(image);
  const ends = byPartition(request.ends);
  const tiers = byPartition(request.tiered ?? []);
  const changes: PartitionChange[] = [];
  const plans: RecoveryPlan[] = [];
  for (const topic of image.topics.values()) {
    const { topicId } = topic;
    for (const partition of topic.partitions) {
      if (partition.leader !== noLeader) continue;
      const ref = refOf(topicId, partition.index);
      const scene: RecoveryScene = {
        image,
        topic,
        partition,
        ends: ends.get(ref) ?? [],
        tiered: tiers.get(ref)?.[0],
        rules,
      };
      const plan = automaticRecovery(scene, draft);
      const after = plan === null ? null : carriedOut(scene, plan);
      if (plan === null || after === null) continue;
      plans.push(plan);
      changes.push({ topicId, before: partition, after });
    }
  }
  return inEntries(image, fitting(image, changes), { result: plans });
}

function byPartition<Said extends { readonly topicId: string; readonly index: number }>(
  said: readonly Said[],
): ReadonlyMap<string, Said[]> {
  const found = new Map<string, Said[]>();
  for (const each of said) {
    const ref = refOf(each.topicId, each.index);
    const others = found.get(ref);
    if (others === undefined) found.set(ref, [each]);
    else others.push(each);
  }
  return found;
}

function refOf(topicId: string, index: number): string {
  return `${topicId}-${index}`;
}
