import type { Clock } from "../../ports/clock.ts";
import type { ErrorName } from "../../protocol/errors.ts";
import { isControlAt, nextOffsetAt } from "../../protocol/records/batch.ts";
import { buildBatch } from "../../protocol/records/build.ts";
import { decodeBatch } from "../../protocol/records/decode.ts";
import type {
  AppendResult,
  CoordinatorLog,
  KeyValue,
  LogPiece,
} from "../coordinator/coordinator-log.ts";
import type { BatchRules } from "../log/batch-validation.ts";
import type { AppendOutcome } from "./append-batch.ts";
import { appendBatch } from "./append-batch.ts";
import type { AppendGate } from "./append-gate.ts";
import { moveLogStartEverywhere } from "../cold/move-log-start.ts";
import { readEverywhere } from "../cold/read-everywhere.ts";
import type { Tier } from "../cold/tier.ts";
import type { TierWriter } from "../cold/tier-writer.ts";
import type { Partition } from "./partition.ts";
import { inSyncCountOf, whenCommitted } from "./partition.ts";
import type { LocalTopic } from "./topic-table.ts";

/** Bound on a coordinator's own batch, for what it writes and what it reads; the runtime keeps its batches far below. */
const maxBatchBytes = 64 * 1024 * 1024;

/** The version of Produce whose rules apply to a broker's own batches: the newest. */
const newestProduce = 13;

type Options = {
  readonly clock: Clock;
  readonly gate: AppendGate;
  readonly topic: LocalTopic;
  readonly partition: Partition;
  /** The partition is sealed, or about to be: the cell sleeps. */
  readonly refusesRecords: () => boolean;
  readonly cold: {
    readonly tier: Pick<Tier, "read">;
    readonly tierWriter: Pick<TierWriter, "leave">;
  };
  /** The object store gets packs of what is committed. */
  readonly isPacking: boolean;
};

/** A partition of an internal topic as the log of a coordinator: appends count once committed, reads end at the high watermark. */
export function coordinatorLog(options: Options): CoordinatorLog {
  const { partition, isPacking } = options;
  let wanted: Wanted | null = null;
  return {
    append: (records) => append(options, records),
    isShortOfReplicas: () =>
      options.refusesRecords() || inSyncCountOf(partition) < partition.minIsr,
    read: () => read(options.cold, partition),
    async moveLogStart(offset) {
      const start = Math.min(offset, partition.log.highWatermark);
      if (start <= partition.log.logStartOffset) return true;
      if (wanted?.start !== start) wanted = { start, committedEnd: partition.log.highWatermark };
      const { committedEnd } = wanted;
      // What was written again is in no segment: until it is in a pack the object store has the old copy only.
      const mayGo = (): boolean =>
        !isPacking || Math.max(partition.packedEnd, partition.tieredEnd) >= committedEnd;
      const { tierWriter } = options.cold;
      const leave: TierWriter["leave"] = (of, below) => tierWriter.leave(of, below, mayGo);
      return moveLogStartEverywhere({ leave }, partition, start);
    },
  };
}

/** Where the log start is to be, and what was committed when that was asked for first: all that was written again. */
type Wanted = { readonly start: number; readonly committedEnd: number };

async function append(options: Options, records: readonly KeyValue[]): Promise<AppendResult> {
  const { clock, gate, topic, partition, refusesRecords } = options;
  const timestamp = clock.nowMs();
  const batch = buildBatch(records.map(({ key, value }) => ({ key, value, timestamp })));
  const rules: BatchRules = {
    ...topic.rules,
    maxMessageBytes: maxBatchBytes,
    segmentBytes: maxBatchBytes,
  };
  const { leaderEpoch: asked } = partition;
  let outcome: AppendOutcome | null = null;
  const waiting = gate.run(
    1,
    () => batch.length,
    () => {
      // Room came in a later term: who coordinates now has read the log already.
      if (partition.leaderEpoch !== asked) return;
      if (refusesRecords()) return void (outcome = asleep);
      const { durability } = topic.settings;
      outcome = appendBatch(partition, {
        records: batch,
        rules,
        durability,
        asksForMinIsr: true,
        produceVersion: newestProduce,
        nowMs: timestamp,
        maxBatchBytes,
      });
    },
  );
  if (waiting !== undefined) await waiting;
  const appended = outcome as AppendOutcome | null;
  if (appended === null) return { kind: "fenced", reason: otherTerm };
  if (appended.kind === "refused") return refusal(appended.error, appended.message);
  const { endOffset, leaderEpoch } = appended;
  const isCommitted = await new Promise<boolean>((resolve) =>
    whenCommitted(partition, { endOffset, leaderEpoch }, resolve),
  );
  return isCommitted
    ? { kind: "committed", nextOffset: endOffset }
    : { kind: "fenced", reason: otherTerm };
}

const asleep: AppendOutcome = {
  kind: "refused",
  error: "NOT_ENOUGH_REPLICAS",
  message: "the cell sleeps, or has not quite woken yet",
  recordErrors: [],
};

const otherTerm = "the term it was made in is over";

/** As Kafka maps what an append says to what a coordinator says (GroupMetadataManager.appendGroupMetadataErrorToResponseError): too few replicas is for waiting, the rest for looking elsewhere. */
function refusal(error: ErrorName, message: string | null): AppendResult {
  const reason = message ?? error;
  return error === "NOT_LEADER_OR_FOLLOWER" || error === "KAFKA_STORAGE_ERROR"
    ? { kind: "fenced", reason }
    : { kind: "unavailable", reason };
}

/** After a sleep, or the loss of every disk, from the object store. */
async function* read({ tier }: Options["cold"], partition: Partition): AsyncIterable<LogPiece> {
  const { log, leaderEpoch } = partition;
  const end = log.nextOffset;
  // What is read must be committed, or a crash could take back what the coordinator has acted on.
  const isCommitted = await new Promise<boolean>((resolve) =>
    whenCommitted(partition, { endOffset: end, leaderEpoch }, resolve),
  );
  if (!isCommitted)
    throw new Error("the leadership was lost before what is to be read was committed");
  for await (const batch of readEverywhere(tier, log, end)) {
    const isMarker = isControlAt(batch, 0);
    if (isMarker) continue;
    const decoded = decodeBatch(batch, 0, maxBatchBytes);
    if (decoded.kind !== "decoded")
      throw new Error(`a coordinator's own batch cannot be read: ${decoded.message}`);
    const records = decoded.records.flatMap(({ key, value }) =>
      key === null ? [] : [{ key, value }],
    );
    yield { records, nextOffset: nextOffsetAt(batch, 0) };
  }
}
