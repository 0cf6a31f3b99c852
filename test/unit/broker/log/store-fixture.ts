import type { BatchFacts } from "../../../../broker/log/batch-validation.ts";
import { batchFactsAt } from "../../../../broker/log/batch-validation.ts";
import {
  openLogStore,
  type LogStore,
  type LogStoreConfig,
} from "../../../../broker/log/log-store.ts";
import type {
  AppendOutcome,
  Durability,
  PartitionLog,
} from "../../../../broker/log/partition-log.ts";
import { silentLog, type LogOutput } from "../../../../broker/log-output.ts";
import { createManualClock, type ControlledClock } from "../../../../adapters/memory/clock.ts";
import type { Disk } from "../../../../ports/disk.ts";
import { buildBatch } from "../../../../protocol/records/build.ts";
import { recordCountAt } from "../../../../protocol/records/batch.ts";
import { decodeBatch } from "../../../../protocol/records/decode.ts";

export const directory = "/wal";

/** Small files and a small ring: a few hundred batches go through many of both. */
export const smallConfig: LogStoreConfig = {
  ringBytes: 64 * 1024,
  chunkBytes: 8 * 1024,
  fileBytes: 32 * 1024,
  readBytes: 1024 * 1024,
  poolFiles: 2,
  flushIntervalMs: 1_000,
  minFreeBytes: 0,
};

export type TestStore = {
  store: LogStore;
  clock: ControlledClock;
  fatal: Error[];
  resigned: PartitionLog[];
  committed: PartitionLog[];
};

export async function openTestStore(
  disk: Disk,
  options: Partial<LogStoreConfig> & { log?: LogOutput; isFollower?: boolean } = {},
): Promise<TestStore> {
  const { log = silentLog, isFollower = false, ...config } = options;
  const clock = createManualClock();
  const fatal: Error[] = [];
  const resigned: PartitionLog[] = [];
  const committed: PartitionLog[] = [];
  const store = await openLogStore({
    disk,
    clock,
    directory,
    config: { ...smallConfig, ...config },
    producerLimits: {
      expirationMs: 86_400_000,
      maxProducers: 100,
      budget: { used: 0, limit: 10_000 },
    },
    log,
    onFatal: (error) => fatal.push(error),
  });
  store.onCommit((logs) => {
    committed.push(...logs);
    // A follower learns its high watermark from the leader.
    if (!isFollower) for (const each of logs) each.advanceHighWatermark(each.logEndOffset);
  });
  store.onResign((logs) => resigned.push(...logs));
  return { store, clock, fatal, resigned, committed };
}

export type BatchContent = {
  values: readonly string[];
  timestamp?: number;
  producer?: { id: number; epoch: number; sequence: number };
};

export function batchOf(content: BatchContent): { batch: Uint8Array; facts: BatchFacts } {
  const timestamp = content.timestamp ?? 1_000;
  const batch = buildBatch(
    content.values.map((value, index) => ({
      key: null,
      value: Buffer.from(value),
      timestamp: timestamp + index,
    })),
    content.producer === undefined
      ? {}
      : {
          producerId: content.producer.id,
          producerEpoch: content.producer.epoch,
          baseSequence: content.producer.sequence,
        },
  );
  return { batch, facts: batchFactsAt(batch, 0) };
}

export function appendValues(
  log: PartitionLog,
  values: readonly string[],
  options: Partial<BatchContent> & { durability?: Durability; leaderEpoch?: number } = {},
): AppendOutcome {
  const { batch, facts } = batchOf({ values, ...options });
  return log.append(batch, facts, {
    leaderEpoch: options.leaderEpoch ?? log.leaderEpoch,
    durability: options.durability ?? "fsync",
    nowMs: 1_000,
  });
}

/** Appends, waiting for room first and for the commit after. */
export async function appendCommitted(
  store: LogStore,
  log: PartitionLog,
  values: readonly string[],
  options: Parameters<typeof appendValues>[2] = {},
): Promise<number> {
  const { batch } = batchOf({ values, ...options });
  await store.room(batch.length);
  const outcome = appendValues(log, values, options);
  if (outcome.kind !== "appended") throw new Error(`not appended: ${JSON.stringify(outcome)}`);
  await reached(log, outcome.lastOffset + 1);
  return outcome.baseOffset;
}

/** Until the log end is there, or long enough to be sure it never will be. */
export async function reached(log: PartitionLog, offset: number): Promise<void> {
  for (let turn = 0; turn < 2_000 && log.logEndOffset < offset; turn += 1) await turnOver();
  if (log.logEndOffset < offset) throw new Error(`log end ${log.logEndOffset}, not ${offset}`);
}

export const turnOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await turnOver();
}

export type ReadRecord = { offset: number; value: string };

/** Every record of [fromOffset, upToOffset) as `readBatches` gives them. */
export async function readRecords(
  log: PartitionLog,
  fromOffset = log.logStartOffset,
  upToOffset = log.logEndOffset,
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for await (const batch of log.readBatches(fromOffset, upToOffset)) {
    records.push(...recordsOf(batch).filter(({ offset }) => offset >= fromOffset));
  }
  return records;
}

export function recordsOf(batch: Uint8Array): ReadRecord[] {
  const decoded = decodeBatch(batch, 0, 1e6);
  if (decoded.kind !== "decoded") throw new Error(decoded.message);
  if (decoded.records.length !== recordCountAt(batch, 0)) throw new Error("records are missing");
  return decoded.records.map(({ offset, value }) => ({
    offset,
    value: Buffer.from(value!).toString(),
  }));
}

/** A new log under leader epoch 1. */
export function createLog(store: LogStore, topicId = "topic", index = 0): PartitionLog {
  const log = store.create(topicId, index);
  log.startLeaderEpoch(1);
  return log;
}

/** The log again after a restart, under a later epoch. */
export function findLog(store: LogStore, topicId = "topic", index = 0): PartitionLog {
  const log = store.partition(topicId, index);
  if (log === undefined) throw new Error("the log is gone");
  log.startLeaderEpoch(log.leaderEpoch + 1);
  return log;
}
