import {
  baseOffsetAt,
  baseTimestampAt,
  hasDeleteHorizonAt,
  isControlAt,
  isTransactionalAt,
  lastOffsetAt,
  nextOffsetAt,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
} from "../../protocol/records/batch.ts";
import { controlRecordAt } from "../../protocol/records/control.ts";
import type { DecodingFailure } from "../../protocol/records/decode.ts";
import { abortedRanges, isAborted, type AbortedRanges } from "./aborted-ranges.ts";
import { cleanBatch, withoutRecords, type CleanedBatch } from "./clean-batch.ts";
import type { CleaningJob, LiveProducer } from "./cleaning-job.ts";
import { offsetOfKey, type KeyMap } from "./key-map.ts";

// Kafka's rules for what stays (its Cleaner and CleanedTransactionMetadata), batch by batch in the order of the log, from the log's start on.

export type Judge = {
  readonly job: CleaningJob;
  readonly map: KeyMap;
  /** Set once the map is made; batches from here on stay as they are. */
  mappedEnd: number;
  readonly aborted: AbortedRanges;
  readonly producers: ReadonlyMap<number, LiveProducer>;
  readonly newDeleteHorizonMs: number | null;
  /** Producers of whose present transaction something was in the log before this run; each goes with its marker. */
  readonly inTransaction: Set<number>;
};

/** Past what a Date can say, a horizon is as good as never; below, its distance to any real timestamp is an exact number. */
const lastHorizonMs = 8.64e15;

export function createJudge(job: CleaningJob, map: KeyMap): Judge {
  const horizon = job.nowMs + job.deleteRetentionMs;
  return {
    job,
    map,
    mappedEnd: job.firstDirtyOffset,
    aborted: abortedRanges(job.aborted),
    producers: new Map(job.producers.map((each) => [each.producerId, each])),
    newDeleteHorizonMs: horizon <= lastHorizonMs ? horizon : null,
    inTransaction: new Set(),
  };
}

/** Whether the batch's records belong to an aborted transaction. */
export const isAbortedBatch = (judge: Judge, bytes: Uint8Array, at: number): boolean =>
  isTransactionalAt(bytes, at) &&
  isAborted(judge.aborted, producerIdAt(bytes, at), baseOffsetAt(bytes, at));

/** What remains of the batch at `at`, which lies below `mappedEnd`; its header and CRC have been checked. */
export function judgeBatch(
  judge: Judge,
  bytes: Uint8Array,
  at: number,
): CleanedBatch | DecodingFailure {
  const keepsHeader = mustKeepHeader(judge, bytes, at);
  if (isControlAt(bytes, at)) return judgeControl(judge, bytes, at, keepsHeader);
  if (isTransactionalAt(bytes, at)) {
    // Also if only its header is left: whoever replays that begins a transaction, which must find its end.
    judge.inTransaction.add(producerIdAt(bytes, at));
    if (isAbortedBatch(judge, bytes, at)) return withoutRecords(bytes, at, keepsHeader);
  }
  // A tombstone goes once its batch's horizon is over: whoever began to read before it was set has had delete.retention.ms to come this far.
  const dropsTombstones = isPastHorizon(judge, bytes, at);
  const baseOffset = baseOffsetAt(bytes, at);
  const { map } = judge;
  return cleanBatch(
    bytes,
    at,
    {
      keeps: (payload, record) =>
        record.keyLength >= 0 &&
        !(dropsTombstones && record.valueLength < 0) &&
        offsetOfKey(map, payload, record) <= baseOffset + record.offsetDelta,
      keepsHeader,
      newDeleteHorizonMs: judge.newDeleteHorizonMs,
      stampsAnyRecord: false,
    },
    judge.job.maxDecompressedBytes,
  );
}

const isPastHorizon = (judge: Judge, bytes: Uint8Array, at: number): boolean =>
  hasDeleteHorizonAt(bytes, at) && baseTimestampAt(bytes, at) <= judge.job.nowMs;

/**
 * A live producer's last batch says its last sequence, or its epoch if that is a marker; and the last batch of the cleaned section says where that ends, which
 * whoever rebuilds an end from the bytes needs.
 */
const mustKeepHeader = (judge: Judge, bytes: Uint8Array, at: number): boolean => {
  if (nextOffsetAt(bytes, at) === judge.mappedEnd) return true;
  const producer = judge.producers.get(producerIdAt(bytes, at));
  if (producer === undefined) return false;
  return producer.lastDataOffset >= 0
    ? lastOffsetAt(bytes, at) === producer.lastDataOffset
    : isControlAt(bytes, at) && producerEpochAt(bytes, at) === producer.epoch;
};

/**
 * A marker whose transaction had nothing left when this run began is given a horizon, and goes after it. Not at once when the last record goes: a consumer may
 * hold records of an aborted transaction and be about to look for its marker. Other control records stay: nothing replaces them.
 */
const judgeControl = (
  judge: Judge,
  bytes: Uint8Array,
  at: number,
  keepsHeader: boolean,
): CleanedBatch | DecodingFailure => {
  if (recordCountAt(bytes, at) === 0) return withoutRecords(bytes, at, keepsHeader);
  const control = controlRecordAt(bytes, at);
  if (control.kind === "corruptInput") return control;
  const isNeeded = control.kind === "other" || judge.inTransaction.delete(producerIdAt(bytes, at));
  if (isNeeded) return { kind: "kept", recordCount: 1, tombstoneBytes: 0 };
  if (isPastHorizon(judge, bytes, at)) return withoutRecords(bytes, at, keepsHeader);
  return cleanBatch(
    bytes,
    at,
    {
      keeps: () => true,
      keepsHeader,
      newDeleteHorizonMs: judge.newDeleteHorizonMs,
      stampsAnyRecord: true,
    },
    judge.job.maxDecompressedBytes,
  );
};
