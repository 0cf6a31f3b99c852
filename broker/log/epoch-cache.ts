import assert from "node:assert";

// The lineage of a partition's log: which leader epoch wrote from which offset on (KIP-101, KIP-320). Followers and consumers find with it where their log
// and this one part.

export type EpochEntry = { readonly epoch: number; readonly startOffset: number };

/** Ascending in both fields, strictly. Changed in place. */
export type EpochCache = { readonly entries: EpochEntry[] };

/** What there is to say about an epoch nobody here knows. */
export const noEpoch = -1;
export const noOffset = -1;

export type EpochEnd = { readonly epoch: number; readonly endOffset: number };

export function createEpochCache(entries: readonly EpochEntry[] = []): EpochCache {
  const cache: EpochCache = { entries: [] };
  for (const entry of entries) assignEpoch(cache, entry.epoch, entry.startOffset);
  assert(cache.entries.length === entries.length, "a lineage ascends in epoch and offset");
  return cache;
}

export function latestEpoch(cache: EpochCache): number {
  return cache.entries.at(-1)?.epoch ?? noEpoch;
}

/**
 * Notes that `epoch` writes from `startOffset` on. An epoch already there keeps its first start. What contradicts the new entry (a later epoch, or one that
 * starts at or after it) is taken out, as in Kafka: it belonged to records that never became part of this log, or to an epoch that wrote nothing. True if the lineage changed.
 */
export function assignEpoch(cache: EpochCache, epoch: number, startOffset: number): boolean {
  assert(epoch >= 0 && startOffset >= 0, "an epoch and its start are not negative");
  const last = cache.entries.at(-1);
  if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return false;
  while (isContradicted(cache.entries.at(-1), epoch, startOffset)) cache.entries.pop();
  cache.entries.push({ epoch, startOffset });
  return true;
}

const isContradicted = (
  entry: EpochEntry | undefined,
  epoch: number,
  startOffset: number,
): boolean => entry !== undefined && (entry.epoch >= epoch || entry.startOffset >= startOffset);

/**
 * The largest epoch at or below `epoch` and where it ends here: at the next epoch's start, or at the log's end for the latest. Both -1 if `epoch` is later
 * than any here. For an epoch older than all: itself, ending where the oldest known begins. The answer of OffsetForLeaderEpoch.
 */
export function endOffsetFor(cache: EpochCache, epoch: number, logEndOffset: number): EpochEnd {
  const { entries } = cache;
  const above = entries.findIndex((entry) => entry.epoch > epoch);
  const next = entries[above];
  if (epoch < 0) return { epoch: noEpoch, endOffset: noOffset };
  if (next === undefined) {
    return latestEpoch(cache) === epoch
      ? { epoch, endOffset: logEndOffset }
      : { epoch: noEpoch, endOffset: noOffset };
  }
  return { epoch: entries[above - 1]?.epoch ?? epoch, endOffset: next.startOffset };
}

/** The epoch that wrote `offset`, or -1 if that is before all that is known. */
export function epochOfOffset(cache: EpochCache, offset: number): number {
  return cache.entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? noEpoch;
}

/** The log now ends at `endOffset`: epochs that start there or later wrote nothing that is left. */
export function truncateEpochsFromEnd(cache: EpochCache, endOffset: number): void {
  assert(endOffset >= 0, "an end offset is not negative");
  while ((cache.entries.at(-1)?.startOffset ?? -1) >= endOffset) cache.entries.pop();
}

/** The log now begins at `startOffset`: the epoch that wrote the first offset left begins there, older ones are forgotten. */
export function truncateEpochsFromStart(cache: EpochCache, startOffset: number): void {
  const { entries } = cache;
  const first = entries.findLastIndex((entry) => entry.startOffset <= startOffset);
  if (first < 0) return;
  entries.splice(0, first + 1, { epoch: entries[first]!.epoch, startOffset });
}

const entryBytes = 12;

/** {epoch int32, start offset int64} per entry, big-endian; whoever stores it knows the length and guards it with a checksum. */
export function encodeEpochs(cache: EpochCache): Uint8Array {
  const bytes = Buffer.allocUnsafe(cache.entries.length * entryBytes);
  for (const [index, { epoch, startOffset }] of cache.entries.entries()) {
    bytes.writeInt32BE(epoch, index * entryBytes);
    bytes.writeBigInt64BE(BigInt(startOffset), index * entryBytes + 4);
  }
  return bytes;
}

/** Null if the bytes are no lineage. */
export function decodeEpochs(bytes: Uint8Array): EpochCache | null {
  if (bytes.length % entryBytes !== 0) return null;
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: EpochEntry[] = [];
  for (let at = 0; at < input.length; at += entryBytes) {
    const epoch = input.readInt32BE(at);
    const startOffset = Number(input.readBigInt64BE(at + 4));
    const last = entries.at(-1);
    if (!Number.isSafeInteger(startOffset) || epoch < 0 || startOffset < 0) return null;
    if (last !== undefined && isContradicted(last, epoch, startOffset)) return null;
    entries.push({ epoch, startOffset });
  }
  return { entries };
}
