import assert from "node:assert";
import { noTimestamp, sequenceAfter } from "../../protocol/records/batch.ts";
import {
  beginTransaction,
  createOpenTransactions,
  type OpenTransactions,
} from "./open-transactions.ts";

// What one partition knows of each producer that writes to it: enough to append every batch once and in order (KIP-98), and which transactions are open.
// All of it follows from the log: leaders update it as they append, followers and a restart replay batches (producer-replay.ts); after a
// truncation it is restored from a snapshot (producer-snapshot.ts) and replayed. It is changed in place, and takes time as an argument.

/** One appended batch, as far as a retry can be told by it. */
export type AppendedBatch = {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
};

export type ProducerEntry = {
  readonly producerId: number;
  epoch: number;
  /** The last batches of this epoch, oldest first; empty after a marker raised the epoch. */
  batches: AppendedBatch[];
  /** From here to the oldest of `batches`, every sequence of this epoch was appended here; -1 if that is not known. */
  provenFirstSequence: number;
  /** Time of the last append by this process's clock, or of the replay. Kafka takes the record's timestamp, which forgets who writes old events. */
  lastAppendMs: number;
  /** The largest timestamp of the last batch. */
  lastTimestamp: number;
  /** Epoch of the coordinator that wrote the last marker, or -1. */
  coordinatorEpoch: number;
  /** Where the open transaction began, or -1. */
  currentTxnFirstOffset: number;
};

/** Producers remembered by all partitions of a broker: a client can ask for any number of producer ids, and write with each to every partition. */
export type ProducerBudget = { used: number; readonly limit: number };

export type ProducerLimits = {
  /** `producer.id.expiration.ms`, since the last append. */
  readonly expirationMs: number;
  /** Producers remembered per partition. */
  readonly maxProducers: number;
  readonly budget: ProducerBudget;
};

export type ProducerState = {
  /** By producer id, least recently written first. */
  readonly producers: Map<number, ProducerEntry>;
  readonly transactions: OpenTransactions;
  readonly limits: ProducerLimits;
};

/** A partition remembers this many even when others have used up the budget: one tenant's producers must not shut out another's. */
const guaranteedProducers = 16;

/** Kafka keeps as many: the requests a producer may have in flight. */
export const rememberedBatches = 5;

export function createProducerState(limits: ProducerLimits): ProducerState {
  assert(limits.maxProducers >= 1, "room for one producer");
  return { producers: new Map(), transactions: createOpenTransactions(), limits };
}

/** What `checkAppend` needs of a batch; `BatchFacts` has it. */
export type SequencedBatch = {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastOffsetDelta: number;
  readonly isTransactional: boolean;
};

export type SequenceVerdict =
  | { readonly kind: "append" }
  /** It is in the log already: answer with where it is, once that is committed as far as the request asks. */
  | { readonly kind: "duplicate"; readonly batch: AppendedBatch }
  | {
      readonly kind: "rejected";
      readonly error:
        | "OUT_OF_ORDER_SEQUENCE_NUMBER"
        | "DUPLICATE_SEQUENCE_NUMBER"
        | "INVALID_PRODUCER_EPOCH"
        | "INVALID_TXN_STATE"
        | "KAFKA_STORAGE_ERROR";
      readonly message: string;
    };

/**
 * May a client's batch be appended? Changes nothing. `mustStartAtZero`: a producer unknown here has to begin with sequence 0 (KIP-890's verified
 * transactional appends); without it any sequence is taken from an unknown producer, because its state may have expired or been evicted.
 */
