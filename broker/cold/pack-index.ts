import type { Clock } from "../../ports/clock.ts";
import { forEachAtOnce } from "../log/at-once.ts";
import { LogReadError } from "../log/partition-log.ts";
import type { LogOutput } from "../log-output.ts";
import { listPacks, loadPackDirectory, type ListedPack } from "../tiering/pack-reading.ts";
import type { FoundRange } from "../tiering/pack-recovery.ts";
import { createPlaceNumbers, packRowsOf, type PackRows, type PlaceNumbers } from "./pack-rows.ts";
import type { Tier, TierPlace } from "./tier.ts";

// What all packs hold, by partition, as whoever recovers thousands of partitions asks. A pack's directory is read once: packs never change, and no key is used
// again. So a look is a LIST, and a GET for each pack that came since the last one.

export type PackIndex = {
  rangesOf(place: TierPlace): readonly FoundRange[];
  /** The key of a pack of which nobody can tell what it holds; null if there is none. */
  readonly damaged: string | null;
  readonly packCount: number;
};

export type PackLooks = {
  /** Of a look that began at `askedMs` (on the monotonic scale) or later. Rejects with LogReadError where the store does not answer. */
  index(askedMs: number): Promise<PackIndex>;
  /** Lets go of what is known of packs, which may be much, and true, if nobody has asked for a while. */
  forgetUnused(): boolean;
};

/** Of thousands of partitions that are asked about together, one look at the packs, and another only for those whose turn comes so much later. */
const shareMs = 2_000;

const unusedMs = 60_000;

const packsAtOnce = 16;

/** With as many looks in a row that met a pack which was gone, packs come and go too fast. */
const looksAtMost = 10;

/** Of all looks so far, as packs never change. */
type Known = { readonly directories: Map<string, PackRows>; readonly numbers: PlaceNumbers };

const nothingKnown = (): Known => ({ directories: new Map(), numbers: createPlaceNumbers() });

/** `sinceMs`: null as long as it waits for the one before. */
type Look = { sinceMs: number | null; readonly found: Promise<PackIndex> };

export function createPackLooks(options: {
  readonly tier: Pick<Tier, "objects">;
  readonly cell: string;
  readonly clock: Clock;
  readonly log: LogOutput;
}): PackLooks {
  const { tier, cell, clock, log } = options;
  const toldOf = new Set<string>();
  let known = nothingKnown();
  let last: Look | null = null;
  let lastAskedMs = 0;
  let underWay = 0;

  async function lookAfter(before: Look | null, began: () => void): Promise<PackIndex> {
    // One at a time: what that one reads needs not be read again.
    await before?.found.catch(() => undefined);
    began();
    const { directories, numbers } = known;
    const seen = new Map<string, PackRows>();
    const damaged = new Map<string, string>();
    const at = { objects: tier.objects, cell, directories, numbers, seen, damaged };
    for (let count = 0; !(await addPacks(at, count > 0)); count += 1)
      if (count === looksAtMost) throw new LogReadError("packs come and go");
    for (const key of directories.keys()) if (!seen.has(key)) directories.delete(key);
    for (const [key, reason] of damaged) if (!toldOf.has(key)) tellOf(key, reason);
    for (const key of toldOf) if (!damaged.has(key)) toldOf.delete(key);
    const [firstDamaged = null] = damaged.keys();
    return indexOf(Array.from(seen.values()), numbers, firstDamaged);
  }

  function tellOf(key: string, reason: string): void {
    toldOf.add(key);
    log.error(
      "a pack is damaged: what it held of partitions that are recovered now may be missing, and those with a hole wait until it is mended or deleted",
      { key, reason },
    );
  }

  return {
    index(askedMs) {
      const nowMs = clock.monotonicMs();
      lastAskedMs = nowMs;
      // One that began before may have listed before the last pack of a leader that is lost by now, and that may be a moment ago: the next one has it.
      const leastMs = Math.max(askedMs, nowMs - shareMs);
      if (last !== null && (last.sinceMs === null || last.sinceMs >= leastMs)) return last.found;
      const before = last;
      const began = (): void => void (look.sinceMs = clock.monotonicMs());
      const look: Look = { sinceMs: null, found: lookAfter(before, () => began()) };
      last = look;
      underWay += 1;
      const over = (): void => {
        underWay -= 1;
        lastAskedMs = clock.monotonicMs();
      };
      look.found.then(over, () => {
        over();
        if (last === look) last = null;
      });
      return look.found;
    },
    forgetUnused() {
      if (underWay > 0 || clock.monotonicMs() - lastAskedMs < unusedMs) return false;
      known = nothingKnown();
      last = null;
      return true;
    },
  };
}

function indexOf(
  packs: readonly PackRows[],
  numbers: PlaceNumbers,
  damaged: string | null,
): PackIndex {
  return {
    rangesOf(place) {
      const number = numbers.of(place);
      return number === null ? [] : packs.flatMap((pack) => pack.rangesOf(place, number));
    },
    damaged,
    packCount: packs.length,
  };
}

type Looking = Known & {
  readonly objects: Tier["objects"];
  readonly cell: string;
  /** By this look: what was listed earlier and is gone may not count, for it cannot be had. */
  readonly seen: Map<string, PackRows>;
  /** Of this look, with the reason: the next reads them again. */
  readonly damaged: Map<string, string>;
};

/**
 * Adds what is not seen yet. False if what takes the place of others may have been missed: some were gone by the time they were read, or perhaps by the time
 * their page of the list was, and what was put meanwhile belongs on one that had been. By the second time (`isAgain`) that is there, and listed; what others put
 * all the time is no reason for a third.
 */
async function addPacks(looking: Looking, isAgain: boolean): Promise<boolean> {
  const { objects, cell, seen } = looking;
  let isAnyGone = false;
  for (let startAfter: string | null = null; ;) {
    const listed = await listPacks(objects, cell, { startAfter });
    if (listed.kind === "unavailable") throw new LogReadError(`packs: ${listed.message}`);
    await forEachAtOnce(listed.packs, packsAtOnce, async (pack) => {
      if (!seen.has(pack.key) && !(await addPack(looking, pack))) isAnyGone = true;
    });
    const isOnePage = startAfter === null;
    if (listed.startAfter === null) return !isAnyGone && (isOnePage || isAgain);
    ({ startAfter } = listed);
  }
}

/** False if it is gone. One that is damaged has nothing, as one that was lost; one of a later version is waited for, like a store that does not answer. */
async function addPack(
  { objects, directories, numbers, seen, damaged }: Looking,
  pack: ListedPack,
): Promise<boolean> {
  const { key } = pack;
  let rows = directories.get(key);
  if (rows === undefined) {
    const loaded = await loadPackDirectory(objects, pack);
    if (loaded.kind === "gone") return false;
    if (loaded.kind === "unavailable" || (loaded.kind === "corrupt" && loaded.isOfOtherVersion))
      throw new LogReadError(`a pack: ${loaded.message}`);
    if (loaded.kind === "corrupt") damaged.set(key, loaded.message);
    rows = packRowsOf(key, loaded.kind === "corrupt" ? [] : loaded.ranges, numbers);
    if (loaded.kind !== "corrupt") directories.set(key, rows);
  }
  seen.set(key, rows);
  return true;
}
