import {
  baseOffsetAt,
  batchFailureAt,
  batchSizeAt,
  isCrcValidAt,
  lastOffsetAt,
  leaderEpochAt,
  maxTimestampAt,
} from "../../protocol/records/batch.ts";
import { assignEpoch } from "./epoch-cache.ts";
import { continuesLog } from "./continues-log.ts";
import type { FollowOptions, FollowOutcome } from "./partition-log.ts";
import { replayBatch } from "./producer-replay.ts";
import type { StoredLog } from "./stored-log.ts";
import { scheduleCommit } from "./wal-commit.ts";
import { flushedFlag } from "./wal-entry.ts";
import { appendEntry, hasSpace } from "./wal.ts";

/**
 * Appends a leader's batches byte for byte (replication.md F3): each whole, undamaged, of an epoch no newer than the one fetched in, and where the log ends.
 * Takes as many as there is room for; what is left is fetched again.
 */
export function followBatches(
  log: StoredLog,
  bytes: Uint8Array,
  options: FollowOptions,
): FollowOutcome {
  let appended = 0;
  for (let at = 0; at < bytes.length;) {
    const refusal = refusalOf(log, bytes, { at, leaderEpoch: options.leaderEpoch });
    if (refusal !== null) {
      if (appended > 0) break;
      return { kind: "refused", reason: refusal };
    }
    const size = batchSizeAt(bytes, at);
    followBatch(log, bytes.subarray(at, at + size), options);
    appended += 1;
    at += size;
  }
  if (appended > 0) scheduleCommit(log.context.wal);
  return { kind: "appended" };
}

function refusalOf(
  log: StoredLog,
  bytes: Uint8Array,
  { at, leaderEpoch }: { at: number; leaderEpoch: number },
): string | null {
  const { wal, maxBatchBytes } = log.context;
  if (log.failure !== null) return log.failure;
  if (!log.isFollowable) return "the log is not ready";
  const malformed = batchFailureAt(bytes, at);
  if (malformed !== null) return `a malformed batch: ${malformed.message}`;
  const size = batchSizeAt(bytes, at);
  if (size > bytes.length - at) return "a batch is cut off";
  if (size > maxBatchBytes) return `a batch of ${size} bytes, the log takes ${maxBatchBytes}`;
  const baseOffset = baseOffsetAt(bytes, at);
  if (!continuesLog(log, { baseOffset, lastOffset: lastOffsetAt(bytes, at) }))
    return `a batch at ${baseOffset} does not continue the log, which ends at ${log.nextOffset}`;
  const epoch = leaderEpochAt(bytes, at);
  if (epoch > leaderEpoch || epoch < log.leaderEpoch)
    return `a batch of epoch ${epoch} between ${log.leaderEpoch} and ${leaderEpoch}`;
  if (!isCrcValidAt(bytes, at)) return "a batch whose checksum is wrong";
  return wal.deferred.length > 0 || !hasSpace(wal, size) ? "no room in the ring" : null;
}

function followBatch(log: StoredLog, batch: Uint8Array, options: FollowOptions): void {
  const { wal, onDamage } = log.context;
  const baseOffset = baseOffsetAt(batch, 0);
  const lastOffset = lastOffsetAt(batch, 0);
  const leaderEpoch = leaderEpochAt(batch, 0);
  const header = {
    kind: "append",
    flags: options.durability === "fsync" ? flushedFlag : 0,
    partition: log.number,
    baseOffset,
    leaderEpoch,
  } as const;
  const position = appendEntry(wal, header, batch);
  assignEpoch(log.epochs, leaderEpoch, log.nextOffset);
  log.indexBatch(wal.current!, {
    baseOffset,
    lastOffset,
    maxTimestamp: maxTimestampAt(batch, 0),
    position,
    size: batch.length,
  });
  log.nextOffset = lastOffset + 1;
  log.touchAs(options.durability);
  const replayed = replayBatch(log.producers, batch, 0, options.nowMs);
  if (replayed.kind === "corruptState") onDamage(log, `cannot be followed: ${replayed.message}`);
}
