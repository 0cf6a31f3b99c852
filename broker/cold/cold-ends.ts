import type { Recovery } from "../../metadata/records/partition.ts";
import type { Clock } from "../../ports/clock.ts";
import { LogReadError } from "../log/partition-log.ts";
import { latestEpoch } from "../log/epoch-cache.ts";
import { tieredEnd } from "../tiering/manifest.ts";
import { listPacks, loadPackDirectory } from "../tiering/pack-reading.ts";
import type { FoundRange, PackRecovery, TierEnd } from "../tiering/pack-recovery.ts";
import { recoverFromPacks } from "../tiering/pack-recovery.ts";
import type { Tier, TierPlace } from "./tier.ts";

// What the object store has of partitions whose replicas may all be lost: segments, and behind them what packs hold (replication.md C3).

export type AskedPlace = TierPlace & { readonly recoveries: readonly Recovery[] };

/** What can be had of a partition. */
export type ColdEnd = PackRecovery & {
  /** Null: there is no segment of it. */
  readonly tier: TierEnd | null;
};

export type ColdEnds = {
  /**
   * How far the object store reaches. `claimedFor`: the manifest is claimed first for that leader epoch, so that no leader of an earlier one brings more than
   * is told here. Throws LogReadError where the store does not answer or has something damaged: better late than less than there is.
   */
  endOf(asked: AskedPlace, claimedFor: number | null): Promise<ColdEnd>;
};

/** Of thousands of partitions that are asked about together, one look at the packs. */
const indexMs = 2_000;

type PackIndex = ReadonlyMap<string, readonly FoundRange[]>;

const keyOf = ({ topicId, index }: TierPlace): string => `${index}:${topicId}`;

export function createColdEnds(options: {
  readonly tier: Tier;
  readonly cell: string;
  readonly clock: Clock;
}): ColdEnds {
  const { tier, cell, clock } = options;
  let index: { readonly sinceMs: number; readonly found: Promise<PackIndex> } | null = null;

  function packIndex(): Promise<PackIndex> {
    const nowMs = clock.monotonicMs();
    if (index !== null && nowMs - index.sinceMs < indexMs) return index.found;
    const found = indexPacks(tier, cell);
    const mine = { sinceMs: nowMs, found };
    index = mine;
    found.catch(() => {
      if (index === mine) index = null;
    });
    return found;
  }

  return {
    async endOf(asked, claimedFor) {
      if (claimedFor !== null) await claim(tier, asked, claimedFor);
      const end = await endOfSegments(tier, asked);
      const ranges = (await packIndex()).get(keyOf(asked)) ?? [];
      return { ...recoverFromPacks(ranges, end, asked.recoveries), tier: end };
    },
  };
}

async function claim(tier: Tier, place: TierPlace, leaderEpoch: number): Promise<void> {
  const claimed = await tier.manifests.claim(tier.pathOf(place), {
    leaderEpoch,
    logStartOffset: 0,
  });
  // Whoever has claimed it later knows all that this one could.
  if (claimed.kind === "fenced") return;
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

/** With as many looks in a row that met a pack which was gone, packs come and go too fast. */
const looksAtMost = 10;

/** The ranges of all packs there are, by partition. */
async function indexPacks(tier: Tier, cell: string): Promise<PackIndex> {
  const known = new Map<string, readonly FoundRange[]>();
  for (let look = 0; !(await addPacks(tier, cell, known)); look += 1)
    if (look === looksAtMost) throw new LogReadError("packs come and go");
  const found = new Map<string, FoundRange[]>();
  for (const each of Array.from(known.values()).flat()) {
    const key = keyOf(each.range);
    const ranges = found.get(key);
    if (ranges === undefined) found.set(key, [each]);
    else ranges.push(each);
  }
  return found;
}

/**
 * Adds what is not known yet. False if what takes the place of others may have been missed: some were gone by the time they were read, or perhaps by the time
 * their page of the list was, and what was put meanwhile belongs on one that had been.
 */
async function addPacks(
  { objects }: Tier,
  cell: string,
  known: Map<string, readonly FoundRange[]>,
): Promise<boolean> {
  const countBefore = known.size;
  let isAnyGone = false;
  for (let startAfter: string | null = null; ;) {
    const listed = await listPacks(objects, cell, { startAfter });
    if (listed.kind === "unavailable") throw new LogReadError(`packs: ${listed.message}`);
    for (const pack of listed.packs) {
      if (known.has(pack.key)) continue;
      const loaded = await loadPackDirectory(objects, pack);
      if (loaded.kind === "directory") known.set(pack.key, loaded.found);
      else if (loaded.kind === "gone") isAnyGone = true;
      else throw new LogReadError(`a pack: ${loaded.message}`);
    }
    const isOnePage = startAfter === null;
    if (listed.startAfter === null) return !isAnyGone && (isOnePage || known.size === countBefore);
    ({ startAfter } = listed);
  }
}
