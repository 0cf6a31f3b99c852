import { createEpochCache } from "../../../../broker/log/epoch-cache.ts";
import { encodeProducerState } from "../../../../broker/log/producer-snapshot.ts";
import { createProducerState } from "../../../../broker/log/producer-state.ts";
import type { SegmentEntry } from "../../../../broker/tiering/manifest.ts";
import type { PartitionPath } from "../../../../broker/tiering/object-keys.ts";
import {
  createSegmentBuilder,
  type SegmentEnd,
} from "../../../../broker/tiering/segment-builder.ts";
import type { Random } from "../../../../ports/random.ts";
import { stampBaseOffset, stampLeaderEpoch } from "../../../../protocol/records/batch.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";

// What tests of tiered storage put into the store.

export const path: PartitionPath = { cell: "blue", topicId: "AAAAAAAAAAAAAAAAAAAAAA", index: 3 };

/** Numbers from a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed;
  const float = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    float,
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(float() * 256)),
  };
}

let idCount = 0;

/** Of the right form, and another one each time. */
export const nextId = (): string => String(++idCount).padStart(22, "0");

export type BatchShape = {
  readonly baseOffset: number;
  readonly records?: number;
  readonly timestamp?: number;
  readonly valueBytes?: number;
  readonly leaderEpoch?: number;
};

export function batchOf({
  baseOffset,
  records = 1,
  timestamp = 1000 + baseOffset,
  valueBytes = 10,
  leaderEpoch = 1,
}: BatchShape): Uint8Array {
  const value = Buffer.alloc(valueBytes, baseOffset % 251);
  const batch = buildBatch(
    Array.from({ length: records }, (_, at) => ({
      key: null,
      value,
      timestamp: timestamp + at,
    })),
  );
  stampBaseOffset(batch, 0, baseOffset);
  stampLeaderEpoch(batch, 0, leaderEpoch);
  return batch;
}

export const noProducers = encodeProducerState(
  createProducerState({ expirationMs: 1000, maxProducers: 1, budget: { used: 0, limit: 1 } }),
);

export const endAt = (endOffset: number, end: Partial<SegmentEnd> = {}): SegmentEnd => ({
  endOffset,
  producers: noProducers,
  epochs: createEpochCache([{ epoch: 1, startOffset: 0 }]),
  gaps: [],
  abortedTransactions: [],
  openTransactions: [],
  ...end,
});

/** A segment [baseOffset, endOffset) of these batches. */
export function segmentOf(
  baseOffset: number,
  batches: readonly Uint8Array[],
  end: SegmentEnd,
  leaderEpoch = 1,
): { readonly bytes: Uint8Array; readonly entry: SegmentEntry } {
  const size = batches.reduce((sum, { length }) => sum + length, 0);
  const builder = createSegmentBuilder({
    topicId: path.topicId,
    index: path.index,
    leaderEpoch,
    baseOffset,
    id: nextId(),
    buffer: new Uint8Array(size + 64 * 1024 + 1),
    footerRoomBytes: 64 * 1024,
  });
  for (const batch of batches) {
    const added = builder.add(batch);
    if (added.kind !== "added") throw new Error(`not added: ${added.kind}`);
  }
  const finished = builder.finish(end);
  if (finished.kind !== "finished") throw new Error("too large");
  return finished;
}

/** An entry of which nothing is stored. */
export const entryOf = (
  baseOffset: number,
  endOffset: number,
  entry: Partial<SegmentEntry> = {},
): SegmentEntry => {
  const leaderEpoch = entry.leaderEpoch ?? 1;
  return {
    name: `${String(baseOffset).padStart(20, "0")}-${leaderEpoch}-${nextId()}.segment`,
    baseOffset,
    endOffset,
    leaderEpoch,
    sizeBytes: 1000,
    dataBytes: 900,
    minTimestamp: baseOffset,
    maxTimestamp: endOffset,
    generation: 0,
    hasAborted: false,
    ...entry,
  };
};
