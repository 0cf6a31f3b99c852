/** One record of an internal topic, as Kafka stores it: the key names what the value is about; a null value deletes it. */
export type KeyValue = { readonly key: Uint8Array; readonly value: Uint8Array | null };

/**
 * The log a coordinator shard keeps its state in: one partition of an internal topic, wired to the partition log by the broker. At most one append
 * is under way at a time, of at most `ShardLimits.batchBytes` of keys and values.
 */
export type CoordinatorLog = {
  /**
   * Appends the records as one batch, all or nothing. Resolves once they are committed (the high watermark passed them), or with why they will not be.
   * Whatever the answer or rejection, a `read` begun afterwards sees the append's final fate: it is in the log for good, or will never be.
   */
  append(records: readonly KeyValue[]): Promise<AppendResult>;
  /** Too few replicas are in sync: an append would be refused (replication.md L2). */
  isShortOfReplicas(): boolean;
  /**
   * Everything from the log start to the end, in order. Waits until the high watermark has reached the end it found, so that what was read is committed.
   * The bytes are the reader's until it asks for the next piece.
   */
  read(): AsyncIterable<LogPiece>;
  /** Lets go of everything below `offset`; false if that cannot be now. May be called again with the same offset. */
  moveLogStart(offset: number): Promise<boolean>;
};

/** Records read, and the offset behind them. Only the last piece's `nextOffset` needs to be exact. */
export type LogPiece = { readonly records: readonly KeyValue[]; readonly nextOffset: number };

/**
 * `committed`: `nextOffset` is the one behind the batch. `fenced`: somebody else leads the partition now, or should, since this replica cannot write.
 * `unavailable`: not now (too few replicas, outcome unknown).
 */
export type AppendResult =
  | { kind: "committed"; nextOffset: number }
  | { kind: "fenced"; reason: string }
  | { kind: "unavailable"; reason: string };

/** Kafka's batch and record framing, per record, at most: varints, deltas and header count. */
const recordOverheadBytes = 24;

export function sizeBytes(record: KeyValue): number {
  return record.key.byteLength + (record.value?.byteLength ?? 0) + recordOverheadBytes;
}
