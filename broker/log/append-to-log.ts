import { stampBaseOffset, stampLeaderEpoch } from "../../protocol/records/batch.ts";
import { assert } from "../assert.ts";
import type { BatchFacts } from "./batch-validation.ts";
import type { AppendOptions, AppendOutcome, Durability } from "./partition-log.ts";
import { replayBatch } from "./producer-replay.ts";
import type { StoredLog } from "./stored-log.ts";
import { scheduleCommit } from "./wal-commit.ts";
import { encodeDeclaration, flushedFlag } from "./wal-entry.ts";
import { appendControl, appendEntry, hasSpace } from "./wal.ts";

/** Puts a validated batch at the log's end, stamped with its place there. */
export function appendToLog(
  log: StoredLog,
  batch: Uint8Array,
  { facts, options }: { readonly facts: BatchFacts; readonly options: AppendOptions },
): AppendOutcome {
  const refused = refusal(log, batch.length, options.leaderEpoch);
  if (refused !== null) return refused;
  const { wal } = log.context;
  const baseOffset = log.nextOffset;
  const lastOffset = baseOffset + facts.lastOffsetDelta;
  stampBaseOffset(batch, 0, baseOffset);
  stampLeaderEpoch(batch, 0, options.leaderEpoch);
  const position = appendEntry(
    wal,
    {
      kind: "append",
      flags: options.durability === "fsync" ? flushedFlag : 0,
      partition: log.number,
      baseOffset,
      leaderEpoch: options.leaderEpoch,
    },
    batch,
  );
  log.indexBatch(wal.current!, {
    baseOffset,
    lastOffset,
    maxTimestamp: facts.maxTimestamp,
    position,
    size: batch.length,
  });
  const replayed = replayBatch(log.producers, batch, 0, options.nowMs);
  assert(replayed.kind === "replayed", "what is appended was validated");
  log.nextOffset = lastOffset + 1;
  log.touchAs(options.durability);
  scheduleCommit(wal);
  return { kind: "appended", baseOffset, lastOffset };
}

function refusal(log: StoredLog, batchBytes: number, leaderEpoch: number): AppendOutcome | null {
  const { wal, maxBatchBytes } = log.context;
  if (log.failure !== null) return { kind: "unavailable", reason: log.failure };
  if (log.isDropped || leaderEpoch !== log.appendEpoch) return { kind: "fenced" };
  if (log.isRebuilding) return { kind: "unavailable", reason: "its producers are being read anew" };
  if (batchBytes > maxBatchBytes) {
    return { kind: "unavailable", reason: `larger than ${maxBatchBytes} bytes` };
  }
  if (wal.deferred.length > 0 || !hasSpace(wal, batchBytes)) {
    return { kind: "unavailable", reason: wal.refusal ?? "no room in the ring" };
  }
  return null;
}

export function declareDurability(log: StoredLog, durability: Durability): void {
  // The end of it goes with the first append that is not flushed: until then what the WAL says is true.
  if (durability !== "fsync" || log.isFlushedFirst) return;
  const { wal } = log.context;
  if (log.failure !== null || log.isDropped || wal.isClosed || wal.isDead) return;
  appendControl(wal, {
    kind: "declared",
    flags: flushedFlag,
    partition: log.number,
    baseOffset: 0,
    body: encodeDeclaration(log.topicId, log.index),
    needsFlush: true,
    onCommitted: null,
  });
  log.isFlushedFirst = true;
  scheduleCommit(wal);
}
