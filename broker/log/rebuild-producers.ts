import { batchFailureAt, nextOffsetAt } from "../../protocol/records/batch.ts";
import type { Checkpoint, LogCheckpoint } from "./checkpoint.ts";
import { LogReadError } from "./partition-log.ts";
import { replayBatch } from "./producer-replay.ts";
import { decodeProducerState } from "./producer-snapshot.ts";
import { createProducerState, releaseProducers, type ProducerState } from "./producer-state.ts";
import type { StoredLog } from "./stored-log.ts";
import { readCheckpoint } from "./wal-recovery.ts";

export type ProducerRebuilder = {
  /**
   * What producers were at the log's end: from the snapshot in the last checkpoint, if the log still holds all it was made of, and the batches behind. Throws
   * if it cannot be read now; sets the log's `failure` if it never can.
   */
  rebuild(log: StoredLog): Promise<ProducerState>;
};

/** A failed write or a truncation can make a thousand logs ask at once; each reads its whole log, at worst. */
const logsAtOnce = 4;

/** Reads the checkpoint once for all that ask together, and a few logs at a time. */
export function createProducerRebuilder(nowMs: () => number): ProducerRebuilder {
  const waiting: (() => void)[] = [];
  let runningCount = 0;
  let checkpoint: Promise<Checkpoint | null> | null = null;

  async function inTurn(log: StoredLog): Promise<ProducerState> {
    const { disk, directory } = log.context.wal;
    if (runningCount >= logsAtOnce) await new Promise<void>((go) => waiting.push(go));
    else runningCount += 1;
    try {
      checkpoint ??= readCheckpoint(disk, directory);
      return await producersFrom(await checkpoint, log, nowMs());
    } finally {
      const next = waiting.shift();
      if (next === undefined) runningCount -= 1;
      else next();
      if (runningCount === 0) checkpoint = null;
    }
  }

  return {
    rebuild(log) {
      // At once: it knows batches that are no longer there, and would call their retries duplicates.
      releaseProducers(log.producers);
      return inTurn(log);
    },
  };
}

async function producersFrom(
  checkpoint: Checkpoint | null,
  log: StoredLog,
  nowMs: number,
): Promise<ProducerState> {
  const { producerLimits } = log.context;
  const upToOffset = log.nextOffset;
  const saved = checkpoint === null ? null : usableSnapshot(log, checkpoint, upToOffset);
  let state = createProducerState(producerLimits);
  const known = saved?.producers ?? log.beginning?.producers ?? new Uint8Array(0);
  if (known.length > 0) {
    const restored = decodeProducerState(known, producerLimits);
    if (restored.kind === "corruptState") throw damaged(log, restored.message);
    state = restored.state;
  }
  const from = saved?.nextOffset ?? log.beginning?.offset ?? 0;
  for (let next = from; next < upToOffset;) {
    next = Math.max(next, log.localStartOffset);
    try {
      for await (const batch of log.readBatches(next, upToOffset)) {
        if (batchFailureAt(batch, 0) !== null) throw damaged(log, "a batch is malformed");
        next = nextOffsetAt(batch, 0);
        if (next <= from) continue;
        const replayed = replayBatch(state, batch, 0, nowMs);
        if (replayed.kind === "corruptState") throw damaged(log, replayed.message);
      }
      break;
    } catch (error) {
      // The log start has passed by: what is below it no longer matters.
      if (next >= log.localStartOffset || log.failure !== null) throw giveBack(state, error);
    }
  }
  return state;
}

const usableSnapshot = (
  log: StoredLog,
  { logs, sequence }: Checkpoint,
  upToOffset: number,
): LogCheckpoint | null => {
  const saved = logs.find((each) => each.number === log.number);
  if (saved === undefined || saved.nextOffset > upToOffset) return null;
  const isCut = log.cuts.some(
    ({ beforeSequence, offset }) => beforeSequence >= sequence && offset < saved.nextOffset,
  );
  return isCut ? null : saved;
};

const damaged = (log: StoredLog, reason: string): LogReadError => {
  log.context.onDamage(log, `cannot be replayed: ${reason}`);
  return new LogReadError(reason);
};

const giveBack = (state: ProducerState, error: unknown): unknown => {
  releaseProducers(state);
  return error;
};
