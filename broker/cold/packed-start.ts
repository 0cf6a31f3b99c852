import { knowsCommitted, type Partition } from "../replication/partition.ts";

type Seen = { readonly logStartOffset: number; readonly highWatermark: number };

/**
 * Where partitions begin, for whoever has packs only: a log start that has moved counts once packs, or segments, have all that was committed by then.
 * A coordinator writes what it lets go of again at the log's head first, and until that is in a pack the old copy is the only one.
 */
export function createPackedStarts(): (partition: Partition) => number {
  const known = new WeakMap<Partition, { offset: number; coming: Seen | null }>();
  return (partition) => {
    const start = known.get(partition) ?? { offset: -1, coming: null };
    known.set(partition, start);
    const { coming } = start;
    if (coming !== null && isPackedUpTo(partition, coming.highWatermark)) {
      start.offset = coming.logStartOffset;
      start.coming = null;
    }
    const { logStartOffset, highWatermark } = partition.log;
    if (logStartOffset > start.offset && knowsCommitted(partition))
      start.coming ??= { logStartOffset, highWatermark };
    return start.offset;
  };
}

/** The log's start alone does not tell: it moves on while no pack can be put. Of an empty log there is nothing to pack. */
const isPackedUpTo = ({ packedEnd, tieredEnd, log }: Partition, offset: number): boolean =>
  Math.max(packedEnd, tieredEnd) >= offset || log.logStartOffset >= log.highWatermark;
