import { topicSettings } from "../../../metadata/settings/topic-settings.ts";
import type { Checks, Invariant, Observed, RecoveryChange } from "./invariant.ts";
import { placeOf } from "./invariant.ts";

const keepsWhatIsThere: Invariant = {
  name: "C2b",
  about:
    "a recovery keeps every committed record that a member of the last in-sync set holds: all it had written if its host lived, what it had flushed if not",
  watch: watchRecoveries,
};

function watchRecoveries({ truth, known, committed }: Observed): Checks {
  function heldBy(id: number, { topicId, index }: RecoveryChange): number {
    const member = known.get(id);
    const replica = member?.view.replica(topicId, index);
    if (member === undefined || replica === undefined || replica.failure !== null) return 0;
    const to = member.lost() === "nothing" ? replica.logEndOffset : replica.flushedEnd;
    return committed(topicId, index).agreedEnd(replica.lastEpoch, to);
  }

  /** C3: somebody has said that going on is worth more than records. */
  function mayLose({ topicId }: RecoveryChange): boolean {
    const topic = truth.image.topics.get(topicId);
    return topic !== undefined && topicSettings(truth.image, topic).isUncleanLeaderElectionEnabled;
  }

  return {
    recovery(change) {
      const { before, after } = change;
      const recovery = after.recoveries.at(-1);
      // What offsets of an older recovery are worth is another question.
      if (recovery === undefined || before.recoveries.length > 0) return null;
      // Where a disk is gone altogether, nobody knows what else it may have shown to others.
      const isGone = (id: number) =>
        (truth.image.brokers.get(id)?.isLost ?? true) || known.get(id)?.lost() === "everything";
      if (before.lastIsr.some(isGone) || mayLose(change)) return null;
      for (const id of before.lastIsr) {
        const held = heldBy(id, change);
        if (held <= recovery.end) continue;
        return `${placeOf(change)} goes on behind ${recovery.end}; member ${id} holds what is committed up to ${held}`;
      }
      return null;
    },
  };
}

export const recoveryInvariants: readonly Invariant[] = [keepsWhatIsThere];
