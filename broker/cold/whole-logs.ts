import { systemClusterId } from "../../metadata/image/image.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Partition } from "../replication/partition.ts";
import type { TopicTable } from "../replication/topic-table.ts";

// A coordinator's log is never in segments, and of a group that has fallen silent it stays as it is: what it wrote last would keep every pack that has a bit of
// it, and all else in them, for good. So when much is kept for such logs alone they are packed once more, whole, and the older packs are needed no longer.
// Which ones, and when: pure but for what it remembers.

export type WholeLimits = {
  /** Packs kept for coordinators' logs alone, and what they hold, that are no reason yet. */
  readonly keptPacks: number;
  readonly keptBytes: number;
  /** So long after a leadership was taken its log is packed whole: packs of its former leaders can go then (pack-sweep.ts). */
  readonly settledMs: number;
};

export const defaultWholeLimits: WholeLimits = {
  keptPacks: 64,
  keptBytes: 64 * 1024 * 1024,
  settledMs: 600_000,
};

/** A pack that is kept for these alone. */
export type KeptFor = { readonly sizeBytes: number; readonly partitions: readonly Partition[] };

/** What of a log this broker has packed whole: in the pack of that number. */
export type PackedWhole = { readonly sequence: number; readonly endOffset: number };

export const isCoordinators = (topics: TopicTable, { topicId }: Partition): boolean =>
  topics.local(topicId)?.topic.clusterId === systemClusterId;

type Term = { readonly leaderEpoch: number; readonly sinceMs: number; isTried: boolean };

export class WholeLogs {
  readonly #limits: WholeLimits;
  readonly #clock: Clock;
  readonly #packed = new WeakMap<Partition, PackedWhole>();
  readonly #terms = new WeakMap<Partition, Term>();
  /** What there was after the last time: as much is no reason for another. */
  #left = { packs: 0, bytes: 0 };

  constructor(clock: Clock, limits: WholeLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** A later pack has all of that log which the one of that number has. */
  hasLater(partition: Partition, { sequence, endOffset }: PackedWhole): boolean {
    const packed = this.#packed.get(partition);
    return packed !== undefined && packed.sequence > sequence && packed.endOffset >= endOffset;
  }

  notePacked(partition: Partition, packed: PackedWhole): void {
    this.#packed.set(partition, packed);
  }

  /** One that is too large for a pack, or damaged, would be read in vain again and again. */
  noteTried(partitions: readonly Partition[]): void {
    for (const partition of partitions) {
      const term = this.#terms.get(partition);
      if (term !== undefined) term.isTried = true;
    }
  }

  /** What is to be packed whole now. `kept`: packs of this life that are kept for coordinators' logs alone. `led`: those led here that have records. */
  due(led: readonly Partition[], kept: readonly KeptFor[]): readonly Partition[] {
    const due = new Set<Partition>();
    for (const partition of led) if (this.#isSettled(partition)) due.add(partition);
    const bytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const { keptPacks, keptBytes } = this.#limits;
    // What is left after it is what the logs themselves take, and new ones have to come together before it is worth it again.
    const isMuch =
      kept.length > keptPacks + 2 * this.#left.packs || bytes > keptBytes + 2 * this.#left.bytes;
    if (isMuch) {
      const here = new Set(led);
      for (const { partitions } of kept)
        for (const each of partitions) if (here.has(each)) due.add(each);
    }
    return [...due];
  }

  /** After packs that are needed no longer are gone. */
  noteLeft(kept: readonly KeptFor[]): void {
    const bytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#left = { packs: kept.length, bytes };
  }

  /** True once in a term, until it has been done. */
  #isSettled(partition: Partition): boolean {
    const { leaderEpoch } = partition;
    const nowMs = this.#clock.monotonicMs();
    let term = this.#terms.get(partition);
    if (term?.leaderEpoch !== leaderEpoch) {
      term = { leaderEpoch, sinceMs: nowMs, isTried: false };
      this.#terms.set(partition, term);
    }
    return !term.isTried && nowMs - term.sinceMs >= this.#limits.settledMs;
  }
}