export function checkAppend(
  state: ProducerState,
  batch: SequencedBatch,
  options: { mustStartAtZero?: boolean } = {},
): SequenceVerdict {
  if (batch.producerId < 0) return { kind: "append" };
  const entry = state.producers.get(batch.producerId);
  if (entry === undefined) return checkUnknown(state, batch, options);
  if (batch.producerEpoch < entry.epoch) {
    return rejected(
      "INVALID_PRODUCER_EPOCH",
      `producer ${batch.producerId} has epoch ${entry.epoch}, not ${batch.producerEpoch}`,
    );
  }
  const duplicate = findDuplicate(entry, batch);
  if (duplicate !== undefined) return { kind: "duplicate", batch: duplicate };
  const wrong = sequenceRejection(entry, batch);
  if (wrong !== null) return wrong;
  if (entry.currentTxnFirstOffset >= 0 && !batch.isTransactional) {
    return rejected(
      "INVALID_TXN_STATE",
      `producer ${batch.producerId} has a transaction open from ${entry.currentTxnFirstOffset} on`,
    );
  }
  return { kind: "append" };
}

const checkUnknown = (
  state: ProducerState,
  batch: SequencedBatch,
  options: { mustStartAtZero?: boolean },
): SequenceVerdict => {
  if (options.mustStartAtZero === true && batch.baseSequence !== 0) {
    return outOfOrder(batch, "of a producer unknown here, expected 0");
  }
  if (isFull(state) && oldestEvictable(state) === undefined) {
    // Nobody can be forgotten: every producer remembered is inside a transaction. Retriable, and by then one may have ended.
    return rejected("KAFKA_STORAGE_ERROR", "too many transactions are open in this partition");
  }
  return { kind: "append" };
};

type Rejection = Extract<SequenceVerdict, { kind: "rejected" }>;

const rejected = (error: Rejection["error"], message: string): Rejection => ({
  kind: "rejected",
  error,
  message,
});

const outOfOrder = (batch: SequencedBatch, why: string): Rejection =>
  rejected(
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
    `sequence ${batch.baseSequence} of producer ${batch.producerId}: ${why}`,
  );

const lastSequenceOf = (batch: SequencedBatch): number =>
  sequenceAfter(batch.baseSequence, batch.lastOffsetDelta);

const findDuplicate = (entry: ProducerEntry, batch: SequencedBatch): AppendedBatch | undefined => {
  if (entry.epoch !== batch.producerEpoch) return undefined;
  const lastSequence = lastSequenceOf(batch);
  return entry.batches.find(
    (known) => known.firstSequence === batch.baseSequence && known.lastSequence === lastSequence,
  );
};

const sequenceRejection = (entry: ProducerEntry, batch: SequencedBatch): Rejection | null => {
  const last = entry.batches.at(-1);
  if (batch.producerEpoch > entry.epoch || last === undefined) {
    return batch.baseSequence === 0 ? null : outOfOrder(batch, "a new epoch begins with 0");
  }
  const expected = sequenceAfter(last.lastSequence, 1);
  if (batch.baseSequence === expected) return null;
  if (isProvenAppended(entry, batch)) {
    // Kafka 4 answers 45 here. Clients take 46 for success, which it is: the batch is in the log, only its offset is forgotten.
    return rejected(
      "DUPLICATE_SEQUENCE_NUMBER",
      `sequence ${batch.baseSequence} of producer ${batch.producerId} was appended before`,
    );
  }
  return outOfOrder(batch, `expected ${expected}`);
};

/** Whether the whole batch lies in the range of sequences that this epoch has appended here for certain. Never claimed across a wrap. */
const isProvenAppended = (entry: ProducerEntry, batch: SequencedBatch): boolean => {
  const oldest = entry.batches[0]!.firstSequence;
  const lastSequence = lastSequenceOf(batch);
  return (
    entry.provenFirstSequence >= 0 &&
    batch.baseSequence >= entry.provenFirstSequence &&
    lastSequence >= batch.baseSequence &&
    lastSequence < oldest
  );
};

/** Where a batch was put, and when. */
export type Placement = {
  readonly baseOffset: number;
  readonly timestamp: number;
  readonly nowMs: number;
};

/**
 * Notes an append that `checkAppend` has allowed. If there are more producers than the limit, the one that has not written for longest and has no
 * transaction open is forgotten: it may go on with any sequence, only its retries are no longer recognised.
 */
