import { batchFailureAt, nextOffsetAt } from "../../protocol/records/batch.ts";
import { LogReadError } from "./partition-log.ts";
import { replayBatch } from "./producer-replay.ts";
import { decodeProducerState } from "./producer-snapshot.ts";
import { createProducerState, releaseProducers, type ProducerState } from "./producer-state.ts";
import type { StoredLog } from "./stored-log.ts";
import { readCheckpoint } from "./wal-recovery.ts";

/** What producers were at the log's end: from the snapshot in the last checkpoint, if the log still holds all it was made of, and the batches behind. */
export async function rebuildProducers(log: StoredLog, nowMs: number): Promise<ProducerState> {
  const { wal, producerLimits } = log.context;
  const upToOffset = log.nextOffset;
  const checkpoint = await readCheckpoint(wal.disk, wal.directory);
  const saved = checkpoint?.logs.find((each) => each.number === log.number);
  const isUsable = saved !== undefined && saved.nextOffset <= upToOffset;
  releaseProducers(log.producers);
  let state = createProducerState(producerLimits);
  if (isUsable && saved.producers.length > 0) {
    const restored = decodeProducerState(saved.producers, producerLimits);
    if (restored.kind === "corruptState") throw new LogReadError(restored.message);
    state = restored.state;
  }
  const from = isUsable ? Math.max(saved.nextOffset, log.logStartOffset) : log.logStartOffset;
  for await (const batch of log.readBatches(from, upToOffset)) {
    if (batchFailureAt(batch, 0) !== null) throw new LogReadError("a batch is malformed");
    if (nextOffsetAt(batch, 0) <= from) continue;
    const replayed = replayBatch(state, batch, 0, nowMs);
    if (replayed.kind === "corruptState") throw new LogReadError(replayed.message);
  }
  return state;
}
