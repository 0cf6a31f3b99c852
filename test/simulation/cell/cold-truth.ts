import { skipGap } from "../../../broker/log/gaps.ts";
import { decodeManifest } from "../../../broker/tiering/manifest-codec.ts";
import { tieredEnd, tieredStart, type Manifest } from "../../../broker/tiering/manifest.ts";
import { manifestKey, packsPrefix } from "../../../broker/tiering/object-keys.ts";
import { decodePackDirectory, type PackRange } from "../../../broker/tiering/pack.ts";
import type { Recovery } from "../../../metadata/records/partition.ts";
import type { SimObjectStore } from "../stores/sim-object-store.ts";
import type { CellTruth } from "./cell-truth.ts";

/** What the object store has of partitions, manifest and packs together: what outlives the loss of every disk, whoever has looked. */
export class ColdTruth {
  readonly #cell: string;
  readonly #truth: CellTruth;
  readonly #objects: SimObjectStore;
  readonly #packs = new Map<string, readonly PackRange[]>();
  /** Packs that were ever put. */
  packCount = 0;

  constructor(cell: string, truth: CellTruth, objects: SimObjectStore) {
    this.#cell = cell;
    this.#truth = truth;
    this.#objects = objects;
    // Those of the cell that this one is restored from.
    for (const key of objects.keys(packsPrefix(cell))) this.#note(key, objects.peek(key)!);
    objects.onChange(({ key, before, after }) => {
      if (!key.startsWith(packsPrefix(cell))) return;
      if (after === null) return void this.#packs.delete(key);
      if (before === null) this.packCount++;
      this.#note(key, after);
    });
  }

  #note(key: string, bytes: Uint8Array): void {
    const decoded = decodePackDirectory(bytes, bytes.length);
    if (decoded.kind === "decoded") this.#packs.set(key, decoded.ranges);
  }

  /**
   * Up to where every committed record is in a segment or a pack. Packs hold what is committed and nothing else, so any two agree, but for what was given up
   * by a recovery: of older leader epochs only what lies below its end counts.
   */
  endOf({ topicId, index }: { readonly topicId: string; readonly index: number }): number {
    const recoveries = this.#truth.partition(topicId, index)?.recoveries ?? [];
    const ranges = [...this.#packs.values()]
      .flat()
      .filter((range) => range.topicId === topicId && range.index === index)
      .map((range) => ({ from: range.baseOffset, to: countedEnd(range, recoveries) }))
      .filter(({ from, to }) => from < to);
    const manifest = this.#manifest(topicId, index);
    // Without a segment, what packs lack in between was below the log start.
    if (manifest === null || tieredStart(manifest) < 0)
      return Math.max(manifest?.logStartOffset ?? 0, ...ranges.map(toOf));
    let end = tieredEnd(manifest);
    for (;;) {
      const at = skipGap(recoveries, end);
      const next = Math.max(...ranges.filter(({ from, to }) => from <= at && to > at).map(toOf));
      if (!Number.isFinite(next)) return end;
      end = next;
    }
  }

  /** Partitions that compaction has been over. */
  cleanedCount(): number {
    let count = 0;
    for (const { topicId, partitions } of this.#truth.image.topics.values())
      for (const { index } of partitions)
        if ((this.#manifest(topicId, index)?.cleanedTo ?? 0) > 0) count++;
    return count;
  }

  #manifest(topicId: string, index: number): Manifest | null {
    const bytes = this.#objects.peek(manifestKey({ cell: this.#cell, topicId, index }));
    const decoded = bytes === null ? null : decodeManifest(bytes);
    return decoded?.kind === "decoded" ? decoded.manifest : null;
  }
}

const toOf = ({ to }: { readonly to: number }): number => to;

const countedEnd = (range: PackRange, recoveries: readonly Recovery[]): number =>
  recoveries
    .filter(({ epoch }) => range.firstLeaderEpoch < epoch)
    .reduce((least, { end }) => Math.min(least, end), range.endOffset);
