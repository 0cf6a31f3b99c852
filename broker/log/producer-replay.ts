import {
  baseOffsetAt,
  baseSequenceAt,
  isControlAt,
  isTransactionalAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
} from "../../protocol/records/batch.ts";
import { controlRecordAt } from "../../protocol/records/control.ts";
import { endTransaction } from "./open-transactions.ts";
import { recordAppend, touchProducer, type ProducerState } from "./producer-state.ts";

/** A transaction that a marker has just ended. An aborted one goes into the index that read_committed fetches list from. */
export type EndedTransaction = {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The marker's own offset. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
};

export type Replayed =
  | { readonly kind: "replayed"; readonly ended: EndedTransaction | null }
  | { readonly kind: "corruptState"; readonly message: string };

/**
 * Brings the state up to date with one batch of the log, at its place in order: data without asking whether it was allowed (it is in the log), markers of
 * transactions by what they say. Followers, restarts and the leader's own markers come this way.
 */
export function replayBatch(
  state: ProducerState,
  bytes: Uint8Array,
  at: number,
  nowMs: number,
): Replayed {
  const producerId = producerIdAt(bytes, at);
  if (producerId < 0) return nothingEnded;
  if (isControlAt(bytes, at)) return replayMarker(state, bytes, at, nowMs);
  recordAppend(
    state,
    {
      producerId,
      producerEpoch: producerEpochAt(bytes, at),
      baseSequence: baseSequenceAt(bytes, at),
      lastOffsetDelta: lastOffsetDeltaAt(bytes, at),
      isTransactional: isTransactionalAt(bytes, at),
    },
    { baseOffset: baseOffsetAt(bytes, at), timestamp: maxTimestampAt(bytes, at), nowMs },
  );
  return nothingEnded;
}

const nothingEnded: Replayed = { kind: "replayed", ended: null };

const replayMarker = (
  state: ProducerState,
  bytes: Uint8Array,
  at: number,
  nowMs: number,
): Replayed => {
  const producerId = producerIdAt(bytes, at);
  if (recordCountAt(bytes, at) === 0) {
    // Compaction has dropped the marker with its transaction and left the header for the epoch, which fences older ones. Nothing that it ended is here.
    touchProducer(state, producerId, { epoch: producerEpochAt(bytes, at), nowMs });
    return nothingEnded;
  }
  const control = controlRecordAt(bytes, at);
  if (control.kind === "corruptInput") {
    return {
      kind: "corruptState",
      message: `control batch at ${baseOffsetAt(bytes, at)}: ${control.message}`,
    };
  }
  if (control.kind === "other") return nothingEnded;
  // KIP-890: the marker of a version 2 transaction carries the next epoch, which ends this one's sequences.
  const entry = touchProducer(state, producerId, { epoch: producerEpochAt(bytes, at), nowMs });
  entry.coordinatorEpoch = control.coordinatorEpoch;
  entry.lastTimestamp = maxTimestampAt(bytes, at);
  const firstOffset = entry.currentTxnFirstOffset;
  if (firstOffset < 0) return nothingEnded;
  const lastOffset = baseOffsetAt(bytes, at);
  entry.currentTxnFirstOffset = -1;
  endTransaction(state.transactions, firstOffset, lastOffset);
  return {
    kind: "replayed",
    ended: { producerId, firstOffset, lastOffset, isAborted: control.kind === "abort" },
  };
};