export function recordAppend(
  state: ProducerState,
  batch: SequencedBatch,
  placement: Placement,
): void {
  if (batch.producerId < 0) return;
  const entry = touchProducer(state, batch.producerId, {
    epoch: batch.producerEpoch,
    nowMs: placement.nowMs,
  });
  appendBatch(entry, {
    firstSequence: batch.baseSequence,
    lastSequence: lastSequenceOf(batch),
    firstOffset: placement.baseOffset,
    lastOffset: placement.baseOffset + batch.lastOffsetDelta,
    timestamp: placement.timestamp,
  });
  if (batch.isTransactional && entry.currentTxnFirstOffset < 0) {
    entry.currentTxnFirstOffset = placement.baseOffset;
    beginTransaction(state.transactions, batch.producerId, placement.baseOffset);
  }
}

const appendBatch = (entry: ProducerEntry, batch: AppendedBatch): void => {
  const last = entry.batches.at(-1);
  // A hole (the state had expired in between) ends what is proven; past a wrap "smaller" no longer means "earlier", and nothing is.
  if (last === undefined || batch.firstSequence !== sequenceAfter(last.lastSequence, 1)) {
    entry.provenFirstSequence = batch.firstSequence;
  }
  const isBehindWrap = entry.batches.some((known) => known.firstSequence > batch.lastSequence);
  if (isBehindWrap || batch.lastSequence < batch.firstSequence) entry.provenFirstSequence = -1;
  entry.batches.push(batch);
  if (entry.batches.length > rememberedBatches) entry.batches.shift();
  entry.lastTimestamp = batch.timestamp;
};

/** The entry of a producer that writes now with `epoch`, as the most recent one; made, and another evicted for it, if there is none. */
export function touchProducer(
  state: ProducerState,
  producerId: number,
  write: { readonly epoch: number; readonly nowMs: number },
): ProducerEntry {
  const { producers } = state;
  const entry = producers.get(producerId) ?? addProducer(state, producerId, write.epoch);
  if (entry.epoch !== write.epoch) {
    entry.epoch = write.epoch;
    entry.batches = [];
    entry.provenFirstSequence = -1;
  }
  entry.lastAppendMs = write.nowMs;
  producers.delete(producerId);
  producers.set(producerId, entry);
  return entry;
}

const addProducer = (state: ProducerState, producerId: number, epoch: number): ProducerEntry => {
  // Replay has no choice: with nobody to evict the limit is passed, by at most the transactions that were open in the log.
  const evicted = isFull(state) ? oldestEvictable(state) : undefined;
  if (evicted !== undefined) removeProducer(state, evicted);
  state.limits.budget.used += 1;
  return {
    producerId,
    epoch,
    batches: [],
    provenFirstSequence: -1,
    lastAppendMs: 0,
    lastTimestamp: noTimestamp,
    coordinatorEpoch: -1,
    currentTxnFirstOffset: -1,
  };
};

const isFull = ({ producers, limits }: ProducerState): boolean =>
  producers.size >= limits.maxProducers ||
  (producers.size >= guaranteedProducers && limits.budget.used >= limits.budget.limit);

const oldestEvictable = (state: ProducerState): ProducerEntry | undefined => {
  for (const entry of state.producers.values()) {
    if (entry.currentTxnFirstOffset < 0) return entry;
  }
  return undefined;
};

const removeProducer = (state: ProducerState, entry: ProducerEntry): void => {
  state.producers.delete(entry.producerId);
  state.limits.budget.used -= 1;
};

/** Forgets producers that have not written for `expirationMs` and have no transaction open. Called now and then; cheap when there is nothing to do. */
export function expireProducers(state: ProducerState, nowMs: number): void {
  for (const entry of state.producers.values()) {
    if (nowMs - entry.lastAppendMs < state.limits.expirationMs) return;
    if (entry.currentTxnFirstOffset < 0) removeProducer(state, entry);
  }
}

/** Gives the budget back; the state must not be used after. For a partition that leaves this broker, or whose state is replaced. */
export function releaseProducers(state: ProducerState): void {
  state.limits.budget.used -= state.producers.size;
  state.producers.clear();
}
