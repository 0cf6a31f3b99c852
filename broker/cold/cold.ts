import { partitionOf } from "../../metadata/image/image.ts";
import type { MetadataReplica } from "../../metadata/log/replica.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Random } from "../../ports/random.ts";
import {
  partitionKey,
  type TierEnds,
  type TieredPartition,
  type TieredTo,
  type Untold,
} from "../cell/tier-ends.ts";
import type { BrokerConfig } from "../config.ts";
import { forEachAtOnce } from "../log/at-once.ts";
import type { LogStore } from "../log/log-store.ts";
import { LogReadError } from "../log/partition-log.ts";
import type { LogOutput } from "../log-output.ts";
import type { Restoring } from "../replication/topic-table.ts";
import { createColdEnds, type ColdEnds } from "./cold-ends.ts";
import { failuresAtMost } from "./put-off.ts";
import { createRestoreLimits, restorationOf, restoreLog } from "./restore-log.ts";
import { createPackPieces } from "../tiering/pack-pieces.ts";
import { createTierWriter, type TierWriter } from "./tier-writer.ts";
import { createTier, type Tier } from "./tier.ts";
import { defaultTieringConfig } from "./tiering-config.ts";

/** What a broker has of the object store: how it reads there, how it writes as a leader, and how logs come back from it. */
export type Cold = {
  readonly tier: Tier;
  readonly tierWriter: TierWriter;
  readonly restoring: Restoring;
  readonly tierEnds: TierEnds;
  /** Lets go of what recoveries have read of packs, if there was none for a while. */
  readonly forgetPacks: () => void;
};

/** Of a segment: producers and lineage of a partition, at their bounds. */
const footerRoomBytes = 8 * 1024 * 1024;

export function createCold(options: {
  readonly config: BrokerConfig;
  readonly objects: ObjectStore;
  readonly metadata: MetadataReplica;
  readonly store: LogStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogOutput;
}): Cold {
  const { config, objects, metadata, store, clock, random, log } = options;
  const { cellName: cell, producers } = config;
  const { segmentBytes, graceMs } = { ...defaultTieringConfig, ...config.tiering };
  const tier = createTier({ cell, objects, clock, random });
  const coldEnds = createColdEnds({ tier, cell, clock, log });
  const pieces = createPackPieces({ objects });
  const limits = createRestoreLimits();
  const restoration = { tier, coldEnds, pieces, store, clock, log, limits };
  return {
    tier,
    tierWriter: createTierWriter({
      tier,
      clock,
      random,
      log,
      producerExpirationMs: producers.expirationMs,
      // A batch that passes the segment's worth, and the footer.
      bufferBytes: segmentBytes + store.maxBatchBytes + footerRoomBytes,
      graceMs,
    }),
    restoring: {
      isDue: (partitionLog, state) => restorationOf(partitionLog, state) !== null,
      restore: (partitionLog, state, isWanted) =>
        restoreLog(restoration, partitionLog, state, isWanted),
    },
    tierEnds: tierEndsOf({ metadata, coldEnds, clock, log }),
    forgetPacks: () => {
      if (coldEnds.forgetUnused()) pieces.forget();
    },
  };
}

/** A claim and a manifest each, of a few requests one after the other. */
const askedAtOnce = 32;

/** As the controller asks before it gives a partition a leader that may lack records: in the term without one. */
function tierEndsOf(options: {
  readonly metadata: MetadataReplica;
  readonly coldEnds: ColdEnds;
  readonly clock: Clock;
  readonly log: LogOutput;
}): TierEnds {
  const { coldEnds, clock, log } = options;
  const { image } = options.metadata;
  const endOf = async ({ topicId, index }: TieredPartition, askedMs: number) => {
    const state = partitionOf(image, topicId, index);
    const { recoveries = [], leaderEpoch = 0 } = state ?? {};
    const place = { topicId, index, recoveries, askedMs };
    const { endOffset: end, lastEpoch } = await coldEnds.endOf(place, leaderEpoch);
    return { end, lastEpoch };
  };
  return {
    async ends(partitions) {
      const found = new Map<string, TieredTo | Untold>();
      let failureCount = 0;
      const askedMs = clock.monotonicMs();
      await forEachAtOnce(partitions, askedAtOnce, async (each) => {
        const told = await endOf(each, askedMs).catch((error: unknown): Untold => {
          const isDamage = error instanceof LogReadError && error.isDamage;
          if (!isDamage) failureCount += 1;
          if (!(error instanceof LogReadError) || failureCount > failuresAtMost) throw error;
          const { topicId, index } = each;
          const about = { topicId, partition: index, reason: error.message };
          log.warn("a partition waits for the object store before it can have a leader", about);
          return isDamage ? "damaged" : "unanswered";
        });
        if (typeof told === "object") failureCount = 0;
        found.set(partitionKey(each), told);
      });
      return found;
    },
  };
}
