import type { FailedLeadership } from "../../metadata/commands/resign-leaderships.ts";
import { resignLeaderships } from "../../metadata/commands/resign-leaderships.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { LogOutput } from "../log-output.ts";

/** A disk that fails every write would else fill the metadata log with terms of a moment each. */
const pauseMs = 1_000;

export type LeadershipRenewalOptions = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly metadata: MetadataReplica;
  readonly clock: Clock;
  readonly log: LogOutput;
};

export type LeadershipRenewal = {
  /** The write of their last commit failed, or they cannot be led here at all: their terms in these epochs are over. */
  resign(failed: readonly FailedLeadership[]): void;
  stop(): void;
};

/**
 * Ends in the metadata log the leaderships that a failed write has ended here (replication.md L2), where the next term is decided by the same entry. Asks
 * again until the log has answered: meanwhile the partitions answer NOT_LEADER_OR_FOLLOWER, which clients retry.
 */
export function createLeadershipRenewal(options: LeadershipRenewalOptions): LeadershipRenewal {
  const { brokerId, brokerEpoch, metadata, clock, log } = options;
  const waiting = new Map<string, FailedLeadership>();
  let isStopped = false;
  let isBusy = false;
  let cancelPause = (): void => {};

  async function submit(failed: readonly FailedLeadership[]): Promise<void> {
    try {
      const request = { brokerId, brokerEpoch, failed };
      const outcome = await metadata.submit((image) => resignLeaderships(image, request));
      if (outcome.kind === "rejected")
        log.error("this broker was registered anew elsewhere and leads nothing any more", {
          error: outcome.error,
        });
    } catch (error) {
      if (!(error instanceof MetadataLogError)) throw error;
      log.warn("leaderships could not be given up; it is tried again", { error: error.message });
      for (const each of failed) if (!waiting.has(keyOf(each))) waiting.set(keyOf(each), each);
    }
  }

  function start(): void {
    if (isStopped || isBusy || waiting.size === 0) return;
    isBusy = true;
    const failed = [...waiting.values()];
    waiting.clear();
    void submit(failed).finally(() => {
      if (isStopped) return;
      cancelPause = clock.after(pauseMs, () => {
        isBusy = false;
        start();
      });
    });
  }

  return {
    resign(failed) {
      for (const each of failed) waiting.set(keyOf(each), each);
      start();
    },
    stop() {
      isStopped = true;
      cancelPause();
    },
  };
}

function keyOf({ topicId, index }: FailedLeadership): string {
  return `${index}:${topicId}`;
}
