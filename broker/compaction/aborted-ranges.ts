/** A transaction that ended in an abort: its records lie in [firstOffset, lastOffset], where the marker is at lastOffset. */
export type AbortedRange = {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
};

/** The ranges of each producer, ascending; they do not overlap, for a producer has one transaction at a time. */
export type AbortedRanges = ReadonlyMap<number, readonly AbortedRange[]>;

/** `aborted` in any order. What is held is bounded by it: three numbers a transaction. */
export function abortedRanges(aborted: readonly AbortedRange[]): AbortedRanges {
  const byProducer = new Map<number, AbortedRange[]>();
  for (const range of aborted) {
    const known = byProducer.get(range.producerId);
    if (known === undefined) byProducer.set(range.producerId, [range]);
    else known.push(range);
  }
  for (const ranges of byProducer.values()) ranges.sort((a, b) => a.firstOffset - b.firstOffset);
  return byProducer;
}

/**
 * Whether what this producer wrote in a transaction at `offset` was aborted. By range and not, as Kafka does, by following the log from the transaction's
 * first offset on: compaction resumes at any batch, also within a transaction.
 */
export function isAborted(ranges: AbortedRanges, producerId: number, offset: number): boolean {
  const own = ranges.get(producerId);
  if (own === undefined) return false;
  // The last range that begins at or below the offset.
  let low = 0;
  let high = own.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (own[middle]!.firstOffset <= offset) low = middle + 1;
    else high = middle;
  }
  return low > 0 && offset <= own[low - 1]!.lastOffset;
}
