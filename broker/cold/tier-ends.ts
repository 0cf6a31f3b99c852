import type { Recovery } from "../../metadata/records/partition.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { LogReadError } from "../log/partition-log.ts";
import { latestEpoch } from "../log/epoch-cache.ts";
import { tieredEnd } from "../tiering/manifest.ts";
import { listPacks, loadPackDirectory } from "../tiering/pack-reading.ts";
import type { FoundRange, PackRecovery, TierEnd } from "../tiering/pack-recovery.ts";
import { recoverFromPacks } from "../tiering/pack-recovery.ts";
import type { Tier, TierPlace } from "./tier.ts";

// What the object store has of partitions whose replicas are all lost: segments, and behind them what packs hold (replication.md C3).

export type AskedPartition = TierPlace & { readonly recoveries: readonly Recovery[] };

/** What can be had of a partition, and where its last batch's epoch is. */
export type ColdEnd = PackRecovery & {
  readonly tier: TierEnd | null;
  readonly logStartOffset: number;
};

const keyOf = ({ topicId, index }: TierPlace): string => `${index}:${topicId}`;

/** By `index:topicId`. Throws LogReadError where the store does not answer, or a pack or manifest is damaged: better late than less than there is. */
export async function coldEnds(
  { tier, cell }: { readonly tier: Tier; readonly cell: string },
  partitions: readonly AskedPartition[],
): Promise<ReadonlyMap<string, ColdEnd>> {
  const wanted = new Map(partitions.map((each) => [keyOf(each), each]));
  const ranges = await packedRanges(tier.objects, cell, wanted);
  const ends = new Map<string, ColdEnd>();
  for (const [key, asked] of wanted) {
    const end = await tierEnd(tier, asked);
    const recovered = recoverFromPacks(
      ranges.get(key) ?? [],
      end === null ? null : { endOffset: end.endOffset, lastEpoch: end.lastEpoch },
      asked.recoveries,
    );
    const logStartOffset = end?.logStartOffset ?? recovered.startOffset;
    ends.set(key, { ...recovered, tier: end, logStartOffset });
  }
  return ends;
}

async function tierEnd(
  tier: Tier,
  place: AskedPartition,
): Promise<(TierEnd & { logStartOffset: number }) | null> {
  const manifest = await tier.manifest(place, { isFresh: true });
  if (manifest === null) return null;
  const beginning = await tier.beginning(place);
  const { logStartOffset } = manifest;
  const endOffset = tieredEnd(manifest);
  const entries = [...(beginning?.before.epochs ?? [])];
  return { endOffset, lastEpoch: latestEpoch({ entries }), logStartOffset };
}

/** The ranges of the partitions wanted, in all packs there are. */
async function packedRanges(
  objects: ObjectStore,
  cell: string,
  wanted: ReadonlyMap<string, unknown>,
): Promise<ReadonlyMap<string, FoundRange[]>> {
  const found = new Map<string, FoundRange[]>();
  for (let startAfter: string | null = null; ;) {
    const listed = await listPacks(objects, cell, { startAfter });
    if (listed.kind === "unavailable") throw new LogReadError(`packs: ${listed.message}`);
    for (const pack of listed.packs) {
      const loaded = await loadPackDirectory(objects, pack);
      if (loaded.kind === "gone") continue;
      if (loaded.kind !== "directory") throw new LogReadError(`a pack: ${loaded.message}`);
      for (const each of loaded.found) {
        const key = keyOf(each.range);
        if (!wanted.has(key)) continue;
        const ranges = found.get(key);
        if (ranges === undefined) found.set(key, [each]);
        else ranges.push(each);
      }
    }
    if (listed.startAfter === null) return found;
    ({ startAfter } = listed);
  }
}
