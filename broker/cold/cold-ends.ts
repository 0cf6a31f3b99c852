import type { Recovery } from "../../metadata/records/partition.ts";
import type { Clock } from "../../ports/clock.ts";
import { LogReadError } from "../log/partition-log.ts";
import type { LogOutput } from "../log-output.ts";
import { latestEpoch } from "../log/epoch-cache.ts";
import { tieredEnd } from "../tiering/manifest.ts";
import type { PackRecovery, TierEnd } from "../tiering/pack-recovery.ts";
import { recoverFromPacks } from "../tiering/pack-recovery.ts";
import { createPackLooks } from "./pack-index.ts";
import type { Tier, TierPlace } from "./tier.ts";

// What the object store has of partitions whose replicas may all be lost: segments, and behind them what packs hold (replication.md C3).

export type AskedPlace = TierPlace & {
  readonly recoveries: readonly Recovery[];
  /** On the monotonic scale, where others are asked about together with it: all that was put before is told of. Now, if it is not said. */
  readonly askedMs?: number;
};

/** What can be had of a partition. */
export type ColdEnd = Omit<PackRecovery, "hasHole"> & {
  /** Null: there is no segment of it. */
  readonly tier: TierEnd | null;
  /** A pack that cannot be read, and may have had more; null if there is none. */
  readonly damagedPack: string | null;
  /** All that there are, of all partitions. */
  readonly packCount: number;
};

export type ColdEnds = {
  /**
   * How far the object store reaches. `claimedFor`: the manifest is claimed first for that leader epoch, so that no leader of an earlier one brings more than
   * is told here. Throws LogReadError where the store does not answer or has something of the partition damaged: better late than less than there is. A pack that is
   * damaged counts as one that was lost, for nobody can tell what it held, but where packs have a hole that it may have filled.
   */
  endOf(asked: AskedPlace, claimedFor: number | null): Promise<ColdEnd>;
  /** Lets go of what is known of packs, and true, if nobody has asked for a while. */
  forgetUnused(): boolean;
};

export function createColdEnds(options: {
  readonly tier: Tier;
  readonly cell: string;
  readonly clock: Clock;
  readonly log: LogOutput;
}): ColdEnds {
  const { tier, clock } = options;
  const packs = createPackLooks(options);
  return {
    async endOf(asked, claimedFor) {
      const { askedMs = clock.monotonicMs() } = asked;
      if (claimedFor !== null) await claim(tier, asked, claimedFor);
      const end = await endOfSegments(tier, asked);
      const index = await packs.index(askedMs);
      const { damaged, packCount } = index;
      const found = recoverFromPacks(index.rangesOf(asked), end, asked.recoveries);
      // What was there once, in all likelihood: whoever looks after the cell decides whether it can be had again, for what is behind the hole is given up else.
      if (found.hasHole && damaged !== null)
        throw new LogReadError(`its packs have a hole, and ${damaged} is damaged`, damage);
      return { ...found, tier: end, damagedPack: damaged, packCount };
    },
    forgetUnused: () => packs.forgetUnused(),
  };
}

const damage = { isDamage: true };

async function claim(tier: Tier, place: TierPlace, leaderEpoch: number): Promise<void> {
  const claimed = await tier.manifests.claim(tier.pathOf(place), {
    leaderEpoch,
    logStartOffset: 0,
  });
  // Whoever has claimed it later knows all that this one could.
  if (claimed.kind === "fenced") return;
  if (claimed.kind === "corrupt") throw new LogReadError(`a manifest: ${claimed.message}`, damage);
  if (claimed.kind !== "stored") throw new LogReadError(`a manifest: ${claimed.kind}`);
  tier.note(place, claimed.stored);
}

async function endOfSegments(tier: Tier, place: TierPlace): Promise<TierEnd | null> {
  const manifest = await tier.manifest(place, { isFresh: true });
  if (manifest === null) return null;
  const endOffset = tieredEnd(manifest);
  const beginning = await tier.beginning(place);
  if (beginning === null && endOffset === 0) return null;
  const lastEpoch = latestEpoch({ entries: [...(beginning?.before.epochs ?? [])] });
  return { endOffset, lastEpoch, listsNothing: beginning === null };
}
