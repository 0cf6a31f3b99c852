import type { Clock } from "../../ports/clock.ts";
import { baseOffsetAt } from "../../protocol/records/batch.ts";
import { createEpochCache } from "../log/epoch-cache.ts";
import { skipGap } from "../log/gaps.ts";
import type { PartitionLog } from "../log/partition-log.ts";
import { LogReadError } from "../log/partition-log.ts";
import { replayBatch } from "../log/producer-replay.ts";
import { decodeProducerState, encodeProducerState } from "../log/producer-snapshot.ts";
import type { ProducerLimits } from "../log/producer-state.ts";
import { createProducerState, expireProducers, releaseProducers } from "../log/producer-state.ts";
import type { SegmentEntry } from "../tiering/manifest.ts";
import { createSegmentBuilder } from "../tiering/segment-builder.ts";

export type SegmentOrder = {
  readonly log: PartitionLog;
  readonly leaderEpoch: number;
  /** Where the object store ends, and what was known of producers there. */
  readonly fromOffset: number;
  readonly producers: Uint8Array;
  /** Everything below is committed. */
  readonly upToOffset: number;
  /** No batch is added once there are as many. */
  readonly segmentBytes: number;
  readonly id: string;
  readonly buffer: Uint8Array;
  readonly clock: Clock;
  readonly producerExpirationMs: number;
};

export type BuiltSegment = {
  readonly bytes: Uint8Array;
  readonly entry: SegmentEntry;
  /** What producers are at its end: where the next one goes on. */
  readonly producers: Uint8Array;
};

/** Far more than a partition's log remembers: what is replayed here was remembered there. */
const limits = (expirationMs: number): ProducerLimits => ({
  expirationMs,
  maxProducers: 1_000_000,
  budget: { used: 0, limit: 1_000_000 },
});

/**
 * Builds the next segment of a log: from where the last one ends up to a segment's worth, what is committed, or a recovery's gap. What producers were at its
 * end follows from what they were at its beginning and the batches between, so it is right whatever the log has gone on to since. Null if there is nothing.
 * Throws LogReadError.
 */
export async function buildSegment(order: SegmentOrder): Promise<BuiltSegment | null> {
  const { log, buffer, clock } = order;
  const fromOffset = skipGap(log.gaps, order.fromOffset);
  const state = restored(order.producers, order.producerExpirationMs);
  const gap = log.gaps.find(({ end }) => end > fromOffset);
  const upToOffset = Math.min(order.upToOffset, gap?.end ?? Infinity);
  let builder: ReturnType<typeof createSegmentBuilder> | null = null;
  try {
    if (fromOffset >= upToOffset) return null;
    for await (const batch of log.readBatches(fromOffset, upToOffset)) {
      // Where the log start lies inside of a batch, all of that batch is kept.
      const baseOffset = Math.min(fromOffset, baseOffsetAt(batch, 0));
      const { topicId, index } = log;
      const { leaderEpoch, id } = order;
      builder ??= createSegmentBuilder({ topicId, index, leaderEpoch, baseOffset, id, buffer });
      if (builder.dataBytes > 0 && builder.dataBytes + batch.length > order.segmentBytes) break;
      const added = builder.add(batch);
      if (added.kind === "full") break;
      if (added.kind === "corruptState") throw new LogReadError(added.message);
      const replayed = replayBatch(state, batch, 0, clock.nowMs());
      if (replayed.kind === "corruptState") throw new LogReadError(replayed.message);
    }
    if (builder === null || builder.dataBytes === 0) return null;
    expireProducers(state, clock.nowMs());
    const producers = encodeProducerState(state);
    const finished = builder.finish({
      endOffset: builder.nextOffset,
      producers,
      epochs: createEpochCache(log.lineage),
      gaps: log.gaps,
      // No transaction is served yet, so none is aborted; one that a foreign leader left open is told.
      abortedTransactions: [],
      openTransactions: openIn(state),
    });
    if (finished.kind === "tooLarge")
      throw new LogReadError(`a segment's footer needs ${finished.neededBytes} bytes`);
    return { bytes: finished.bytes, entry: finished.entry, producers };
  } finally {
    releaseProducers(state);
  }
}

function restored(producers: Uint8Array, expirationMs: number) {
  if (producers.length === 0) return createProducerState(limits(expirationMs));
  const found = decodeProducerState(producers, limits(expirationMs));
  if (found.kind === "restored") return found.state;
  throw new LogReadError(`a segment's footer: ${found.message}`);
}

const openIn = ({ producers }: ReturnType<typeof createProducerState>) =>
  Array.from(producers.values())
    .filter(({ currentTxnFirstOffset }) => currentTxnFirstOffset >= 0)
    .map(({ producerId, currentTxnFirstOffset: firstOffset }) => ({ producerId, firstOffset }));
