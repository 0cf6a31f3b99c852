import assert from "node:assert";

// The transactions of one partition that hold back its last stable offset: open ones, and those whose marker may still be lost because it is not
// replicated (Kafka's unreplicatedTxns). Changed in place.

export type TrackedTransaction = {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the marker that ended it, or -1 while it is open. */
  lastOffset: number;
};

export type OpenTransactions = {
  /** By first offset, ascending because transactions begin in log order: the first key is the first unstable offset. */
  readonly byFirstOffset: Map<number, TrackedTransaction>;
  /** How many of them have ended. */
  endedCount: number;
  newestFirstOffset: number;
};

export function createOpenTransactions(): OpenTransactions {
  return { byFirstOffset: new Map(), endedCount: 0, newestFirstOffset: -1 };
}

export function beginTransaction(
  open: OpenTransactions,
  producerId: number,
  firstOffset: number,
): void {
  assert(firstOffset > open.newestFirstOffset, "transactions begin in log order");
  open.byFirstOffset.set(firstOffset, { producerId, firstOffset, lastOffset: -1 });
  open.newestFirstOffset = firstOffset;
}

/** Its marker was appended at `lastOffset`; it holds the last stable offset until that is replicated. */
export function endTransaction(
  open: OpenTransactions,
  firstOffset: number,
  lastOffset: number,
): TrackedTransaction {
  const transaction = open.byFirstOffset.get(firstOffset);
  assert(transaction !== undefined && transaction.lastOffset < 0, "the transaction is open");
  assert(lastOffset > firstOffset, "a marker follows what it ends");
  transaction.lastOffset = lastOffset;
  open.endedCount += 1;
  return transaction;
}

/** Where the oldest transaction began that is open or whose marker is not replicated; null if there is none. */
export function firstUnstableOffset(open: OpenTransactions): number | null {
  for (const firstOffset of open.byFirstOffset.keys()) return firstOffset;
  return null;
}

/** What read_committed may read up to. A transaction whose beginning DeleteRecords took away holds it at the log's start. */
export function lastStableOffset(
  open: OpenTransactions,
  log: { readonly logStartOffset: number; readonly highWatermark: number },
): number {
  const unstable = firstUnstableOffset(open) ?? log.highWatermark;
  return Math.min(Math.max(unstable, log.logStartOffset), log.highWatermark);
}

/** Everything below `highWatermark` is replicated: ended transactions whose marker is below it let go. */
export function releaseReplicated(open: OpenTransactions, highWatermark: number): void {
  if (open.endedCount === 0) return;
  for (const { firstOffset, lastOffset } of open.byFirstOffset.values()) {
    if (lastOffset < 0 || lastOffset >= highWatermark) continue;
    open.byFirstOffset.delete(firstOffset);
    open.endedCount -= 1;
  }
}
