import type { RecordId } from "../client/record-value.ts";

// What clients did and saw, from their side of the wire: plain data, so that a doctored one can be checked as well. A partition is named by its topic's id
// and its index; times are the world's.

export type PartitionKey = `${string}/${number}`;

export function partitionKey(topicId: string, index: number): PartitionKey {
  return `${topicId}/${index}`;
}

/** Records `first` to `first + count - 1` of one producer, sent together to one partition, perhaps several times. */
export type SentBatch = RecordRange & {
  readonly partition: PartitionKey;
  readonly acks: -1 | 0 | 1;
  /** Of an idempotent producer: in the log once at most, and in the order of sending. */
  readonly isIdempotent: boolean;
  readonly sentMs: number;
  /** `refused`: an error that says that nothing was appended. `unknown`: given up, or never answered. */
  outcome: "pending" | "acknowledged" | "refused" | "unknown";
  settledMs: number;
  baseOffset: number;
};

export type RecordRange = {
  readonly producer: number;
  readonly first: number;
  readonly count: number;
};

export type SeenRecord = RecordId & { readonly offset: number };

/** Offsets [from, to) that hold no record of a client. */
export type OffsetRange = { readonly from: number; readonly to: number };

/** An answer to Fetch, or to ListOffsets (then without records). */
export type SeenLog = {
  readonly reader: string;
  readonly partition: PartitionKey;
  readonly askedMs: number;
  readonly answeredMs: number;
  readonly fetchOffset: number;
  /** Of the leadership the reader asked; -1 where it did not say. */
  readonly leaderEpoch: number;
  /** An answer to ListOffsets. */
  readonly isListed: boolean;
  /** Which the reader took for the end of what is committed. */
  readonly highWatermark: number;
  readonly records: readonly SeenRecord[];
  /** Offsets of values that no producer wrote. */
  readonly strangers: readonly number[];
  /** Control batches. */
  readonly skipped: readonly OffsetRange[];
};

/** The last that a leader gave to consumers in one leader epoch. */
export type ServedTerm = {
  readonly partition: PartitionKey;
  readonly leaderEpoch: number;
  /** When whoever was answered last had asked. */
  lastAskedMs: number;
};

/** A group's offset, written or read. */
export type GroupOffset = {
  readonly kind: "committed" | "fetched";
  readonly group: string;
  readonly partition: PartitionKey;
  readonly offset: number;
  readonly askedMs: number;
  /** Infinity: never answered. */
  answeredMs: number;
  isAcknowledged: boolean;
};

/** Who was told to read a partition in a generation of a group. */
export type Owner = {
  readonly group: string;
  readonly generation: number;
  readonly member: string;
  readonly partition: PartitionKey;
};

/** Everything a partition holds once all is over. */
export type FinalLog = {
  readonly logStartOffset: number;
  readonly endOffset: number;
  readonly records: readonly SeenRecord[];
  readonly strangers: readonly number[];
  /** Control batches, and gaps that recoveries left. */
  readonly skipped: readonly OffsetRange[];
  /** Offsets that recoveries have skipped: whatever had them once is given up. */
  readonly gaps: readonly OffsetRange[];
  /** What recoveries may have taken without breaking a promise: records of these offsets that nobody had flushed, or brought to the object store. */
  readonly excused: readonly OffsetRange[];
  /** Of a compacted one: the same as the object store has it, and behind that what was read. */
  readonly cold?: readonly SeenRecord[];
};

export type History = {
  readonly sent: SentBatch[];
  readonly seen: SeenLog[];
  /** By partition and leader epoch. */
  readonly served: Map<string, ServedTerm>;
  readonly groupOffsets: GroupOffset[];
  readonly owners: Owner[];
  /** By partition; topics deleted meanwhile are not in it. */
  readonly final: Map<PartitionKey, FinalLog>;
  /** Partitions whose log start may move: retention, or DeleteRecords. */
  readonly trimmed: Set<PartitionKey>;
  /** Partitions that are compacted, and how many keys their records have. */
  readonly compacted: Map<PartitionKey, number>;
};

export function newHistory(): History {
  return {
    sent: [],
    seen: [],
    served: new Map(),
    groupOffsets: [],
    owners: [],
    final: new Map(),
    trimmed: new Set(),
    compacted: new Map(),
  };
}

export type Served = {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly askedMs: number;
};

/** A fetch was answered by whoever led in that epoch. */
export function noteServed({ served }: History, { topicId, index, ...asked }: Served): void {
  const { leaderEpoch, askedMs } = asked;
  if (leaderEpoch < 0) return;
  const partition = partitionKey(topicId, index);
  const key = `${partition} in epoch ${leaderEpoch}`;
  const known = served.get(key);
  if (known === undefined) served.set(key, { partition, leaderEpoch, lastAskedMs: askedMs });
  else known.lastAskedMs = Math.max(known.lastAskedMs, askedMs);
}
