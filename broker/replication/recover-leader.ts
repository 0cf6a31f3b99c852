import { batchFactsAt } from "../log/batch-validation.ts";
import type { LogStore } from "../log/log-store.ts";
import { buildLeaderChange } from "../../protocol/records/control.ts";
import type { Recovery } from "./follower-step.ts";
import { recoveryStep } from "./follower-step.ts";
import type { Partition } from "./partition.ts";

// A leader elected though records may be lost first does to its own log what the recovery says: what older epochs wrote at or above `end` goes, and the log
// goes on at `start` (replication.md C2b, C3, F8).

/** Brings the log to where the recoveries have it. False if it cannot be now: the replica is damaged, dropped, or its disk does not write. */
export async function applyRecoveries(
  { log }: Partition,
  recoveries: readonly Recovery[],
): Promise<boolean> {
  for (;;) {
    const step = recoveryStep(log, recoveries);
    if (step === null) return true;
    const isDone =
      step.kind === "truncate"
        ? await log.truncateTo(step.toOffset, { isRecovery: true })
        : step.kind === "skip" && (await log.skipTo(step.toOffset));
    if (!isDone) return false;
  }
}

/** The first record behind a gap: there is something at its start that fetches, the in-sync rule and tools can find. Consumers skip it. */
export async function markRecovery(
  partition: Partition,
  at: { readonly store: LogStore; readonly leaderId: number; readonly nowMs: number },
): Promise<void> {
  const { log, leaderEpoch } = partition;
  const isBehindGap = (): boolean => log.gaps.some(({ start }) => start === log.nextOffset);
  if (!isBehindGap()) return;
  const quorum = { voters: [], grantingVoters: [] };
  const { leaderId, nowMs: timestamp } = at;
  const batch = buildLeaderChange({ leaderId, leaderEpoch, timestamp, ...quorum });
  await at.store.room(batch.length);
  if (!partition.isLeader || partition.leaderEpoch !== leaderEpoch || !isBehindGap()) return;
  // Refused only where the term is over or the disk fails, which others find out as well.
  log.append(batch, batchFactsAt(batch, 0), {
    leaderEpoch,
    durability: "fsync",
    nowMs: at.nowMs,
  });
}
