// Which partitions this member has, how far each is done, and what of that the group does not know yet.
import type { FetchPlace } from "./fetcher.ts";

/** A partition in this member's hands, from one assignment to its end. */
export type Owned = {
  readonly topic: string;
  readonly partition: number;
  readonly place: FetchPlace;
  /** Everything before it is done. */
  doneOffset: number;
  /** The offset to commit, or null if the group knows all that is done. */
  pending: { readonly offset: number; readonly leaderEpoch: number } | null;
};

export type OffsetToCommit = {
  topic: string;
  partition: number;
  offset: bigint;
  leaderEpoch: number;
};

export function createOwnership() {
  let owned = new Map<string, Owned>();
  const isCurrent = (partition: Owned): boolean =>
    owned.get(keyOf(partition.topic, partition.partition)) === partition;

  return {
    get: (topic: string, partition: number): Owned | undefined =>
      owned.get(keyOf(topic, partition)),
    all: (): Iterable<Owned> => owned.values(),
    isCurrent,
    replace(next: readonly Owned[]): void {
      owned = new Map(next.map((each) => [keyOf(each.topic, each.partition), each]));
    },
    /** Everything before `offset` is done. What belongs to an earlier assignment is no longer this member's to say. */
    done(partition: Owned, offset: number, leaderEpoch: number): void {
      if (!isCurrent(partition)) return;
      if (partition.doneOffset >= offset) return;
      partition.doneOffset = offset;
      partition.pending = { offset, leaderEpoch };
    },
    pending(): OffsetToCommit[] {
      return [...owned.values()].flatMap(({ topic, partition, pending }) =>
        pending === null
          ? []
          : [
              {
                topic,
                partition,
                offset: BigInt(pending.offset),
                leaderEpoch: pending.leaderEpoch,
              },
            ],
      );
    },
    /** The group knows these now. */
    committed(offsets: readonly OffsetToCommit[]): void {
      for (const { topic, partition, offset } of offsets) {
        const found = owned.get(keyOf(topic, partition));
        if (found?.pending?.offset === Number(offset)) found.pending = null;
      }
    },
  };
}

function keyOf(topic: string, partition: number): string {
  return `${partition}:${topic}`;
}
