import assert from "node:assert";
import {
  int16At,
  int32At,
  isSafeInt64At,
  putInt16,
  putInt32,
  putInt64,
  roundedInt64At,
  uint32At,
} from "../../protocol/records/big-endian.ts";
import { crc32c } from "../../protocol/records/crc32c.ts";
import { beginTransaction, endTransaction } from "./open-transactions.ts";
import {
  createProducerState,
  rememberedBatches,
  type AppendedBatch,
  type ProducerEntry,
  type ProducerLimits,
  type ProducerState,
} from "./producer-state.ts";

// Producer state as bytes, big-endian: {version int16, crc32c uint32 of the rest}, {count int32, producers}, {count int32, transactions}. Unlike Kafka's snapshot
// it keeps all five batches of a producer, so that a retry sent across a restart is still known. Fields in the order written below; a new field is a new version.

const version = 1;
const headerBytes = 6;
const producerBytes = 43;
const batchBytes = 32;
const transactionBytes = 24;

export function encodeProducerState(state: ProducerState): Uint8Array {
  const transactions = [...state.transactions.byFirstOffset.values()];
  let size = headerBytes + 8 + transactions.length * transactionBytes;
  for (const { batches } of state.producers.values()) {
    size += producerBytes + batches.length * batchBytes;
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = headerBytes;
  putInt32(bytes, at, state.producers.size);
  at += 4;
  for (const entry of state.producers.values()) at = putProducer(bytes, at, entry);
  putInt32(bytes, at, transactions.length);
  at += 4;
  for (const transaction of transactions) {
    putInt64(bytes, at, transaction.producerId);
    putInt64(bytes, at + 8, transaction.firstOffset);
    putInt64(bytes, at + 16, transaction.lastOffset);
    at += transactionBytes;
  }
  assert(at === size, "every byte that was allocated is written");
  putInt16(bytes, 0, version);
  putInt32(bytes, 2, crc32c(bytes, headerBytes));
  return bytes;
}

const putProducer = (bytes: Uint8Array, at: number, entry: ProducerEntry): number => {
  putInt64(bytes, at, entry.producerId);
  putInt16(bytes, at + 8, entry.epoch);
  putInt32(bytes, at + 10, entry.provenFirstSequence);
  putInt64(bytes, at + 14, entry.lastAppendMs);
  putInt64(bytes, at + 22, entry.lastTimestamp);
  putInt32(bytes, at + 30, entry.coordinatorEpoch);
  putInt64(bytes, at + 34, entry.currentTxnFirstOffset);
  bytes[at + 42] = entry.batches.length;
  let next = at + producerBytes;
  for (const batch of entry.batches) {
    putInt32(bytes, next, batch.firstSequence);
    putInt32(bytes, next + 4, batch.lastSequence);
    putInt64(bytes, next + 8, batch.firstOffset);
    putInt64(bytes, next + 16, batch.lastOffset);
    putInt64(bytes, next + 24, batch.timestamp);
    next += batchBytes;
  }
  return next;
};

export type RestoredProducerState =
  | { readonly kind: "restored"; readonly state: ProducerState }
  | { readonly kind: "corruptState"; readonly message: string };

/** The state a snapshot holds, as a new one. The one it replaces is to be released first. */
export function decodeProducerState(
  bytes: Uint8Array,
  limits: ProducerLimits,
): RestoredProducerState {
  if (bytes.length < headerBytes + 8) return corrupt("the snapshot is cut off");
  if (int16At(bytes, 0) !== version) return corrupt(`snapshot version ${int16At(bytes, 0)}`);
  if (uint32At(bytes, 2) !== crc32c(bytes, headerBytes)) return corrupt("the CRC does not hold");
  const reader: Reader = { bytes, at: headerBytes, failed: false };
  const entries: ProducerEntry[] = [];
  for (let left = int32(reader); left > 0 && !reader.failed; left -= 1) {
    entries.push(readProducer(reader));
  }
  const transactions: { producerId: number; firstOffset: number; lastOffset: number }[] = [];
  for (let left = int32(reader); left > 0 && !reader.failed; left -= 1) {
    transactions.push({
      producerId: int64(reader),
      firstOffset: int64(reader),
      lastOffset: int64(reader),
    });
  }
  if (reader.failed || reader.at !== bytes.length) return corrupt("the counts do not fit");
  return restore(entries, transactions, limits);
}

const corrupt = (message: string): RestoredProducerState => ({
  kind: "corruptState",
  message: `producer state: ${message}`,
});

const restore = (
  entries: readonly ProducerEntry[],
  transactions: readonly { producerId: number; firstOffset: number; lastOffset: number }[],
  limits: ProducerLimits,
): RestoredProducerState => {
  const state = createProducerState(limits);
  for (const entry of entries) state.producers.set(entry.producerId, entry);
  for (const { producerId, firstOffset, lastOffset } of transactions) {
    const isOpen = lastOffset < 0;
    if (
      firstOffset <= state.transactions.newestFirstOffset ||
      (!isOpen && lastOffset <= firstOffset) ||
      (isOpen && state.producers.get(producerId)?.currentTxnFirstOffset !== firstOffset)
    ) {
      return corrupt("its transactions contradict each other");
    }
    beginTransaction(state.transactions, producerId, firstOffset);
    if (!isOpen) endTransaction(state.transactions, firstOffset, lastOffset);
  }
  const openCount = entries.filter((entry) => entry.currentTxnFirstOffset >= 0).length;
  if (
    state.producers.size !== entries.length ||
    openCount !== transactions.length - state.transactions.endedCount
  ) {
    return corrupt("its producers and transactions do not match");
  }
  limits.budget.used += state.producers.size;
  return { kind: "restored", state };
};

type Reader = { readonly bytes: Uint8Array; at: number; failed: boolean };

const readProducer = (reader: Reader): ProducerEntry => {
  const entry: ProducerEntry = {
    producerId: int64(reader),
    epoch: int16(reader),
    provenFirstSequence: int32(reader),
    lastAppendMs: int64(reader),
    lastTimestamp: int64(reader),
    coordinatorEpoch: int32(reader),
    currentTxnFirstOffset: int64(reader),
    batches: [],
  };
  const count = take(reader, 1) < 0 ? 0 : reader.bytes[reader.at - 1]!;
  if (count > rememberedBatches || entry.producerId < 0) reader.failed = true;
  for (let index = 0; index < count && !reader.failed; index += 1) {
    entry.batches.push(readAppendedBatch(reader));
  }
  return entry;
};

const readAppendedBatch = (reader: Reader): AppendedBatch => ({
  firstSequence: int32(reader),
  lastSequence: int32(reader),
  firstOffset: int64(reader),
  lastOffset: int64(reader),
  timestamp: int64(reader),
});

/** Moves past `count` bytes and gives where they begin, or -1 if they are not there. */
const take = (reader: Reader, count: number): number => {
  if (reader.failed || reader.bytes.length - reader.at < count) {
    reader.failed = true;
    return -1;
  }
  reader.at += count;
  return reader.at - count;
};

const int16 = (reader: Reader): number => {
  const at = take(reader, 2);
  return at < 0 ? 0 : int16At(reader.bytes, at);
};

const int32 = (reader: Reader): number => {
  const at = take(reader, 4);
  return at < 0 ? 0 : int32At(reader.bytes, at);
};

const int64 = (reader: Reader): number => {
  const at = take(reader, 8);
  if (at >= 0 && !isSafeInt64At(reader.bytes, at)) reader.failed = true;
  return at < 0 || reader.failed ? 0 : roundedInt64At(reader.bytes, at);
};
