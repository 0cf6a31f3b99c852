import type { ObjectStore } from "../../ports/object-store.ts";
import { forEachAtOnce } from "../log/at-once.ts";
import { listPacks, loadPackDirectory, type ListedPack } from "../tiering/pack-reading.ts";
import type { Recovery } from "../tiering/pack-recovery.ts";
import { wholeLogsIn, type PackRange, type WholeLog } from "../tiering/pack.ts";
import { LogReadError } from "../log/partition-log.ts";

// Coordinators' logs have no manifest that would say what of a pack is needed no longer; a later pack that has such a log whole does (whole-logs.ts). Its directory
// is read once: packs never change.

const packsAtOnce = 16;

const keyOf = ({ topicId, index }: Pick<WholeLog, "topicId" | "index">): string =>
  `${index}:${topicId}`;

/** Where logs are whole, of all packs that are there: by partition, with the key of the pack. */
export type PackedWhole = ReadonlyMap<string, readonly (WholeLog & { readonly key: string })[]>;

/** The result reads what is there now. Rejects with LogReadError where the store does not answer. */
export function createPackedWhole(at: {
  readonly objects: ObjectStore;
  readonly cell: string;
}): () => Promise<PackedWhole> {
  let known = new Map<string, readonly WholeLog[]>();

  async function whole(pack: ListedPack): Promise<readonly WholeLog[]> {
    const loaded = await loadPackDirectory(at.objects, pack);
    if (loaded.kind === "unavailable") throw new LogReadError(`${pack.key}: ${loaded.message}`);
    // One that is damaged, or just gone, stands for nothing.
    return loaded.kind === "directory" ? wholeLogsIn(loaded.ranges) : [];
  }

  return async () => {
    const found = new Map<string, readonly WholeLog[]>();
    for (let startAfter: string | null = null; ;) {
      const listed = await listPacks(at.objects, at.cell, { startAfter });
      if (listed.kind === "unavailable") throw new LogReadError(`packs: ${listed.message}`);
      await forEachAtOnce(listed.packs, packsAtOnce, async (pack) => {
        found.set(pack.key, known.get(pack.key) ?? (await whole(pack)));
      });
      if (listed.startAfter === null) break;
      ({ startAfter } = listed);
    }
    known = found;
    return byPartition(found);
  };
}

function byPartition(packs: ReadonlyMap<string, readonly WholeLog[]>): PackedWhole {
  const found = new Map<string, (WholeLog & { key: string })[]>();
  for (const [key, logs] of packs) {
    for (const log of logs) {
      const partition = keyOf(log);
      const list = found.get(partition);
      if (list === undefined) found.set(partition, [{ ...log, key }]);
      else list.push({ ...log, key });
    }
  }
  return found;
}

/**
 * Whether another pack has all that is needed of a range. `recoveries`: of the partition, as the metadata log has them. Two that are whole cannot both stand for each other: the one of the later term does, and of a term's
 * the one that reaches further.
 */
export function isPackedAgain(
  packed: PackedWhole,
  { key, range }: { readonly key: string; readonly range: PackRange },
  recoveries: readonly Recovery[],
): boolean {
  const all = packed.get(keyOf(range)) ?? [];
  const own = all.find((each) => each.key === key);
  return all.some(
    (each) =>
      each.key !== key &&
      isWholeStill(each, recoveries) &&
      each.endOffset >= range.endOffset &&
      // Nothing that a later leader has said otherwise.
      each.lastLeaderEpoch >= range.lastLeaderEpoch &&
      (own === undefined || isLater(each, own)),
  );
}

const isLater = (one: WholeLog, other: WholeLog): boolean =>
  one.inEpoch > other.inEpoch || (one.inEpoch === other.inEpoch && one.endOffset > other.endOffset);

/** Not one that a recovery has cut: what had been written again in it may lie behind that recovery's end, and counts no more. */
const isWholeStill = ({ inEpoch, endOffset }: WholeLog, recoveries: readonly Recovery[]): boolean =>
  recoveries.every(({ epoch, end }) => inEpoch >= epoch || endOffset <= end);
