import type { ErrorName } from "../../protocol/errors.ts";
import type { BatchRules, RecordError } from "../log/batch-validation.ts";
import { validateBatch } from "../log/batch-validation.ts";
import { checkAppend } from "../log/producer-state.ts";
import type { Partition } from "./partition.ts";
import { inSyncCountOf } from "./partition.ts";
import { noteRefused, refusedBefore } from "./refused-producers.ts";

/** What became of one batch: where it stands in the log, or why it does not. `endOffset` is the offset after it. */
export type AppendOutcome =
  | {
      readonly kind: "appended";
      readonly baseOffset: number;
      readonly endOffset: number;
      readonly leaderEpoch: number;
      readonly logAppendTimeMs: number;
    }
  | {
      readonly kind: "refused";
      readonly error: ErrorName;
      readonly message: string | null;
      readonly recordErrors: readonly RecordError[];
    };

export type AppendOrder = {
  readonly records: Uint8Array | null;
  readonly rules: BatchRules;
  readonly durability: "replicated" | "fsync";
  /** Enough replicas must be in sync before anything is written (acks=all). */
  readonly asksForMinIsr: boolean;
  readonly produceVersion: number;
  readonly nowMs: number;
  /** The largest batch the log takes at all. */
  readonly maxBatchBytes: number;
};

/**
 * Appends one produced batch to a partition led here: leadership, in-sync set, the batch itself, the producer's sequence, then the copy into the hot
 * ring (replication.md L2). Synchronous, so that batches stand in the log in the order of the requests.
 */
export function appendBatch(partition: Partition | undefined, order: AppendOrder): AppendOutcome {
  if (partition === undefined) return refused("NOT_LEADER_OR_FOLLOWER", null);
  const { log, leaderEpoch } = partition;
  if (log.failure !== null) return refused("KAFKA_STORAGE_ERROR", log.failure);
  if (!partition.isLeader) return refused("NOT_LEADER_OR_FOLLOWER", null);
  if (order.asksForMinIsr && inSyncCountOf(partition) < partition.minIsr) {
    noteRefused(partition.refusedProducers, order.records, { producers: log.producers, ...order });
    return refused("NOT_ENOUGH_REPLICAS", null);
  }
  const { produceVersion, nowMs } = order;
  const validated = validateBatch(order.records, order.rules, { produceVersion, nowMs });
  if (validated.kind === "rejected")
    return refused(validated.error, validated.message, validated.recordErrors ?? []);
  const { bytes, facts } = validated;
  if (facts.sizeBytes > order.maxBatchBytes) {
    // As for the topic's own limit: Java's producer splits the batch on this error, on no other.
    return refused(
      "MESSAGE_TOO_LARGE",
      `the batch has ${facts.sizeBytes} bytes; this broker's log takes ${order.maxBatchBytes}`,
    );
  }
  // Until there are transaction coordinators nobody could end it, and read_committed consumers would wait for ever (KIP-890's hanging transaction).
  if (facts.isTransactional) return refused("INVALID_TXN_STATE", "transactions are not served");
  const logAppendTimeMs = facts.timestampType === "LogAppendTime" ? facts.maxTimestamp : -1;
  const sequence = checkAppend(log.producers, facts);
  if (sequence.kind === "duplicate") {
    // The retry of a batch that is there: the same answer as the first time.
    const { firstOffset, lastOffset, timestamp } = sequence.batch;
    return {
      kind: "appended",
      baseOffset: firstOffset,
      endOffset: lastOffset + 1,
      leaderEpoch,
      logAppendTimeMs: logAppendTimeMs === -1 ? -1 : timestamp,
    };
  }
  if (sequence.kind === "rejected") return refused(sequence.error, sequence.message);
  const first = refusedBefore(partition.refusedProducers, facts, nowMs);
  if (first !== null) {
    const { baseSequence, producerId } = facts;
    const message = `sequence ${baseSequence} of producer ${producerId}: ${first} was refused a moment ago and comes first`;
    return refused("OUT_OF_ORDER_SEQUENCE_NUMBER", message);
  }
  const appended = log.append(bytes, facts, {
    leaderEpoch,
    durability: order.durability,
    nowMs,
  });
  switch (appended.kind) {
    case "appended":
      partition.bytesIn += bytes.length;
      partition.isRefusing = false;
      partition.refusedProducers.delete(facts.producerId);
      return {
        kind: "appended",
        baseOffset: appended.baseOffset,
        endOffset: appended.lastOffset + 1,
        leaderEpoch,
        logAppendTimeMs,
      };
    case "fenced":
      return refused("NOT_LEADER_OR_FOLLOWER", null);
    case "unavailable":
      partition.isRefusing = true;
      noteRefused(partition.refusedProducers, bytes, { producers: log.producers, nowMs });
      return refused("KAFKA_STORAGE_ERROR", appended.reason);
  }
}

function refused(
  error: ErrorName,
  message: string | null,
  recordErrors: readonly RecordError[] = [],
): AppendOutcome {
  return { kind: "refused", error, message, recordErrors };
}
