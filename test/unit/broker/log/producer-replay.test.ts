import { expect, test } from "vitest";
import {
  firstUnstableOffset,
  releaseReplicated,
} from "../../../../broker/log/open-transactions.ts";
import { replayBatch } from "../../../../broker/log/producer-replay.ts";
import {
  checkAppend,
  createProducerState,
  type ProducerState,
} from "../../../../broker/log/producer-state.ts";
import {
  batchField,
  batchHeaderBytes,
  batchOverheadBytes,
  stampBaseOffset,
  stampCrc,
} from "../../../../protocol/records/batch.ts";
import { putInt32 } from "../../../../protocol/records/big-endian.ts";
import { buildBatch, type BatchOptions } from "../../../../protocol/records/build.ts";
import { buildLeaderChange, buildTransactionMarker } from "../../../../protocol/records/control.ts";

const newState = (): ProducerState =>
  createProducerState({ expirationMs: 1000, maxProducers: 10, budget: { used: 0, limit: 100 } });

const data = (baseOffset: number, options: BatchOptions = {}): Uint8Array =>
  buildBatch(
    [
      { key: null, value: null, timestamp: 50 },
      { key: null, value: null, timestamp: 40 },
    ],
    { baseOffset, producerId: 7, producerEpoch: 1, baseSequence: 0, ...options },
  );

const marker = (baseOffset: number, type: "commit" | "abort", producerEpoch = 1): Uint8Array => {
  const bytes = buildTransactionMarker({
    type,
    producerId: 7,
    producerEpoch,
    coordinatorEpoch: 4,
    timestamp: 60,
  });
  stampBaseOffset(bytes, 0, baseOffset);
  return bytes;
};

const next = {
  producerId: 7,
  producerEpoch: 1,
  baseSequence: 2,
  lastOffsetDelta: 0,
  isTransactional: false,
};

test("a replayed batch is known as if it had been appended here", () => {
  const state = newState();
  expect(replayBatch(state, data(100), 0, 9)).toEqual({ kind: "replayed", ended: null });
  expect(checkAppend(state, { ...next, baseSequence: 0, lastOffsetDelta: 1 })).toEqual({
    kind: "duplicate",
    batch: { firstSequence: 0, lastSequence: 1, firstOffset: 100, lastOffset: 101, timestamp: 50 },
  });
  expect(checkAppend(state, next).kind).toBe("append");
});

test("a marker ends the transaction and tells where it was", () => {
  for (const type of ["commit", "abort"] as const) {
    const state = newState();
    replayBatch(state, data(100, { isTransactional: true }), 0, 9);
    expect(firstUnstableOffset(state.transactions)).toBe(100);
    expect(replayBatch(state, marker(102, type), 0, 9)).toEqual({
      kind: "replayed",
      ended: { producerId: 7, firstOffset: 100, lastOffset: 102, isAborted: type === "abort" },
    });
    expect(firstUnstableOffset(state.transactions)).toBe(100);
    releaseReplicated(state.transactions, 103);
    expect(firstUnstableOffset(state.transactions)).toBeNull();
    expect(state.producers.get(7)).toMatchObject({
      currentTxnFirstOffset: -1,
      coordinatorEpoch: 4,
    });
    // The epoch's sequences go on behind the marker.
    expect(checkAppend(state, next).kind).toBe("append");
  }
});

test("a marker of the next epoch fences the old one, and the new one begins with 0", () => {
  const state = newState();
  replayBatch(state, data(100, { isTransactional: true }), 0, 9);
  replayBatch(state, marker(102, "commit", 2), 0, 9);
  expect(checkAppend(state, next)).toMatchObject({ error: "INVALID_PRODUCER_EPOCH" });
  expect(checkAppend(state, { ...next, producerEpoch: 2 })).toMatchObject({
    error: "OUT_OF_ORDER_SEQUENCE_NUMBER",
  });
  expect(checkAppend(state, { ...next, producerEpoch: 2, baseSequence: 0 }).kind).toBe("append");
});

test("a marker without a transaction here ends none", () => {
  const state = newState();
  expect(replayBatch(state, marker(5, "abort"), 0, 9)).toEqual({ kind: "replayed", ended: null });
  expect(state.producers.get(7)).toMatchObject({ epoch: 1, batches: [] });
});

test("batches without a producer and leader changes leave no trace", () => {
  const state = newState();
  replayBatch(state, data(0, { producerId: -1 }), 0, 9);
  const change = buildLeaderChange({
    leaderId: 1,
    leaderEpoch: 1,
    voters: [1],
    grantingVoters: [1],
    timestamp: 0,
  });
  replayBatch(state, change, 0, 9);
  expect(state.producers.size).toBe(0);
});

test("a control batch that cannot be read is corrupt state", () => {
  const state = newState();
  const broken = buildBatch([{ key: null, value: null, timestamp: 0 }], {
    isControl: true,
    producerId: 7,
    producerEpoch: 0,
  });
  expect(replayBatch(state, broken, 0, 9).kind).toBe("corruptState");
});

test("a marker of which compaction left the header still fences older epochs", () => {
  const state = newState();
  replayBatch(state, data(100), 0, 9);
  const emptied = marker(102, "commit", 2).slice(0, batchHeaderBytes);
  putInt32(emptied, batchField.length, batchHeaderBytes - batchOverheadBytes);
  putInt32(emptied, batchField.recordCount, 0);
  stampCrc(emptied, 0);
  expect(replayBatch(state, emptied, 0, 9)).toEqual({ kind: "replayed", ended: null });
  expect(checkAppend(state, next)).toMatchObject({ error: "INVALID_PRODUCER_EPOCH" });
});
