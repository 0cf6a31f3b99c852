import type { LedPartition } from "../../metadata/commands/seal-partitions.ts";
import { breakSeals } from "../../metadata/commands/seal-partitions.ts";
import { partitionOf } from "../../metadata/image/image.ts";
import type { Image } from "../../metadata/image/image.ts";
import { bootstrapAt, isSleeping } from "../../metadata/image/seals.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import { MetadataLogError } from "../../ports/metadata-log.ts";
import type { LogOutput } from "../log-output.ts";
import { startPeriodic } from "../periodic.ts";
import type { Partition } from "./partition.ts";

export type SealBreakerOptions = {
  readonly self: { readonly brokerId: number; readonly brokerEpoch: number };
  readonly metadata: MetadataReplica;
  readonly clock: Clock;
  readonly log: LogOutput;
  /** Partitions held here. */
  readonly partitions: () => Iterable<Partition>;
};

const everyMs = 250;
/** Of one command; the rest follows. */
const maxPartitionsAtOnce = 2_000;

/**
 * Takes records again for what is led here from a seal (storage.md, "Sleep, wake, drain to nothing"): says in the metadata log that the partition's log
 * begins where the seal ends, once enough are in sync. Asks again until the log has answered; the result stops it.
 */
export function startSealBreaker(options: SealBreakerOptions): () => Promise<void> {
  const { self, metadata, clock, log } = options;
  return startPeriodic({
    clock,
    intervalMs: everyMs,
    async round() {
      const partitions = breakable(metadata.image, options);
      if (partitions.length === 0) return;
      try {
        const request = { ...self, partitions };
        await metadata.submit((image, context) => breakSeals(image, request, context));
      } catch (error) {
        if (!(error instanceof MetadataLogError)) throw error;
        log.warn("sealed partitions take no records yet: the metadata log does not answer", {
          error: error.message,
        });
      }
    },
    failed: (error) => log.error("seals could not be broken", { error: String(error) }),
  });
}

function breakable(image: Image, { self, partitions }: SealBreakerOptions): LedPartition[] {
  const isStaying = image.brokers.get(self.brokerId)?.state === "active";
  if (image.sealedCount === 0 || isSleeping(image) || !isStaying) return [];
  const found: LedPartition[] = [];
  for (const { topicId, index, isLeader, leaderEpoch, log, minIsr } of partitions()) {
    if (found.length === maxPartitionsAtOnce) break;
    const state = partitionOf(image, topicId, index);
    if (!isLeader || state === undefined || state.sealed === null) continue;
    if (state.leader !== self.brokerId || state.leaderEpoch !== leaderEpoch) continue;
    const position = { logEndOffset: log.logEndOffset, lastEpoch: log.leaderEpoch };
    if (bootstrapAt(state, position) !== null || state.isr.length < minIsr) continue;
    found.push({ topicId, index, leaderEpoch });
  }
  return found;
}
